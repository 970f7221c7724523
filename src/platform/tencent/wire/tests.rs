use super::*;

use crate::message::Message;
use crate::platform::tencent::messages;

/// Each message on a line: sender, operator, where it goes, kinds, fields.
fn shown(message: &Message<'_>) -> String {
    let kinds = Kind::ALL
        .iter()
        .filter(|(kind, _)| message.kinds.meets(KindSet::of(*kind)))
        .map(|(_, name)| (*name).to_owned());
    let fields = message.fields.iter().map(|field| format!("{}={}", field.name(), field.text));
    let documents = message.documents.iter().map(|document| format!("{{{}}}", document.name));
    let separator = std::iter::once("|".to_owned());
    let parts: Vec<_> = kinds.chain(separator).chain(fields).chain(documents).collect();
    let to = &message.conversation;
    format!(
        "{} by {} to {:?} `{}` {}: {}",
        message.sender,
        message.operator,
        to.kind,
        to.id,
        to.group_type,
        parts.join(" ")
    )
}

#[track_caller]
fn check(command: &str, body: &str, expected: &[&str]) {
    let mut found = Vec::new();
    let command = Some(Command::from_name(command));
    let repaired = messages(command, body.as_bytes(), &Settings::default(), &mut |message| {
        found.push(shown(message));
    });
    assert_eq!(found, expected);
    assert_eq!(repaired, Ok(false));
}

/// The payload of this name among the samples.
#[track_caller]
fn check_sample(file: &str, expected: &[&str]) {
    let path = format!("{}/tests/cases/tencent/callbacks/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let command = file.split('_').next().unwrap_or_default();
    check(command, &std::fs::read_to_string(path).unwrap(), expected);
}

#[test]
fn group_messages() {
    let expected = "ann by ann to Group `@TGS#2PUB4KXQ` Public: TIMTextElem CloudCustomData \
                    | MsgBody[0].Text=hello CloudCustomData=lvl=3";
    check_sample("Group.CallbackBeforeSendMsg", &[expected]);
    check_sample(
        "Group.CallbackAfterSendMsg",
        &[&expected.replace("hello", "@all @brennan hello")],
    );
    check_sample(
        "Group.CallbackSendMsgException",
        &["ann by ann to Group `@TGS#2PUB4KXQ` Public: TIMTextElem | MsgBody[0].Text=again"],
    );
    check(
        "Bot.OnGroupMessage",
        r#"{"From_Account":"ann","GroupId":"g","AtRobots_Account":["r"],
            "MsgBody":[{"MsgType":"TIMTextElem","MsgContent":{"Text":"hi"}}]}"#,
        &["ann by ann to Group `g` : TIMTextElem | MsgBody[0].Text=hi"],
    );
}

#[test]
fn an_administrator_sends_on_behalf() {
    check(
        "Group.CallbackBeforeSendMsg",
        r#"{"From_Account":"ann","Operator_Account":"admin","GroupId":"g","Type":"Live"}"#,
        &["ann by admin to Group `g` Live: |"],
    );
}

#[test]
fn direct_and_official_messages() {
    let direct = "ann by ann to Direct `bob` : TIMTextElem CloudCustomData \
                  | MsgBody[0].Text=hello CloudCustomData=lvl=3";
    check_sample("C2C.CallbackBeforeSendMsg", &[direct]);
    check_sample("C2C.CallbackAfterSendMsg", &[direct]);
    check_sample(
        "OfficialAccount.CallbackBeforeSendMsg",
        &["@TOA#_2J4SZEAEL by @TOA#_2J4SZEAEL to Official `@TOA#_2J4SZEAEL` : TIMTextElem \
           | MsgBody[0].Text=new drop today"],
    );
}

#[test]
fn admissions() {
    check_sample(
        "Group.CallbackBeforeCreateGroup",
        &["ann by ann to Group `` Public: GroupProfile | Name=Night market"],
    );
    check_sample(
        "Group.CallbackBeforeApplyJoinGroup",
        &["dan by dan to Group `@TGS#2PUB4KXQ` Public: JoinRequest |"],
    );
    check_sample(
        "Group.CallbackBeforeInviteJoinGroup",
        &[
            "dan by ann to Group `@TGS#2PUB4KXQ` Public: Invitation |",
            "eve by ann to Group `@TGS#2PUB4KXQ` Public: Invitation |",
        ],
    );
    check_sample(
        "Sns.CallbackPrevFriendAdd",
        &["ann by ann to Other `bob` : FriendRequest | Remark=b AddWording=hi, it's ann"],
    );
    check(
        "Sns.CallbackPrevFriendResponse",
        r#"{"Requester_Account":"op","ResponseFriendItem":[{"To_Account":"a","Remark":"x"},{},
            {"Remark":"y","To_Account":"b"},7],"From_Account":"me"}"#,
        &[
            "me by op to Other `a` : FriendRequest | Remark=x",
            "me by op to Other `b` : FriendRequest | Remark=y",
        ],
    );
}

#[test]
fn gifts_are_documents() {
    check(
        "Live.CallbackBeforeSendGift",
        r#"{"Operator_Account":"ann","RoomId":"r","GiftWater":{"From_Account":"zoe",
            "To_Account":["host"],"GiftId":"rose","Count":99,"Coins":1e2}}"#,
        &["zoe by ann to Group `r` : Gift | {GiftWater}"],
    );
    check("Live.CallbackBeforeSendGift", "{}", &[" by  to Group `` : Gift |"]);
}

#[test]
fn profiles() {
    check_sample(
        "Group.CallbackAfterGroupInfoChanged",
        &["ann by ann to Group `@TGS#2PUB4KXQ` Public: GroupProfile | Name=Night market 2 \
           Introduction=sellers only Notification=Rules: be kind \
           FaceUrl=https://cos.example/face"],
    );
    check_sample(
        "Group.CallbackAfterGroupAttrChanged",
        &["host1 by host1 to Group `@TGS#aLIVE77Q5` AVChatRoom: GroupProfile \
           | GroupAttr[0].key=live_status GroupAttr[0].value=2"],
    );
    check_sample(
        "Group.CallbackAfterCreateGroup",
        &["ann by ann to Group `@TGS#2PUB4KXQ` Public: GroupProfile | Name=Night market \
           UserDefinedDataList[0].Key=tier UserDefinedDataList[0].Value=gold"],
    );
    check_sample(
        "Group.CallbackAfterMemberFieldChanged",
        &["dan by admin to Group `@TGS#2PUB4KXQ` Public: MemberProfile | NameCard=jacky"],
    );
    check_sample(
        "Profile.CallbackPortraitSet",
        &["ann by ann to Other `` : UserProfile | Tag_Profile_IM_Nick=ann ☎ 555-0100 \
           Tag_Profile_IM_Image=https://cos.example/a.png"],
    );
    check(
        "Profile.CallbackPortraitSet",
        r#"{"ProfileItem":[{"Value":"Gender_Type_Male","Tag":"Tag_Profile_IM_Gender"},
            {"Value":"v","Tag":"Tag_Profile_Custom_x"},{"Value":"w"}]}"#,
        &[" by  to Other `` : UserProfile | Tag_Profile_Custom_x=v Value=w"],
    );
    check(
        "Live.CallbackAfterUpdateRoomInfo",
        r#"{"Operator_Account":"bob","RoomInfo":{"RoomId":"r","RoomName":"n","CustomInfo":"c",
            "TakeSeatMode":"ApplyToTake","Category":[1]}}"#,
        &["bob by bob to Group `r` : GroupProfile | RoomName=n CustomInfo=c"],
    );
}

#[test]
fn extensions_and_reviews() {
    check_sample(
        "Group.CallbackAfterGroupMsgExtension",
        &[
            " by  to Group `test` : Extension | ExtensionList[0].Key=vote ExtensionList[0].Value=yes",
        ],
    );
    check_sample(
        "C2C.CallbackAfterC2CMsgExtension",
        &["ann by ann to Direct `bob` : Extension | ExtensionList[0].Key=k1 \
           ExtensionList[0].Value=v1"],
    );
    check_sample(
        "ContentCallback.ResultNotify_c2c_text",
        &["ann by ann to Direct `bob` : Review | TextContent[0]=bad words TextContent[1]=12345"],
    );
    check(
        "ContentCallback.ResultNotify",
        r#"{"From_Account":"ann","ContactItem":{"ContactType":2,"ToGroupId":"g"},"TextContent":"t"}"#,
        &["ann by ann to Group `g` : Review | TextContent=t"],
    );
}

#[test]
fn what_bears_no_text_gives_no_message() {
    for sample in [
        "State.StateChange_login",
        "Group.CallbackAfterRecallMsg",
        "Group.CallbackAfterReadReceipt",
        "Alert.RequestOverLimit",
        "Sns.CallbackFriendAdd",
        "Live.CallbackAfterMemberStateChanged",
    ] {
        check_sample(sample, &[]);
    }
    check("Group.CallbackFromTheFuture", r#"{"MsgBody":[{"MsgContent":{"Text":"t"}}]}"#, &[]);
}

#[test]
fn fields_of_other_types_are_borne() {
    check(
        "Group.CallbackBeforeSendMsg",
        r#"{"GroupId":123,"Type":null,"From_Account":["x"],"Operator_Account":{"a":1},"Random":"r",
            "EventTime":"1760000000123","New":{"deep":[1e999]},"CloudCustomData":[1,"c"]}"#,
        &[" by  to Group `123` : CloudCustomData | CloudCustomData[1]=c"],
    );
    for body in [
        r#"{"FriendItem":{"To_Account":"a"}}"#,
        r#"{"FriendItem":["a"]}"#,
        r#"{"FriendItem":[{"To_Account":"a","To_Account":"a"}]}"#,
    ] {
        check("Sns.CallbackPrevFriendAdd", body, &[" by  to Other `a` : FriendRequest |"]);
    }
    for body in [r#"{"FriendItem":null}"#, r#"{"FriendItem":5}"#, r#"{"FriendItem":[null,[]]}"#] {
        check("Sns.CallbackPrevFriendAdd", body, &[]);
    }
    for body in [r#"{"GiftWater":null}"#, r#"{"GiftWater":[1]}"#, r#"{"GiftWater":"x"}"#] {
        check("Live.CallbackBeforeSendGift", body, &[" by  to Group `` : Gift | {GiftWater}"]);
    }
}

#[test]
fn the_body_names_its_command() {
    let body =
        r#"{"Random":[1,{"CallbackCommand":"x"}],"CallbackCommand":"C2C.CallbackAfterSendMsg"}"#;
    assert_eq!(named(body).unwrap().name(), "C2C.CallbackAfterSendMsg");
    assert_eq!(named("{}").unwrap().name(), "unknown");
}
