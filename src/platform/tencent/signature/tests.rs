use std::fmt::Write as _;

use super::*;

const TIME: i64 = 1_669_872_112;
const SIGN: &str = "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061";

fn apps(tokens: &[&str]) -> Vec<App> {
    vec![
        App { sdk_app_id: 7, tokens: Vec::new() },
        App { sdk_app_id: 1_400_000_000, tokens: tokens.iter().map(|t| Secret::new(*t)).collect() },
    ]
}

#[track_caller]
fn check(raw: &str, tokens: &[&str], now: i64, expected: Result<(), Refusal>) {
    let apps = apps(tokens);
    let found = verify(&Query::parse(raw), &apps, Timestamp(now), WINDOW_SECONDS);
    assert_eq!(found.map(|_| ()), expected, "{raw}");
}

#[test]
fn the_vectors_hold() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/cases/tencent/test_vectors.json"))
            .unwrap();
    for vector in vectors["sign"].as_array().unwrap() {
        let time = vector["request_time"].as_str().unwrap();
        let sign = vector["sign"].as_str().unwrap();
        let raw = format!("SdkAppid=1400000000&Sign={sign}&RequestTime={time}");
        let token = vector["token"].as_str().unwrap();
        check(&raw, &[token], time.parse().unwrap(), Ok(()));
    }
    let wrong = &vectors["sign_wrong_in_old_docs"];
    let raw = |key: &str| {
        format!("SdkAppid=1400000000&Sign={}&RequestTime={TIME}", wrong[key].as_str().unwrap())
    };
    check(&raw("printed_sign"), &["xxxyyy"], TIME, Err(Refusal::Forged));
    check(&raw("true_sign"), &["xxxyyy"], TIME, Ok(()));
    for url in vectors["urls"].as_array().unwrap() {
        let raw = url.as_str().unwrap().split_once('?').unwrap().1;
        let query = Query::parse(raw);
        assert_eq!(query.sdk_app_id, Some(1_400_000_000), "{raw}");
        assert_ne!(query.command().name(), "unknown", "{raw}");
        let expected = if raw.contains("Sign=") { Ok(()) } else { Err(Refusal::Unsigned) };
        check(raw, &["xxxxyyyy"], TIME, expected);
    }
}

#[test]
fn either_case_and_either_token() {
    let raw = format!("SdkAppid=1400000000&Sign={}&RequestTime={TIME}", SIGN.to_uppercase());
    check(&raw, &["xxxxyyyy"], TIME, Ok(()));
    check(&raw, &["new", "xxxxyyyy"], TIME, Ok(()));
    check(&raw, &["xxxxyyyy", "new"], TIME, Ok(()));
    check(&raw, &["new"], TIME, Err(Refusal::Forged));
}

#[test]
fn the_window_is_closed_on_both_sides() {
    let raw = format!("SdkAppid=1400000000&Sign={SIGN}&RequestTime={TIME}");
    for (offset, expected) in [
        (-61, Err(Refusal::Stale)),
        (-60, Ok(())),
        (60, Ok(())),
        (61, Err(Refusal::Stale)),
        (i64::MAX - TIME, Err(Refusal::Stale)),
    ] {
        check(&raw, &["xxxxyyyy"], TIME + offset, expected);
    }
}

#[test]
fn missing_garbled_and_foreign_callbacks_are_refused() {
    let id = "SdkAppid=1400000000";
    for (raw, expected) in [
        (id.to_owned(), Refusal::Unsigned),
        (format!("{id}&Sign={SIGN}"), Refusal::Unsigned),
        (format!("{id}&RequestTime={TIME}"), Refusal::Unsigned),
        (format!("{id}&Sign=&RequestTime={TIME}"), Refusal::Unsigned),
        (format!("{id}&Sign={SIGN}0&RequestTime={TIME}"), Refusal::Forged),
        (format!("{id}&Sign={}&RequestTime={TIME}", SIGN.get(2..).unwrap()), Refusal::Forged),
        (format!("{id}&Sign=x{}&RequestTime={TIME}", SIGN.get(1..).unwrap()), Refusal::Forged),
        (format!("{id}&Sign={SIGN}&RequestTime=0{TIME}"), Refusal::Forged),
        (format!("{id}&Sign={SIGN}&RequestTime=%00"), Refusal::Forged),
        (format!("SdkAppid=8&Sign={SIGN}&RequestTime={TIME}"), Refusal::App),
        (format!("Sign={SIGN}&RequestTime={TIME}"), Refusal::App),
        ("SdkAppid=abc".to_owned(), Refusal::App),
        (String::new(), Refusal::App),
    ] {
        check(&raw, &["xxxxyyyy"], TIME, Err(expected));
    }
}

#[test]
fn a_rightly_signed_time_that_is_no_time_is_stale() {
    let time = "soon";
    let mut sign = String::new();
    for byte in Sha256::new().chain_update(b"t").chain_update(time).finalize() {
        write!(sign, "{byte:02x}").unwrap();
    }
    let raw = format!("SdkAppid=1400000000&Sign={sign}&RequestTime={time}");
    check(&raw, &["t"], TIME, Err(Refusal::Stale));
}

#[test]
fn without_tokens_or_apps_no_signature_is_asked_for() {
    check("SdkAppid=7", &["xxxxyyyy"], TIME, Ok(()));
    assert!(verify(&Query::parse(""), &[], Timestamp(0), 0).unwrap().is_none());
}

#[test]
fn a_secret_shows_nothing() {
    assert_eq!(format!("{:?}", apps(&["hush"])[1].tokens), "[[redacted]]");
}
