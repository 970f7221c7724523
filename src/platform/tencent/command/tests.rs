use super::*;

#[test]
fn names_round_trip_and_are_distinct() {
    let mut seen = std::collections::BTreeSet::new();
    for command in Command::all() {
        assert_eq!(Command::from_name(command.name()), command, "{}", command.name());
        assert!(seen.insert(command.name()), "{} twice", command.name());
        assert_ne!(command.class(), Class::Unknown, "{}", command.name());
    }
    assert_eq!(seen.len() + 1, TABLE.len());
}

#[test]
fn a_name_not_known_is_unknown() {
    for name in ["", "unknown", "Group.CallbackBeforeSendmsg", "Group.CallbackBeforeSendMsg "] {
        let command = Command::from_name(name);
        assert_eq!((command.class(), command.name()), (Class::Unknown, "unknown"), "{name}");
    }
}

#[test]
fn before_is_told_from_after() {
    for command in Command::all() {
        let name = command.name();
        let before = name.contains("Before") || name.contains("Prev");
        assert_eq!(command.is_before(), before, "{name}");
    }
}

#[test]
fn a_code_of_another_kind_of_conversation_falls_back() {
    let code = |name: &str, code: u32| Command::from_name(name).refusal(Some(code));
    assert_eq!(code("Group.CallbackBeforeSendMsg", 10130), 10130);
    assert_eq!(code("Group.CallbackBeforeSendMsg", 10100), 10100);
    assert_eq!(code("Group.CallbackBeforeSendMsg", 10201), 1);
    assert_eq!(code("Group.CallbackBeforeSendMsg", 120_042), 1);
    assert_eq!(code("C2C.CallbackBeforeSendMsg", 120_042), 120_042);
    assert_eq!(code("C2C.CallbackBeforeSendMsg", 120_000), 1);
    assert_eq!(code("C2C.CallbackBeforeSendMsg", 10130), 1);
    assert_eq!(code("OfficialAccount.CallbackBeforeSendMsg", 10130), 1);
    assert_eq!(code("Group.CallbackBeforeCreateGroup", 10130), 1);
    assert_eq!(code("Sns.CallbackPrevFriendAdd", 38_500), 38_500);
    assert_eq!(code("Sns.CallbackPrevFriendAdd", 10130), 38_001);
    assert_eq!(code("Live.CallbackBeforeSendGift", 0), 1);
    assert_eq!(code("Live.CallbackBeforeSendGift", 77), 77);
}
