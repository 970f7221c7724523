//! What a script is shown of a message, built only as far as the script looks at it.

use std::borrow::Cow;
use std::cell::OnceCell;

use rhai::{Array, Dynamic, ImmutableString, Map};

use super::Limits;
use super::check::Needs;
use super::vocabulary::{KEY_BYTES, cut};
use crate::message::{ConversationKind, Kind, KindSet, Message};
use crate::rulebook::Facts;

/// How a field of `message` is built.
pub(super) type Show = fn(&Input<'_>, &Limits) -> Dynamic;

/// The fields of `message` in a script.
pub(super) const MESSAGE_FIELDS: [(&str, Show); 15] = [
    ("address", |input, _| {
        input.message.client.address.map_or_else(|| id(""), |address| id(&address.to_string()))
    }),
    ("cloud_custom", |input, limits| input.cloud_custom(limits).value.clone()),
    ("conversation", |input, _| id(conversation(input.message.conversation.kind))),
    ("custom", |input, limits| input.custom(limits).value.clone()),
    ("fields", |input, limits| input.fields(limits).value.clone()),
    ("group", |input, _| input.conversation_id(&[ConversationKind::Group])),
    ("group_type", |input, _| id(&input.message.conversation.group_type)),
    ("kinds", |input, _| {
        kinds(input.message.kinds).map(|kind| id(kind.name())).collect::<Array>().into()
    }),
    ("len", |input, _| {
        let length: usize = input.message.fields.iter().map(|f| f.text.chars().count()).sum();
        i64::try_from(length).unwrap_or(i64::MAX).into()
    }),
    ("operator", |input, _| id(&input.message.operator)),
    ("platform", |input, _| id(&input.message.client.platform)),
    ("receiver", |input, _| {
        input.conversation_id(&[ConversationKind::Direct, ConversationKind::Official])
    }),
    ("sender", |input, _| id(&input.message.sender)),
    ("text", |input, limits| input.text(limits).value.clone().into()),
    ("truncated", |input, limits| input.truncated(limits).into()),
];

fn conversation(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Group => "group",
        ConversationKind::Direct => "direct",
        ConversationKind::Official => "official",
        ConversationKind::Other => "other",
    }
}

/// The longest identifier shown, in bytes; the platform's are at most 48.
const ID_BYTES: usize = 128;
/// So many fields are shown one by one.
const FIELDS_MAX: usize = 32;
/// JSON nested deeper is not shown.
const JSON_DEPTH: usize = 16;
/// JSON longer than this, in bytes, is not read.
const JSON_BYTES: usize = 64 << 10;

/// One message with what the rulebook found in it, for its scripts. Made once per message: what
/// several scripts look at is built once.
#[derive(Debug)]
pub struct Input<'a> {
    /// The message.
    pub message: &'a Message<'a>,
    /// What is remembered about its sender and conversation.
    pub facts: &'a Facts,
    /// What of the lists was found in it: `hits("list")`.
    pub hits: &'a [ListHits<'a>],
    /// The names of the patterns that match it: `matched("name")`.
    pub patterns: &'a [&'a str],
    /// The links in it: `links()`.
    pub links: &'a [Cow<'a, str>],
    text: OnceCell<Shown<ImmutableString>>,
    fields: OnceCell<Shown<Dynamic>>,
    custom: OnceCell<Shown<Dynamic>>,
    cloud_custom: OnceCell<Shown<Dynamic>>,
}

/// What was found of one list.
#[derive(Debug, Clone, Copy)]
pub struct ListHits<'a> {
    /// The list's name.
    pub list: &'a str,
    /// The matched texts, as sent, in order.
    pub texts: &'a [&'a str],
}

#[derive(Debug, Clone)]
struct Shown<T> {
    value: T,
    truncated: bool,
}

impl<'a> Input<'a> {
    /// The message and the facts; nothing found in it yet.
    pub fn new(message: &'a Message<'a>, facts: &'a Facts) -> Self {
        Self {
            message,
            facts,
            hits: &[],
            patterns: &[],
            links: &[],
            text: OnceCell::new(),
            fields: OnceCell::new(),
            custom: OnceCell::new(),
            cloud_custom: OnceCell::new(),
        }
    }

    /// The value of `message` for a script with these needs.
    ///
    /// The strings of all fields together stay below what one value may hold: a third each for
    /// `text` and `fields`, a sixth for `custom`, a twelfth for `cloud_custom` and for the rest.
    pub(super) fn message(&self, needs: &Needs, limits: &Limits) -> Map {
        needs.fields.iter().map(|(name, show)| ((*name).into(), show(self, limits))).collect()
    }

    /// The value of `facts`.
    pub(super) fn facts(&self, needs: &Needs, limits: &Limits) -> Map {
        self.facts
            .numbers
            .iter()
            .filter(|(name, _)| needs.fact(name))
            .take(limits.map_entries)
            .map(|(name, number)| (name.as_str().into(), Dynamic::from(*number)))
            .collect()
    }

    fn conversation_id(&self, kinds: &[ConversationKind]) -> Dynamic {
        let conversation = &self.message.conversation;
        if kinds.contains(&conversation.kind) { id(&conversation.id) } else { id("") }
    }

    fn truncated(&self, limits: &Limits) -> bool {
        self.text(limits).truncated
            || self.fields(limits).truncated
            || self.custom(limits).truncated
            || self.cloud_custom(limits).truncated
    }

    fn text(&self, limits: &Limits) -> &Shown<ImmutableString> {
        self.text.get_or_init(|| {
            let max = limits.string_bytes / 3;
            let mut joined = String::new();
            for (at, field) in self.message.fields.iter().enumerate() {
                if at > 0 && !field.joined {
                    joined.push('\n');
                }
                joined.push_str(cut(&field.text, max + 1));
                if joined.len() > max {
                    return Shown { value: cut(&joined, max).into(), truncated: true };
                }
            }
            Shown { value: joined.into(), truncated: false }
        })
    }

    fn fields(&self, limits: &Limits) -> &Shown<Dynamic> {
        self.fields.get_or_init(|| {
            let mut purse = Purse::new(limits.string_bytes / 3, FIELDS_MAX, 3 * FIELDS_MAX);
            let mut shown = Array::new();
            for field in self.message.fields.iter().take(FIELDS_MAX) {
                let own = field.element.and_then(|index| usize::try_from(index).ok());
                let kind = own.and_then(|index| self.message.elements.get(index).copied());
                let kind = kind.or_else(|| kinds(field.kinds).next()).unwrap_or(Kind::Unknown);
                let entries = [
                    ("kind".into(), purse.text(kind.name())),
                    ("name".into(), purse.text(cut(&field.name(), ID_BYTES))),
                    ("text".into(), purse.text(&field.text)),
                ];
                shown.push(Map::from(entries).into());
            }
            let truncated = purse.empty || self.message.fields.len() > FIELDS_MAX;
            Shown { value: shown.into(), truncated }
        })
    }

    fn custom(&self, limits: &Limits) -> &Shown<Dynamic> {
        self.custom.get_or_init(|| {
            let custom = |index: u32| {
                let index = usize::try_from(index).ok()?;
                self.message.elements.get(index).copied()
            };
            let document = self.message.documents.iter().find(|document| {
                document.name == "Data" && document.element.and_then(custom) == Some(Kind::Custom)
            });
            json(document.map(|d| &*d.text), limits.string_bytes / 6, 64)
        })
    }

    fn cloud_custom(&self, limits: &Limits) -> &Shown<Dynamic> {
        self.cloud_custom.get_or_init(|| {
            let documents = &self.message.documents;
            let document = documents.iter().find(|document| document.name == "CloudCustomData");
            json(document.map(|d| &*d.text), limits.string_bytes / 12, 16)
        })
    }
}

fn id(text: &str) -> Dynamic {
    cut(text, ID_BYTES).into()
}

fn kinds(set: KindSet) -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().map(|(kind, _)| kind).filter(move |kind| set.meets(KindSet::of(*kind)))
}

/// The value that `text` writes in JSON; `()` for none, and for what is none.
fn json(text: Option<&str>, bytes: usize, entries: usize) -> Shown<Dynamic> {
    let Some(text) = text else {
        return Shown { value: Dynamic::UNIT, truncated: false };
    };
    if text.len() > JSON_BYTES {
        return Shown { value: Dynamic::UNIT, truncated: true };
    }
    let Ok(value) = serde_json::from_str(text) else {
        return Shown { value: Dynamic::UNIT, truncated: false };
    };
    let mut purse = Purse::new(bytes, 2 * entries, entries);
    let value = purse.json(value, 0);
    Shown { value, truncated: purse.empty }
}

/// What may still be shown; it never gives more than it holds.
pub(super) struct Purse {
    bytes: usize,
    items: usize,
    entries: usize,
    /// Something had to be left out.
    empty: bool,
}

impl Purse {
    pub(super) fn new(bytes: usize, items: usize, entries: usize) -> Self {
        Self { bytes, items, entries, empty: false }
    }

    fn text(&mut self, text: &str) -> Dynamic {
        let shown = cut(text, self.bytes);
        self.empty |= shown.len() < text.len();
        self.bytes -= shown.len();
        shown.into()
    }

    /// One text of an array, or nothing when there is no room for one more.
    pub(super) fn item(&mut self, text: &(impl AsRef<str> + ?Sized)) -> Option<Dynamic> {
        self.items = self.items.checked_sub(1)?;
        Some(self.text(text.as_ref()))
    }

    /// Takes out what `value` costs as one more item of an array, if there is enough for it.
    pub(super) fn pays(&mut self, value: &Dynamic) -> bool {
        let Some(items) = self.items.checked_sub(1) else {
            return false;
        };
        self.items = items;
        if let Ok(text) = value.as_immutable_string_ref() {
            let left = self.bytes.checked_sub(text.len());
            self.bytes = left.unwrap_or_default();
            return left.is_some();
        }
        if let Ok(array) = value.as_array_ref() {
            return array.iter().all(|item| self.pays(item));
        }
        if let Ok(map) = value.as_map_ref() {
            let left = self.entries.checked_sub(map.len());
            self.entries = left.unwrap_or_default();
            return left.is_some() && map.values().all(|item| self.pays(item));
        }
        true
    }

    fn json(&mut self, value: serde_json::Value, depth: usize) -> Dynamic {
        use serde_json::Value;
        match value {
            Value::Array(_) | Value::Object(_) if depth >= JSON_DEPTH => {
                self.empty = true;
                Dynamic::UNIT
            }
            Value::Null => Dynamic::UNIT,
            Value::Bool(value) => value.into(),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => whole.into(),
                (None, Some(fraction)) => fraction.into(),
                (None, None) => Dynamic::UNIT,
            },
            Value::String(text) => self.text(&text),
            Value::Array(values) => {
                let mut array = Array::new();
                for value in values {
                    let Some(left) = self.items.checked_sub(1) else {
                        self.empty = true;
                        break;
                    };
                    self.items = left;
                    array.push(self.json(value, depth + 1));
                }
                array.into()
            }
            Value::Object(values) => {
                let mut map = Map::new();
                for (key, value) in values {
                    let room = self.entries.checked_sub(1).filter(|_| key.len() <= KEY_BYTES);
                    let Some(left) = room else {
                        self.empty = true;
                        continue;
                    };
                    self.entries = left;
                    map.insert(key.into(), self.json(value, depth + 1));
                }
                map.into()
            }
        }
    }
}
