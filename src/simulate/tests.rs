use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Value, json};

use super::chance::Chance;
use super::disguise::{Baited, Disguise};
use super::reply::{Invalid, check};
use super::traffic::{Kind, Shot, Traffic};
use super::{Options, templates};
use crate::platform::tencent::Command;
use crate::verdict::Verdict;

fn options(abuse_percent: u32, seed: u64) -> Options {
    let some = NonZeroU32::new(10).unwrap();
    Options {
        target: "http://127.0.0.1:1/callback".parse().unwrap(),
        app: 1,
        token: None,
        rate: some,
        duration: Duration::from_secs(1),
        rooms: some,
        senders: some,
        abuse_percent,
        connections: some,
        seed,
    }
}

fn shots(abuse_percent: u32, seed: u64) -> Vec<Shot> {
    let mut traffic = Traffic::new(&options(abuse_percent, seed));
    (0..4000).map(|_| traffic.next()).collect()
}

#[test]
fn the_same_seed_gives_the_same_messages() {
    let bodies = |seed| shots(20, seed).into_iter().map(|shot| shot.body).collect::<Vec<_>>();
    assert_eq!(bodies(1), bodies(1));
    assert_ne!(bodies(1), bodies(2));
}

#[test]
fn the_share_of_abuse_is_as_asked() {
    for (percent, least, most) in [(0, 0, 0), (20, 16, 32), (100, 90, 100)] {
        let labels: Vec<_> = shots(percent, 1).iter().filter_map(|shot| shot.label).collect();
        let stop = labels.iter().filter(|label| label.stop).count() * 100 / labels.len();
        assert!((least..=most).contains(&stop), "{percent}: {stop}");
    }
}

#[test]
fn every_kind_and_disguise_comes_up() {
    let labels: Vec<_> = shots(60, 3).iter().filter_map(|shot| shot.label).collect();
    for disguise in Disguise::ALL {
        assert!(labels.iter().any(|label| label.disguise == disguise), "{}", disguise.name());
    }
    for kind in [Kind::Flood, Kind::ForgedGift, Kind::Edit, Kind::Like, Kind::Boosting] {
        assert!(labels.iter().any(|label| label.kind == kind), "{}", kind.name());
    }
    assert!(labels.iter().all(|label| label.stop || label.disguise == Disguise::Plain));
}

#[test]
fn what_is_delivered_is_told_as_it_was_delivered() {
    let mut traffic = Traffic::new(&options(0, 1));
    let before = shots(0, 1).into_iter().find(|shot| shot.body.contains_key("MsgId")).unwrap();
    let same = traffic.delivered(&before, None);
    assert_eq!(same.body["MsgBody"], before.body["MsgBody"]);
    let rewritten = json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": "***" } }]);
    let after = traffic.delivered(&before, Some(rewritten.clone()));
    assert_eq!((&after.body["MsgBody"], after.label), (&rewritten, None));
    assert_eq!(after.body["CallbackCommand"], after.command);
    assert!(after.body["MsgSeq"].as_u64() > same.body["MsgSeq"].as_u64());
    assert_eq!(after.body["MsgId"], before.body["MsgId"]);
}

#[test]
fn a_flood_is_welcome_at_first() {
    let floods: Vec<_> = shots(60, 5)
        .into_iter()
        .filter(|shot| shot.label.is_some_and(|label| label.kind == Kind::Flood))
        .collect();
    let first = &floods[0];
    let same = floods.iter().filter(|shot| {
        shot.body["MsgBody"] == first.body["MsgBody"]
            && shot.body["From_Account"] == first.body["From_Account"]
            && shot.body["GroupId"] == first.body["GroupId"]
    });
    let stops: Vec<bool> = same.take(8).map(|shot| shot.label.unwrap().stop).collect();
    assert_eq!(stops, [false, false, false, true, true, true, true, true]);
}

#[test]
fn disguises_change_the_bait_and_nothing_else() {
    let mut chance = Chance::new(1);
    let mut used = 0;
    for kind in [Kind::Contact, Kind::Number, Kind::Link, Kind::Gambling, Kind::Rude] {
        for text in templates::of(kind).bad.iter().map(|text| Baited::read(text)) {
            let plain = Disguise::Plain.apply(&text, &mut chance).unwrap().concat();
            assert!(!plain.contains(['«', '»']) && !text.bait.is_empty(), "{plain}");
            for disguise in Disguise::ALL {
                let Some(texts) = disguise.apply(&text, &mut chance) else { continue };
                used += 1;
                let whole = texts.concat();
                assert!(whole.starts_with(&text.before) && whole.ends_with(&text.after), "{whole}");
                assert_eq!(whole == plain, disguise == Disguise::Split, "{whole}");
                assert_eq!(texts.len() == 2, disguise == Disguise::Split, "{whole}");
            }
        }
    }
    assert!(used > 100);
}

#[test]
fn replies_are_held_to_what_is_documented() {
    const GROUP: &str = "Group.CallbackBeforeSendMsg";
    const AFTER: &str = "Group.CallbackAfterSendMsg";
    let reply = |more: Value| {
        let mut reply = json!({ "ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0 });
        reply.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        reply.to_string()
    };
    let text = json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": "x" } });
    let custom = json!({ "MsgType": "TIMCustomElem", "MsgContent": {} });
    let field = |name| Err(Invalid::Field(name));
    let code = |command, code| Err(Invalid::Code { command, code });
    for (command, body, expected) in [
        (GROUP, reply(json!({})), Ok(Verdict::Allow)),
        (GROUP, reply(json!({ "ErrorCode": 1 })), Ok(Verdict::Deny)),
        (GROUP, reply(json!({ "ErrorCode": 2 })), Ok(Verdict::Discard)),
        (GROUP, reply(json!({ "ErrorCode": 10150 })), Ok(Verdict::Deny)),
        (GROUP, reply(json!({ "MsgBody": [text, custom] })), Ok(Verdict::Mask)),
        (GROUP, reply(json!({ "CloudCustomData": "x" })), Ok(Verdict::Mask)),
        (AFTER, reply(json!({})), Ok(Verdict::Allow)),
        (GROUP, "<html>".to_owned(), Err(Invalid::Json)),
        (GROUP, "[]".to_owned(), Err(Invalid::Json)),
        (GROUP, "{}".to_owned(), field("ActionStatus")),
        (GROUP, reply(json!({ "ActionStatus": "FAIL" })), field("ActionStatus")),
        (GROUP, reply(json!({ "ErrorInfo": null })), field("ErrorInfo")),
        (GROUP, reply(json!({ "ErrorCode": "0" })), field("ErrorCode")),
        (GROUP, reply(json!({ "ErrorCode": 10201 })), code(GROUP, 10201)),
        (AFTER, reply(json!({ "ErrorCode": 1 })), code(AFTER, 1)),
        (GROUP, reply(json!({ "ErrorCode": 1, "MsgBody": [text] })), Err(Invalid::Misplaced)),
        (AFTER, reply(json!({ "MsgBody": [text] })), Err(Invalid::Misplaced)),
        (GROUP, reply(json!({ "Hint": 1 })), Err(Invalid::Misplaced)),
        (GROUP, reply(json!({ "MsgBody": [] })), field("MsgBody")),
        (GROUP, reply(json!({ "MsgBody": [{ "MsgType": 1 }] })), field("MsgBody")),
        (GROUP, reply(json!({ "MsgBody": [custom, custom] })), field("MsgBody")),
        (GROUP, reply(json!({ "CloudCustomData": 1 })), field("CloudCustomData")),
    ] {
        let found = check(Command::from_name(command), 200, body.as_bytes());
        assert_eq!(found.map(|answer| answer.verdict), expected, "{command} {body}");
    }
    let command = Command::from_name(GROUP);
    assert_eq!(check(command, 503, reply(json!({})).as_bytes()), Err(Invalid::Status(503)));
}
