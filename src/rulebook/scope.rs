//! Which messages a rule looks at: senders, groups, platforms, networks.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::diagnostic::{Sink, suggest};
use super::source::ScopeSource;
use super::table::At;
use crate::message::{ConversationKind, Message};

pub(crate) const CONVERSATIONS: [(&str, ConversationKind); 4] = [
    ("group", ConversationKind::Group),
    ("direct", ConversationKind::Direct),
    ("official", ConversationKind::Official),
    ("other", ConversationKind::Other),
];

/// Old and new names of the same group types: the wire still carries the old ones.
const GROUP_TYPES: [(&str, &str); 2] = [("work", "private"), ("meeting", "chatroom")];

/// Names, names excepted, and how they are compared.
type Part<'s> = (&'s [At<String>], &'s [At<String>], fn(&str) -> String);

/// A compiled scope. An empty one lets every message in.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    conversations: Vec<ConversationKind>,
    group_types: Names,
    groups: Names,
    senders: Names,
    operators: Names,
    platforms: Names,
    networks: Networks,
}

/// What must be one of `only`, if there are any, and none of `except`.
#[derive(Debug, Default)]
struct Names {
    only: Option<BTreeSet<Box<str>>>,
    except: BTreeSet<Box<str>>,
}

impl Names {
    fn of(only: &[At<String>], except: &[At<String>], fold: fn(&str) -> String) -> Self {
        let set = |names: &[At<String>]| -> BTreeSet<Box<str>> {
            names.iter().map(|name| fold(&name.value).into()).collect()
        };
        Self { only: (!only.is_empty()).then(|| set(only)), except: set(except) }
    }

    fn is_open(&self) -> bool {
        self.only.is_none() && self.except.is_empty()
    }

    fn admits(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(name)) && !self.except.contains(name)
    }
}

#[derive(Debug, Default)]
struct Networks {
    only: Option<Vec<IpNet>>,
    except: Vec<IpNet>,
}

impl Networks {
    fn admits(&self, address: Option<IpAddr>) -> bool {
        let within = |nets: &[IpNet]| {
            address.is_some_and(|address| nets.iter().any(|net| net.contains(&address)))
        };
        self.only.as_ref().is_none_or(|only| within(only)) && !within(&self.except)
    }
}

fn as_is(name: &str) -> String {
    name.to_owned()
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Group types are compared without case, old and new names alike.
fn group_type(name: &str) -> String {
    let name = lower(name);
    GROUP_TYPES.iter().find(|(new, _)| *new == name).map_or(name, |(_, old)| (*old).to_owned())
}

impl Scope {
    /// Checks and compiles a scope.
    pub(crate) fn compile(source: &ScopeSource, sink: &mut Sink) -> Self {
        let conversations = source
            .conversations
            .iter()
            .filter_map(|at| {
                let found = CONVERSATIONS.iter().find(|(name, _)| *name == at.value);
                if found.is_none() {
                    let what = format!("there is no kind of conversation `{}`", at.value);
                    sink.error(&at.place, "unknown-value", what)
                        .help(suggest(&at.value, CONVERSATIONS.iter().map(|(name, _)| *name)));
                }
                found.map(|(_, kind)| *kind)
            })
            .collect();
        let scope = Self {
            conversations,
            group_types: Names::of(&source.group_types, &source.except_group_types, group_type),
            groups: Names::of(&source.groups, &source.except_groups, as_is),
            senders: Names::of(&source.senders, &source.except_senders, as_is),
            operators: Names::of(&source.operators, &source.except_operators, as_is),
            platforms: Names::of(&source.platforms, &source.except_platforms, lower),
            networks: Networks {
                only: (!source.networks.is_empty()).then(|| nets(&source.networks, sink)),
                except: nets(&source.except_networks, sink),
            },
        };
        let parts: [Part<'_>; 6] = [
            (&source.senders, &source.except_senders, as_is),
            (&source.groups, &source.except_groups, as_is),
            (&source.group_types, &source.except_group_types, group_type),
            (&source.operators, &source.except_operators, as_is),
            (&source.platforms, &source.except_platforms, lower),
            (&source.networks, &source.except_networks, lower),
        ];
        for (only, except, fold) in parts {
            let excepted =
                |name: &&At<String>| except.iter().any(|e| fold(&e.value) == fold(&name.value));
            for name in only.iter().filter(excepted) {
                let what = format!("`{}` is both named and excepted", name.value);
                sink.error(&name.place, "contradiction", what).help("keep one of the two");
            }
        }
        scope
    }

    /// The kinds of conversation it is limited to; empty for all.
    pub(crate) fn conversations(&self) -> &[ConversationKind] {
        &self.conversations
    }

    /// The first part of the scope that keeps `message` out, with what the message has there.
    pub(crate) fn refuses(&self, message: &Message<'_>) -> Option<OutOfScope> {
        let conversation = &message.conversation;
        if !self.conversations.is_empty() && !self.conversations.contains(&conversation.kind) {
            return Some(OutOfScope::Conversation);
        }
        if !self.senders.admits(&message.sender) {
            return Some(OutOfScope::Sender);
        }
        if !self.operators.admits(&message.operator) {
            return Some(OutOfScope::Operator);
        }
        if !self.groups.admits(&conversation.id) {
            return Some(OutOfScope::Group);
        }
        if !self.group_types.is_open()
            && !self.group_types.admits(&group_type(&conversation.group_type))
        {
            return Some(OutOfScope::GroupType);
        }
        if !self.platforms.is_open() && !self.platforms.admits(&lower(&message.client.platform)) {
            return Some(OutOfScope::Platform);
        }
        (!self.networks.admits(message.client.address)).then_some(OutOfScope::Network)
    }
}

fn nets(sources: &[At<String>], sink: &mut Sink) -> Vec<IpNet> {
    let mut nets = Vec::new();
    for at in sources {
        if let Ok(net) =
            at.value.parse::<IpNet>().or_else(|_| at.value.parse::<IpAddr>().map(IpNet::from))
        {
            nets.push(net);
        } else {
            let what = format!("`{}` is not a network", at.value);
            sink.error(&at.place, "bad-network", what)
                .help("write it as 203.0.113.0/24, 2001:db8::/32 or one address");
        }
    }
    nets
}

/// Which part of a scope kept a message out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutOfScope {
    Conversation,
    Sender,
    Operator,
    Group,
    GroupType,
    Platform,
    Network,
}

impl OutOfScope {
    /// What the message has there, in a sentence.
    pub(crate) fn explain(self, message: &Message<'_>) -> String {
        let conversation = &message.conversation;
        let kind = CONVERSATIONS
            .iter()
            .find(|(_, kind)| *kind == conversation.kind)
            .map_or("other", |(name, _)| name);
        match self {
            Self::Conversation => format!("out of scope: the conversation is `{kind}`"),
            Self::Sender => format!("out of scope: the sender is `{}`", message.sender),
            Self::Operator => format!("out of scope: the operator is `{}`", message.operator),
            Self::Group => format!("out of scope: the group is `{}`", conversation.id),
            Self::GroupType => {
                format!("out of scope: the group type is `{}`", conversation.group_type)
            }
            Self::Platform => {
                format!("out of scope: the platform is `{}`", message.client.platform)
            }
            Self::Network => match message.client.address {
                Some(address) => format!("out of scope: the client address is {address}"),
                None => "out of scope: the client address is not known".to_owned(),
            },
        }
    }
}
