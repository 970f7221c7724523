//! The callbacks the platform is known to make, as a closed set.
//!
//! Each command has one row in [`TABLE`]: what it carries decides how its body is read, and its
//! class how it is answered. The platform adds commands without notice; those it has no row for
//! are [`Class::Unknown`] and get the neutral reply.

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

/// The codes of a refused group message that reach the client along with the notice.
pub const GROUP_CODES: RangeInclusive<u32> = 10100..=10200;

/// The codes of a refused direct message that reach the client along with the notice.
pub const C2C_CODES: RangeInclusive<u32> = 120_001..=130_000;

/// The codes that refuse one friend request.
pub const FRIEND_CODES: RangeInclusive<u32> = 38_000..=39_000;

/// The codes that refuse a gift: any but 0, within the platform's signed integers.
pub const GIFT_CODES: RangeInclusive<u32> = 1..=0x7FFF_FFFF;

/// The kinds of callback that are answered differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Before a message is delivered: group, direct, official account.
    Message,
    /// Before a gift is sent.
    Gift,
    /// Before something else happens: group creation, join, invitation, friend request.
    Admission,
    /// After the fact; the reply has no effect.
    Event,
    /// A command this version does not know.
    Unknown,
}

impl Class {
    /// The class's name, for metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Gift => "gift",
            Self::Admission => "admission",
            Self::Event => "event",
            Self::Unknown => "unknown",
        }
    }
}

/// What a command's body carries, and so how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Nothing that could be judged.
    Nothing,
    GroupMessage,
    DirectMessage,
    OfficialMessage,
    CreateGroup,
    ApplyJoin,
    Invite,
    Friend,
    Gift,
    GroupProfile,
    RoomProfile,
    MemberProfile,
    UserProfile,
    GroupExtension,
    DirectExtension,
    Review,
}

/// Which callback it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Command(u8);

struct Row {
    name: &'static str,
    class: Class,
    subject: Subject,
}

const fn row(name: &'static str, class: Class, subject: Subject) -> Row {
    Row { name, class, subject }
}

const fn event(name: &'static str) -> Row {
    row(name, Class::Event, Subject::Nothing)
}

/// Every command; the first row stands for all others. The frequent ones come first.
const TABLE: [Row; 57] = [
    row("unknown", Class::Unknown, Subject::Nothing),
    row("Group.CallbackBeforeSendMsg", Class::Message, Subject::GroupMessage),
    row("Group.CallbackAfterSendMsg", Class::Event, Subject::GroupMessage),
    row("C2C.CallbackBeforeSendMsg", Class::Message, Subject::DirectMessage),
    row("C2C.CallbackAfterSendMsg", Class::Event, Subject::DirectMessage),
    row("Live.CallbackBeforeSendGift", Class::Gift, Subject::Gift),
    row("OfficialAccount.CallbackBeforeSendMsg", Class::Message, Subject::OfficialMessage),
    row("OfficialAccount.CallbackAfterSendMsg", Class::Event, Subject::OfficialMessage),
    event("State.StateChange"),
    event("Group.CallbackOnMemberStateChange"),
    event("Live.CallbackAfterMemberStateChanged"),
    event("Live.CallbackMemberStateChanged"),
    row("Group.CallbackSendMsgException", Class::Event, Subject::GroupMessage),
    row("Bot.OnGroupMessage", Class::Event, Subject::GroupMessage),
    row("Bot.OnC2CMessage", Class::Event, Subject::DirectMessage),
    row("Group.CallbackBeforeCreateGroup", Class::Admission, Subject::CreateGroup),
    row("Group.CallbackAfterCreateGroup", Class::Event, Subject::CreateGroup),
    row("Group.CallbackBeforeCreateTopic", Class::Admission, Subject::CreateGroup),
    row("Group.CallbackAfterCreateTopic", Class::Event, Subject::CreateGroup),
    row("Group.CallbackBeforeApplyJoinGroup", Class::Admission, Subject::ApplyJoin),
    row("Group.CallbackBeforeInviteJoinGroup", Class::Admission, Subject::Invite),
    event("Group.CallbackAfterNewMemberJoin"),
    event("Group.CallbackAfterMemberExit"),
    event("Group.CallbackAfterGroupFull"),
    event("Group.CallbackAfterGroupDestroyed"),
    row("Group.CallbackAfterGroupInfoChanged", Class::Event, Subject::GroupProfile),
    row("Group.CallbackAfterTopicInfoChanged", Class::Event, Subject::GroupProfile),
    event("Group.CallbackAfterTopicDestroyed"),
    row("Group.CallbackAfterMemberFieldChanged", Class::Event, Subject::MemberProfile),
    row("Group.CallbackAfterGroupAttrChanged", Class::Event, Subject::GroupProfile),
    event("Group.CallbackAfterRecallMsg"),
    event("Group.CallbackAfterReadReceipt"),
    event("Group.CallbackAfterChangeGroupOwner"),
    event("Group.CallbackOnDailyGroupQuotaAlarm"),
    row("Group.CallbackAfterGroupMsgExtension", Class::Event, Subject::GroupExtension),
    row("C2C.CallbackAfterC2CMsgExtension", Class::Event, Subject::DirectExtension),
    event("C2C.CallbackAfterMsgReport"),
    event("C2C.CallbackAfterMsgWithDraw"),
    row("Profile.CallbackPortraitSet", Class::Event, Subject::UserProfile),
    row("Sns.CallbackPrevFriendAdd", Class::Admission, Subject::Friend),
    row("Sns.CallbackPrevFriendResponse", Class::Admission, Subject::Friend),
    event("Sns.CallbackFriendAdd"),
    event("Sns.CallbackFriendDelete"),
    event("Sns.CallbackBlackListAdd"),
    event("Sns.CallbackBlackListDelete"),
    row("ContentCallback.ResultNotify", Class::Event, Subject::Review),
    event("Alert.RequestOverLimit"),
    row("Live.CallbackAfterCreateRoom", Class::Event, Subject::RoomProfile),
    row("Live.CallbackAfterUpdateRoomInfo", Class::Event, Subject::RoomProfile),
    event("Live.CallbackAfterDestroyRoom"),
    event("Live.CallbackAfterChangeOwner"),
    event("Live.CallbackAfterModifyAdmin"),
    event("Mic.CallbackAfterSeatInfoChanged"),
    row("OfficialAccount.CallbackBeforeAddSubscriber", Class::Admission, Subject::Nothing),
    event("OfficialAccount.CallbackAfterAddSubscriber"),
    event("OfficialAccount.CallbackAfterOfficialAccountFull"),
    event("OfficialAccount.CallbackAfterOfficialAccountDestroyed"),
];

impl Command {
    /// The command of this name; [`Class::Unknown`] for a name that is not known.
    pub fn from_name(name: &str) -> Self {
        let index = TABLE.iter().skip(1).position(|row| row.name == name).map_or(0, |at| at + 1);
        Self(u8::try_from(index).unwrap_or(0))
    }

    /// Every known command.
    pub fn all() -> impl Iterator<Item = Self> {
        (1u8..).zip(TABLE.iter().skip(1)).map(|(index, _)| Self(index))
    }

    /// A number of its own, 0 for all that are not known: for tables of counters.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    fn row(self) -> &'static Row {
        let [unknown, ..] = &TABLE;
        TABLE.get(usize::from(self.0)).unwrap_or(unknown)
    }

    /// Its name, `unknown` for all that are not known: a closed set, fit for a metric label.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// How it is answered.
    pub fn class(self) -> Class {
        self.row().class
    }

    /// Is it asked before the fact, so that the reply decides?
    pub fn is_before(self) -> bool {
        !matches!(self.class(), Class::Event | Class::Unknown)
    }

    /// What its body carries.
    pub(super) fn subject(self) -> Subject {
        self.row().subject
    }

    /// The codes a rule may give for a refusal, besides the plain 1.
    pub fn codes(self) -> Option<RangeInclusive<u32>> {
        match (self.class(), self.subject()) {
            (Class::Message, Subject::GroupMessage) => Some(GROUP_CODES),
            (Class::Message, Subject::DirectMessage) => Some(C2C_CODES),
            (Class::Gift, _) => Some(GIFT_CODES),
            (Class::Admission, Subject::Friend) => Some(FRIEND_CODES),
            _ => None,
        }
    }

    /// The code of a refusal for which the rule gave `code`: that one where this command allows
    /// it, else the command's plain one.
    pub(super) fn refusal(self, code: Option<u32>) -> u32 {
        let plain = if self.subject() == Subject::Friend { 38_001 } else { 1 };
        match (code, self.codes()) {
            (Some(code), Some(codes)) if codes.contains(&code) => code,
            _ => plain,
        }
    }
}
