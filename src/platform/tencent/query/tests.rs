use super::*;

use proptest::prelude::*;

#[test]
fn an_ordinary_query_is_read_without_allocating() {
    let query = Query::parse(
        "SdkAppid=1400000000&CallbackCommand=Group.CallbackBeforeSendMsg&contenttype=json\
         &ClientIP=203.0.113.9&OptPlatform=iOS&Sign=ab&RequestTime=1669872112",
    );
    assert_eq!(query.sdk_app_id, Some(1_400_000_000));
    assert_eq!(query.command().name(), "Group.CallbackBeforeSendMsg");
    assert_eq!(query.content_type, "json");
    assert_eq!(query.client_ip, Some("203.0.113.9".parse().unwrap()));
    assert_eq!(query.platform, "iOS");
    assert_eq!(query.sign, "ab");
    assert_eq!(query.request_time, "1669872112");
    assert!(matches!(query.command_name, Cow::Borrowed(_)));
}

#[test]
fn order_duplicates_and_strangers_do_not_matter() {
    let query = Query::parse("x=1&&OptPlatform=Web&SdkAppid=2&OptPlatform=iOS&SdkAppid=3&y&=z");
    assert_eq!(query.sdk_app_id, Some(2));
    assert_eq!(query.platform, "Web");
    assert_eq!(query.command().name(), "unknown");
}

#[test]
fn the_first_of_a_repeated_parameter_counts_even_if_empty() {
    assert_eq!(Query::parse("Sign=&Sign=ab").sign, "");
    assert_eq!(Query::parse("SdkAppid=x&SdkAppid=3").sdk_app_id, None);
}

#[test]
fn escapes_are_decoded_and_broken_ones_stand_for_themselves() {
    let platform = |raw: &str| Query::parse(raw).platform.into_owned();
    assert_eq!(platform("OptPlatform=%69OS"), "iOS");
    assert_eq!(platform("Opt%50latform=a+b"), "a b");
    assert_eq!(platform("OptPlatform=%"), "%");
    assert_eq!(platform("OptPlatform=%4"), "%4");
    assert_eq!(platform("OptPlatform=%zz%41"), "%zzA");
    assert_eq!(platform("OptPlatform=%FF"), "\u{FFFD}");
    assert_eq!(platform("OptPlatform=%E5%BE%AE"), "微");
}

#[test]
fn addresses_of_both_kinds() {
    let ip = |raw: &str| Query::parse(raw).client_ip;
    assert_eq!(ip("ClientIP=2001:db8::1"), Some("2001:db8::1".parse().unwrap()));
    assert_eq!(ip("ClientIP=%5B2001%3Adb8%3A%3A1%5D"), Some("2001:db8::1".parse().unwrap()));
    assert_eq!(ip("ClientIP=203.0.113.9:80"), None);
    assert_eq!(ip("ClientIP="), None);
}

#[test]
fn app_ids_are_plain_numbers() {
    let id = |raw: &str| Query::parse(raw).sdk_app_id;
    assert_eq!(id("SdkAppid=+1"), None);
    assert_eq!(id("SdkAppid=-1"), None);
    assert_eq!(id("SdkAppid="), None);
    assert_eq!(id("SdkAppid=99999999999999999999999"), None);
    assert_eq!(id("SdkAppId=1"), None);
}

#[test]
fn the_signature_stays_out_of_debug() {
    let shown = format!("{:?}", Query::parse("Sign=deadbeef&RequestTime=1669872112"));
    assert!(!shown.contains("deadbeef") && !shown.contains("1669872112"), "{shown}");
}

proptest! {
    #[test]
    fn any_query_is_harmless(raw in "[ -~]{0,80}|\\PC{0,40}") {
        let query = Query::parse(&raw);
        prop_assert!(query.platform.len() <= raw.len() * 3);
    }
}
