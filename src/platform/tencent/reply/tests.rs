use super::*;

use std::sync::Arc;

use crate::platform::tencent::Query;
use crate::verdict::Span;

fn judgement(verdict: Verdict, code: Option<u32>, notice: &str) -> Judgement {
    let notice = (!notice.is_empty()).then(|| Arc::from(notice));
    Judgement { verdict, code, notice, ..Judgement::default() }
}

#[track_caller]
fn check(command: &str, body: &str, judgement: &Judgement, verdict: Verdict, reply: &str) {
    let raw = format!("CallbackCommand={command}");
    let query = Query::parse(&raw);
    let answer = super::super::answer(&query, body.as_bytes(), &Settings::default(), &mut |_| {
        judgement.clone()
    })
    .unwrap();
    assert_eq!(std::str::from_utf8(&answer.reply).unwrap(), reply, "{command}");
    assert_eq!(answer.verdict, verdict, "{command}");
}

const GROUP: &str = "Group.CallbackBeforeSendMsg";
const C2C: &str = "C2C.CallbackBeforeSendMsg";

#[test]
fn refusals_carry_code_and_notice() {
    use Verdict::Deny;
    let rule = |code, notice| judgement(Deny, code, notice);
    check(GROUP, "{}", &rule(None, ""), Deny, REFUSAL);
    check(
        GROUP,
        "{}",
        &rule(Some(10130), "no \"links\"\n"),
        Deny,
        r#"{"ActionStatus":"OK","ErrorInfo":"no \"links\"\n","ErrorCode":10130}"#,
    );
    check(
        GROUP,
        "{}",
        &rule(Some(120_042), "别加微信"),
        Deny,
        r#"{"ActionStatus":"OK","ErrorInfo":"别加微信","ErrorCode":1}"#,
    );
    check(
        C2C,
        "{}",
        &rule(Some(120_042), ""),
        Deny,
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":120042}"#,
    );
    check(C2C, "{}", &rule(Some(10130), ""), Deny, REFUSAL);
    check("OfficialAccount.CallbackBeforeSendMsg", "{}", &rule(Some(10130), ""), Deny, REFUSAL);
    check("Live.CallbackBeforeSendGift", "{}", &rule(None, ""), Deny, REFUSAL);
}

#[test]
fn silence_is_only_for_those_who_have_it() {
    let silent = judgement(Verdict::Discard, None, "");
    check(GROUP, "{}", &silent, Verdict::Discard, SILENT);
    check("OfficialAccount.CallbackBeforeSendMsg", "{}", &silent, Verdict::Discard, SILENT);
    check(C2C, "{}", &silent, Verdict::Deny, REFUSAL);
    check("Live.CallbackBeforeSendGift", "{}", &silent, Verdict::Deny, REFUSAL);
    check("Group.CallbackBeforeCreateGroup", "{}", &silent, Verdict::Deny, REFUSAL);
}

#[test]
fn a_direct_discard_becomes_what_is_set() {
    use Verdict::{Allow, Deny, Discard, Mask};
    let raw = format!("CallbackCommand={C2C}");
    for (set, verdict, code, replaced) in [
        (Allow, Allow, "\"ErrorCode\":0}", true),
        (Mask, Deny, "\"ErrorCode\":1}", true),
        (Deny, Deny, "\"ErrorCode\":1}", true),
        (Discard, Discard, "\"ErrorCode\":2}", false),
    ] {
        let settings = Settings { c2c_discard: set, ..Settings::default() };
        let query = Query::parse(&raw);
        let judge = &mut |_: &Message<'_>| judgement(Discard, None, "");
        let answer = super::super::answer(&query, b"{}", &settings, judge).unwrap();
        assert_eq!((answer.verdict, answer.discard_replaced), (verdict, replaced));
        assert!(answer.reply.ends_with(code.as_bytes()));
    }
}

#[test]
fn masking_gives_the_whole_body() {
    let body = r#"{"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a bad b"}}],
        "CloudCustomData":"x"}"#;
    let mut rule = judgement(Verdict::Mask, Some(10130), "unused");
    rule.masks = vec![Span { field: 0, range: 2..5 }];
    let reply = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"a *** b"}}]}"#;
    check(GROUP, body, &rule, Verdict::Mask, reply);
    check(C2C, body, &rule, Verdict::Mask, reply);
    rule.masks = vec![Span { field: 1, range: 0..1 }];
    let reply = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"CloudCustomData":"*"}"#;
    check(GROUP, body, &rule, Verdict::Mask, reply);
}

#[test]
fn a_mask_without_effect_allows_and_one_that_cannot_be_refuses() {
    let mut rule = judgement(Verdict::Mask, Some(10130), "n");
    check(GROUP, "{}", &rule, Verdict::Allow, NEUTRAL);
    rule.masks = vec![Span { field: 0, range: 0..1 }];
    let refusal = r#"{"ActionStatus":"OK","ErrorInfo":"n","ErrorCode":10130}"#;
    check(GROUP, r#"{"CloudCustomData":["x"]}"#, &rule, Verdict::Deny, refusal);
    let refusal = r#"{"ActionStatus":"OK","ErrorInfo":"n","ErrorCode":1}"#;
    check("Group.CallbackBeforeCreateGroup", r#"{"Name":"x"}"#, &rule, Verdict::Deny, refusal);
}

#[test]
fn users_are_refused_one_by_one() {
    let body = r#"{"DestinationMembers":[{"Member_Account":"d\"n"},{"Member_Account":"eve"}]}"#;
    check(
        "Group.CallbackBeforeInviteJoinGroup",
        body,
        &judgement(Verdict::Deny, None, "unused"),
        Verdict::Deny,
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"RefusedMembers_Account":["d\"n","eve"]}"#,
    );
    let body = r#"{"FriendItem":[{"To_Account":"bob"}]}"#;
    check(
        "Sns.CallbackPrevFriendAdd",
        body,
        &judgement(Verdict::Deny, Some(1), "not now"),
        Verdict::Deny,
        r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"ResultItem":[{"To_Account":"bob","ResultCode":38001,"ResultInfo":"not now"}]}"#,
    );
    let allow = judgement(Verdict::Allow, None, "");
    check("Sns.CallbackPrevFriendAdd", body, &allow, Verdict::Allow, NEUTRAL);
}

#[test]
fn events_and_strangers_get_the_neutral_reply() {
    let deny = judgement(Verdict::Deny, Some(10130), "n");
    for command in Command::all().filter(|command| !command.is_before()) {
        check(command.name(), "{}", &deny, Verdict::Allow, NEUTRAL);
        assert_eq!(fallback(command, Verdict::Deny), NEUTRAL, "{}", command.name());
    }
    check("Group.CallbackBeforeNews", "{}", &deny, Verdict::Allow, NEUTRAL);
}

#[test]
fn fallbacks_are_replies_without_a_message() {
    for (command, verdict, reply) in [
        (GROUP, Verdict::Allow, NEUTRAL),
        (GROUP, Verdict::Mask, REFUSAL),
        (GROUP, Verdict::Deny, REFUSAL),
        (GROUP, Verdict::Discard, SILENT),
        (C2C, Verdict::Discard, REFUSAL),
        ("Live.CallbackBeforeSendGift", Verdict::Allow, NEUTRAL),
        ("Live.CallbackBeforeSendGift", Verdict::Deny, REFUSAL),
        ("Group.CallbackBeforeApplyJoinGroup", Verdict::Deny, REFUSAL),
        ("Group.CallbackBeforeInviteJoinGroup", Verdict::Deny, NEUTRAL),
        ("Sns.CallbackPrevFriendAdd", Verdict::Deny, NEUTRAL),
        ("State.StateChange", Verdict::Discard, NEUTRAL),
    ] {
        assert_eq!(fallback(Command::from_name(command), verdict), reply, "{command} {verdict}");
    }
}
