//! The body of a callback, and the messages in it.
//!
//! Reading is lenient: of the documented fields any may be missing, null, repeated or of another
//! type, and unknown ones are ignored; only what is not JSON fails.

pub(super) mod lenient;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Settings;
use super::command::{Command, Subject};
use super::elements::{Key, Walk};
use super::query::Query;
use crate::message::{
    Client, Conversation, ConversationKind, Document, Field, Kind, KindSet, Message,
};
use lenient::{Scalar, object};

/// The values of a profile that are names of settings, not text.
const PROFILE_SETTINGS: [&str; 4] = [
    "Tag_Profile_IM_Gender",
    "Tag_Profile_IM_AllowType",
    "Tag_Profile_IM_AdminForbidType",
    "Tag_Profile_IM_MsgSettings",
];

/// A callback's body, read.
#[derive(Debug)]
pub(super) struct Callback<'a> {
    /// Which callback it is taken for.
    pub(super) command: Command,
    /// Which callback the body says it is; empty if it does not say.
    pub(super) command_name: Cow<'a, str>,
    /// What is to be judged: none, one, or several for callbacks about several users.
    pub(super) messages: Messages<'a>,
    /// The strings that were taken apart as JSON, by element and ordinal.
    pub(super) opened: Vec<(Option<u32>, u32)>,
}

/// None, one or several messages; the usual one costs no allocation.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large variant is the usual one")]
pub(super) enum Messages<'a> {
    One(Message<'a>),
    Many(Vec<Message<'a>>),
}

impl<'a> Messages<'a> {
    pub(super) fn as_slice(&self) -> &[Message<'a>] {
        match self {
            Self::One(message) => std::slice::from_ref(message),
            Self::Many(messages) => messages,
        }
    }
}

/// Reads `body`, which may only fail by not being JSON the parser accepts. Without a command, the
/// one the body names is taken. With `whole`, the body is also judged as one text.
pub(super) fn read<'a>(
    command: Option<Command>,
    query: &'a Query<'_>,
    body: &'a str,
    settings: &Settings,
    whole: bool,
) -> Result<Callback<'a>, serde_json::Error> {
    let command = match command {
        Some(command) => command,
        None => named(body)?,
    };
    let mut wire = Wire::new(command.subject(), settings);
    let mut json = serde_json::Deserializer::from_str(body);
    json.deserialize_map(&mut wire)?;
    json.end()?;
    if whole {
        wire.walk.push_unreachable(Cow::Borrowed(body));
    }
    Ok(wire.into_callback(command, query))
}

/// A body that cannot be read at all, as one text.
pub(super) fn unread<'a>(
    command: Command,
    query: &'a Query<'_>,
    body: &'a str,
    settings: &Settings,
) -> Callback<'a> {
    let mut wire = Wire::new(command.subject(), settings);
    wire.walk.push_unreachable(Cow::Borrowed(body));
    wire.into_callback(command, query)
}

/// The command the body names.
fn named(body: &str) -> Result<Command, serde_json::Error> {
    struct Named(Option<Command>);
    impl<'de> Visitor<'de> for Named {
        type Value = Command;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a callback")
        }
        fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<Command, M::Error> {
            while let Some(Key(key)) = map.next_key()? {
                if key == "CallbackCommand" {
                    let Scalar(name) = map.next_value()?;
                    self.0 = Some(Command::from_name(&name));
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(self.0.unwrap_or_else(|| Command::from_name("")))
        }
    }
    serde_json::Deserializer::from_str(body).deserialize_map(Named(None))
}

/// The parts of a body, as they come.
struct Wire<'a> {
    subject: Subject,
    command: Cow<'a, str>,
    from: Cow<'a, str>,
    to: Cow<'a, str>,
    operator: Cow<'a, str>,
    owner: Cow<'a, str>,
    /// Who would join, or whose field changed.
    member: Cow<'a, str>,
    official: Cow<'a, str>,
    group: Cow<'a, str>,
    group_type: Cow<'a, str>,
    walk: Walk<'a>,
    items: Vec<Item<'a>>,
}

/// One of several users a callback is about.
struct Item<'a> {
    account: Cow<'a, str>,
    fields: Vec<Field<'a>>,
    documents: Vec<Document<'a>>,
}

impl<'a> Wire<'a> {
    fn new(subject: Subject, settings: &Settings) -> Self {
        const NONE: Cow<'_, str> = Cow::Borrowed("");
        Self {
            subject,
            command: NONE,
            from: NONE,
            to: NONE,
            operator: NONE,
            owner: NONE,
            member: NONE,
            official: NONE,
            group: NONE,
            group_type: NONE,
            walk: Walk::new(settings),
            items: Vec::new(),
        }
    }

    /// Where the value of `key` goes, if it is a user, a group or the like.
    fn party(&mut self, key: &str) -> Option<&mut Cow<'a, str>> {
        Some(match key {
            "GroupId" | "RoomId" => &mut self.group,
            "Type" => &mut self.group_type,
            "From_Account" => &mut self.from,
            "Operator_Account" | "Requester_Account" => &mut self.operator,
            "To_Account" => &mut self.to,
            "CallbackCommand" => &mut self.command,
            "Official_Account" => &mut self.official,
            "Owner_Account" => &mut self.owner,
            "Requestor_Account" | "Member_Account" => &mut self.member,
            _ => return None,
        })
    }

    fn is_message(&self) -> bool {
        use Subject::{DirectMessage, GroupMessage, OfficialMessage};
        matches!(self.subject, GroupMessage | DirectMessage | OfficialMessage)
    }

    /// The kind of text the value of `key` is.
    fn text_kind(&self, key: &str) -> Option<Kind> {
        match (self.subject, key) {
            (Subject::CreateGroup, "Name" | "UserDefinedDataList" | "FaceUrl")
            | (
                Subject::GroupProfile,
                "Name"
                | "Introduction"
                | "Notification"
                | "FaceUrl"
                | "GroupAttr"
                | "UserDefinedDataList",
            ) => Some(Kind::GroupProfile),
            (Subject::MemberProfile, "NameCard") => Some(Kind::MemberProfile),
            (Subject::GroupExtension | Subject::DirectExtension, "ExtensionList") => {
                Some(Kind::Extension)
            }
            (Subject::Review, "TextContent") => Some(Kind::Review),
            _ => None,
        }
    }

    fn value<M: MapAccess<'a>>(&mut self, map: &mut M, key: &Key<'a>) -> Result<(), M::Error> {
        if self.is_message() {
            match &*key.0 {
                "MsgBody" => return self.walk.body(map, key),
                "CloudCustomData" => {
                    return self.walk.beside(map, key, Kind::CloudCustomData);
                }
                "Random" | "MsgId" | "OnlineOnlyFlag" | "EventTime" | "MsgSeq" | "MsgTime" => {
                    return map.next_value::<IgnoredAny>().map(drop);
                }
                _ => {}
            }
        } else if let Some(kind) = self.text_kind(&key.0) {
            return self.walk.beside(map, key, kind);
        }
        if let Some(party) = self.party(&key.0) {
            let Scalar(value) = map.next_value()?;
            *party = value;
            return Ok(());
        }
        let cold = matches!(
            (self.subject, &*key.0),
            (Subject::Friend, "FriendItem" | "ResponseFriendItem")
                | (Subject::Invite, "DestinationMembers")
                | (Subject::UserProfile, "ProfileItem")
                | (Subject::Gift, "GiftWater")
                | (Subject::RoomProfile, "RoomInfo")
                | (Subject::Review, "ContactItem")
        );
        if !cold {
            return map.next_value::<IgnoredAny>().map(drop);
        }
        let raw: &'a RawValue = map.next_value()?;
        match self.subject {
            Subject::Friend | Subject::Invite | Subject::UserProfile => self.items(raw),
            _ => self.parts(raw, key),
        }
        .map_err(M::Error::custom)
    }

    /// Reads an object within the body that names users and groups.
    fn parts(&mut self, raw: &'a RawValue, key: &Key<'a>) -> Result<(), serde_json::Error> {
        if self.subject == Subject::Gift {
            self.walk.documents.push(Document {
                element: None,
                name: key.0.clone(),
                text: Cow::Borrowed(raw.get()),
            });
        }
        for (key, value) in object(raw.get())? {
            let key = Key(key);
            if self.subject == Subject::RoomProfile
                && matches!(&*key.0, "RoomName" | "CustomInfo" | "CoverURL")
            {
                self.walk.beside_raw(value, &key, Kind::GroupProfile)?;
                continue;
            }
            let key = if key.0 == "ToGroupId" { "GroupId" } else { &*key.0 };
            if let Some(party) = self.party(key) {
                let Scalar(value) = serde_json::from_str(value.get())?;
                *party = value;
            }
        }
        Ok(())
    }

    /// Reads a list of users, or of parts of a user's profile.
    fn items(&mut self, raw: &'a RawValue) -> Result<(), serde_json::Error> {
        let list: Vec<&'a RawValue> =
            if raw.get().starts_with('[') { serde_json::from_str(raw.get())? } else { vec![raw] };
        for raw in list {
            let start = self.walk.fields.len();
            let mut account = Cow::Borrowed("");
            let mut tag = Cow::Borrowed("");
            if raw.get().starts_with('"') {
                Scalar(account) = serde_json::from_str(raw.get())?;
            }
            for (key, value) in object(raw.get())? {
                let key = Key(key);
                match (self.subject, &*key.0) {
                    (_, "To_Account" | "Member_Account") => {
                        Scalar(account) = serde_json::from_str(value.get())?;
                    }
                    (Subject::UserProfile, "Tag") => {
                        Scalar(tag) = serde_json::from_str(value.get())?;
                    }
                    (Subject::UserProfile, "Value") => {
                        self.walk.beside_raw(value, &key, Kind::UserProfile)?;
                    }
                    (Subject::Friend, "AddWording" | "Remark") => {
                        self.walk.beside_raw(value, &key, Kind::FriendRequest)?;
                    }
                    _ => {}
                }
            }
            if self.subject != Subject::UserProfile {
                self.walk.finish();
                let fields = std::mem::take(&mut self.walk.fields);
                let documents = std::mem::take(&mut self.walk.documents);
                if !account.is_empty() || !fields.is_empty() {
                    self.items.push(Item { account, fields, documents });
                }
            } else if PROFILE_SETTINGS.contains(&&*tag) {
                self.walk.fields.truncate(start);
            } else if !tag.is_empty() {
                for field in self.walk.fields.iter_mut().skip(start) {
                    field.path.clone_from(&tag);
                }
            }
        }
        Ok(())
    }

    fn into_callback(mut self, command: Command, query: &'a Query<'_>) -> Callback<'a> {
        self.walk.finish();
        let command_name = std::mem::take(&mut self.command);
        let opened = std::mem::take(&mut self.walk.opened);
        let messages = match self.subject {
            Subject::Nothing => Messages::Many(Vec::new()),
            Subject::Friend | Subject::Invite => Messages::Many(self.many(query)),
            _ => Messages::One(self.one(query)),
        };
        Callback { command, command_name, messages, opened }
    }

    /// The message of a callback about one.
    fn one(self, query: &'a Query<'_>) -> Message<'a> {
        let (conversation, id) = match self.subject {
            Subject::DirectMessage | Subject::DirectExtension => {
                (ConversationKind::Direct, self.to)
            }
            Subject::OfficialMessage => (ConversationKind::Official, self.official.clone()),
            Subject::UserProfile => (ConversationKind::Other, Cow::Borrowed("")),
            Subject::Review if self.group.is_empty() && self.to.is_empty() => {
                (ConversationKind::Other, Cow::Borrowed(""))
            }
            Subject::Review if self.group.is_empty() => (ConversationKind::Direct, self.to),
            _ => (ConversationKind::Group, self.group),
        };
        let sender = [self.from, self.member, self.official, self.owner]
            .into_iter()
            .find(|account| !account.is_empty())
            .unwrap_or_else(|| self.operator.clone());
        let own = match self.subject {
            Subject::ApplyJoin => KindSet::of(Kind::JoinRequest),
            Subject::Gift => KindSet::of(Kind::Gift),
            _ => KindSet::NONE,
        };
        Message {
            operator: if self.operator.is_empty() { sender.clone() } else { self.operator },
            sender,
            conversation: Conversation { kind: conversation, id, group_type: self.group_type },
            client: client(query),
            elements: self.walk.elements,
            kinds: self.walk.kinds.with(own),
            fields: self.walk.fields,
            documents: self.walk.documents,
        }
    }

    /// The messages of a callback about several users.
    fn many(self, query: &'a Query<'_>) -> Vec<Message<'a>> {
        let inviting = self.subject == Subject::Invite;
        let kind = if inviting { Kind::Invitation } else { Kind::FriendRequest };
        let operator = if self.operator.is_empty() { &self.from } else { &self.operator };
        let message = |item: Item<'a>| {
            let (sender, conversation, id) = if inviting {
                (item.account, ConversationKind::Group, self.group.clone())
            } else {
                (self.from.clone(), ConversationKind::Other, item.account)
            };
            Message {
                sender,
                operator: operator.clone(),
                conversation: Conversation {
                    kind: conversation,
                    id,
                    group_type: self.group_type.clone(),
                },
                client: client(query),
                elements: Vec::new(),
                kinds: item
                    .fields
                    .iter()
                    .fold(KindSet::of(kind), |set, field| set.with(field.kinds)),
                fields: item.fields,
                documents: item.documents,
            }
        };
        self.items.into_iter().map(message).collect()
    }
}

fn client<'a>(query: &'a Query<'_>) -> Client<'a> {
    Client { platform: Cow::Borrowed(&query.platform), address: query.client_ip }
}

impl<'a> Visitor<'a> for &mut Wire<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a callback")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<Key<'a>>()? {
            self.value(&mut map, &key)?;
        }
        Ok(())
    }
}
