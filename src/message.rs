//! The platform-free view of what a user sent.
//!
//! A [`Message`] borrows from the callback's body wherever it can. Its [`Field`]s are every
//! text-bearing leaf, in document order; the rules see nothing else of the text, so what is not a
//! field escapes judgement, and what is one never does.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

/// One message, or one of the other things a user can put text into (a group name, a friend
/// request, a gift): the subject of a judgement.
#[derive(Debug, Clone, Default)]
pub struct Message<'a> {
    /// Who the message is from. For a join request or an invitation: who would join.
    pub sender: Cow<'a, str>,
    /// Who made the request; differs from the sender when an administrator sends on behalf.
    pub operator: Cow<'a, str>,
    /// Where it goes.
    pub conversation: Conversation<'a>,
    /// What the sender used.
    pub client: Client<'a>,
    /// The kind of each top-level element, in order.
    pub elements: Vec<Kind>,
    /// Every kind present, nested ones included.
    pub kinds: KindSet,
    /// Every text-bearing leaf, in document order.
    pub fields: Vec<Field<'a>>,
    /// The strings that held JSON, as sent, for conditions on single values.
    pub documents: Vec<Document<'a>>,
}

/// Where a message goes.
#[derive(Debug, Clone, Default)]
pub struct Conversation<'a> {
    /// Group, direct, official account, or none of them.
    pub kind: ConversationKind,
    /// The group, the receiver or the official account.
    pub id: Cow<'a, str>,
    /// The group's type as the platform spells it (`Public`, `AVChatRoom`, `Live`, …), or empty.
    pub group_type: Cow<'a, str>,
}

/// The shape of a conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConversationKind {
    /// A group or live room.
    Group,
    /// One user to another.
    Direct,
    /// An official account to its subscribers.
    Official,
    /// Not sent to a conversation: a profile, a friend request.
    #[default]
    Other,
}

/// What the sender used.
#[derive(Debug, Clone, Default)]
pub struct Client<'a> {
    /// `RESTAPI`, `Web`, `Android`, `iOS`, …, as sent; compared without case. Empty if not sent.
    pub platform: Cow<'a, str>,
    /// The sender's network address, where the platform gave a well-formed one.
    pub address: Option<IpAddr>,
}

/// One text-bearing leaf.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    /// Index into [`Message::elements`]; `None` for what stands beside them (`CloudCustomData`).
    pub element: Option<u32>,
    /// The running number of the string leaf within its element, in document order: what a
    /// rewrite goes by, since two leaves may have the same path.
    pub ordinal: u32,
    /// The kinds a rule may name to see this field: its own, and those it is nested in.
    pub kinds: KindSet,
    /// Where it stands in its element, for people: `Text`, `MsgList[1].MsgBody[0].Text`,
    /// `Data.note` for a leaf of JSON inside `Data`.
    pub path: Cow<'a, str>,
    /// The text, decoded.
    pub text: Cow<'a, str>,
    /// Shown to the reader right after the field before it, as one text.
    pub joined: bool,
}

impl Field<'_> {
    /// The whole name of the field, for evidence: `MsgBody[0].Text`, `CloudCustomData`.
    pub fn name(&self) -> String {
        match self.element {
            Some(index) => format!("MsgBody[{index}].{}", self.path),
            None => self.path.clone().into_owned(),
        }
    }
}

/// A string of the message that held JSON.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// Index into [`Message::elements`], or `None` for `CloudCustomData`.
    pub element: Option<u32>,
    /// The field's name: `Data`, `Ext`, `Desc`, `CloudCustomData`.
    pub name: Cow<'a, str>,
    /// The JSON text.
    pub text: Cow<'a, str>,
}

/// The kind of an element, named in rules by the platform's `MsgType`, or what else bears text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is named by the string in `Kind::ALL`")]
pub enum Kind {
    Text,
    Face,
    Location,
    Custom,
    Sound,
    Image,
    File,
    Video,
    Relay,
    Unknown,
    CloudCustomData,
    Extension,
    GroupProfile,
    MemberProfile,
    UserProfile,
    FriendRequest,
    JoinRequest,
    Invitation,
    Gift,
    Review,
}

impl Kind {
    /// Every kind with its name in rule files.
    pub const ALL: [(Self, &'static str); 20] = [
        (Self::Text, "TIMTextElem"),
        (Self::Face, "TIMFaceElem"),
        (Self::Location, "TIMLocationElem"),
        (Self::Custom, "TIMCustomElem"),
        (Self::Sound, "TIMSoundElem"),
        (Self::Image, "TIMImageElem"),
        (Self::File, "TIMFileElem"),
        (Self::Video, "TIMVideoFileElem"),
        (Self::Relay, "TIMRelayElem"),
        (Self::Unknown, "Unknown"),
        (Self::CloudCustomData, "CloudCustomData"),
        (Self::Extension, "Extension"),
        (Self::GroupProfile, "GroupProfile"),
        (Self::MemberProfile, "MemberProfile"),
        (Self::UserProfile, "UserProfile"),
        (Self::FriendRequest, "FriendRequest"),
        (Self::JoinRequest, "JoinRequest"),
        (Self::Invitation, "Invitation"),
        (Self::Gift, "Gift"),
        (Self::Review, "Review"),
    ];

    /// The kinds that messages are made of, and what stands beside them.
    pub const MESSAGE: KindSet = KindSet(Self::Extension.bit() - 1);

    /// The kind's name in rule files.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("Unknown", |(_, name)| name)
    }

    /// The kind with this name in rule files.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// The kind of an element with this `MsgType`: one of the platform's, or [`Kind::Unknown`].
    pub fn from_msg_type(msg_type: &str) -> Self {
        let (own, _) = Self::ALL.split_at(9);
        own.iter().find(|(_, name)| *name == msg_type).map_or(Self::Unknown, |(kind, _)| *kind)
    }

    const fn bit(self) -> u32 {
        1 << self.index()
    }

    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    const fn index(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KindSet(u32);

impl KindSet {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// Every kind.
    pub const ALL: Self = Self(u32::MAX);

    /// The set of one kind.
    pub const fn of(kind: Kind) -> Self {
        Self(kind.bit())
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Do the sets share a kind?
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Is the set empty?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, |set, kind| set.with(Self::of(kind)))
    }
}
