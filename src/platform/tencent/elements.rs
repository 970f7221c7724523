//! The text of a message's elements, and of whatever else in a callback bears text.
//!
//! One walk over the JSON, in document order. Every string value takes the next ordinal of its
//! element, whether it becomes a field or not; a string that holds JSON takes one for itself and
//! then one for each string value inside. A rewrite counts the same way and so finds each leaf
//! again. Every string value becomes a field, except empty ones, `MsgType` and, in elements of a
//! known type, [`IDENTIFIERS`]; so do keys of JSON in a string that are no plain names.

#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::de::{DeserializeSeed, MapAccess};
use serde_json::value::RawValue;

use super::Settings;
use super::repair::repair;
use crate::message::{Document, Field, Kind, KindSet};
pub(super) use value::Key;
use value::{Inner, Role, Same, Value};

/// The keys, in elements of a known type, whose values never bear text for people: names of
/// users, groups and stored files, and of formats and sounds.
const IDENTIFIERS: [&str; 10] = [
    "UUID",
    "VideoUUID",
    "ThumbUUID",
    "VideoFormat",
    "ThumbFormat",
    "Sound",
    "From_Account",
    "To_Account",
    "GroupId",
    "JsonMsgKey",
];

/// The keys whose values apps fill with JSON in a string.
const DOCUMENTS: [&str; 4] = ["Data", "Ext", "Desc", "CloudCustomData"];

/// So many levels of arrays and objects are walked, JSON in strings included. Less than the
/// parser's own limit.
const LEVELS_MAX: usize = 112;

/// A path for people grows no longer than this, in bytes, give or take one key.
const PATH_MAX: usize = 200;

/// A key gives at most so many bytes to a path that has to be put together.
const SEGMENT_MAX: usize = 64;

/// The ordinal of fields that no rewrite can reach: what came after the last one judged by itself,
/// and keys.
pub(super) const REST: u32 = u32::MAX;

/// What the walk has collected.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) elements: Vec<Kind>,
    pub(super) kinds: KindSet,
    pub(super) fields: Vec<Field<'a>>,
    pub(super) documents: Vec<Document<'a>>,
    /// The strings taken apart as JSON, by element and ordinal.
    pub(super) opened: Vec<(Option<u32>, u32)>,
    /// The text beyond the last field judged by itself.
    rest: String,
    rest_ends_in_text: bool,
    fields_max: usize,
    depth_max: usize,
    element: Option<u32>,
    ordinal: u32,
    path: String,
    /// The types the element being walked gave itself.
    types: KindSet,
    kind: Option<Kind>,
    /// The kind of the element walked last.
    ended: Option<Kind>,
    /// Fields that go if their element turns out to be of a known type, by index.
    doubtful: Vec<usize>,
    /// How many strings of JSON the walk is in.
    depth: usize,
    /// Is it in one that had to be mended?
    mending: bool,
    levels: usize,
}

/// Where the walk can return to if a string turns out not to be JSON.
struct Mark {
    fields: usize,
    opened: usize,
    rest: usize,
    rest_ends_in_text: bool,
    ordinal: u32,
    path: usize,
    levels: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            elements: Vec::new(),
            kinds: KindSet::NONE,
            fields: Vec::new(),
            documents: Vec::new(),
            opened: Vec::new(),
            rest: String::new(),
            rest_ends_in_text: false,
            fields_max: settings.fields_max,
            depth_max: settings.depth_max,
            element: None,
            ordinal: 0,
            path: String::new(),
            types: KindSet::NONE,
            kind: None,
            ended: None,
            doubtful: Vec::new(),
            depth: 0,
            mending: false,
            levels: 0,
        }
    }

    /// Walks the value of `MsgBody`.
    pub(super) fn body<M: MapAccess<'a>>(
        &mut self,
        map: &mut M,
        key: &Key<'a>,
    ) -> Result<(), M::Error> {
        map.next_value_seed(Value::<Same>::new(self, key, Role::Body))
    }

    /// Walks the value of a key beside `MsgBody`; its fields are of `kind`.
    pub(super) fn beside<M: MapAccess<'a>>(
        &mut self,
        map: &mut M,
        key: &Key<'a>,
        kind: Kind,
    ) -> Result<(), M::Error> {
        let start = self.fields.len();
        map.next_value_seed(self.value(key))?;
        self.end_beside(start, kind);
        Ok(())
    }

    /// The same for a value at hand.
    pub(super) fn beside_raw(
        &mut self,
        raw: &'a RawValue,
        key: &Key<'a>,
        kind: Kind,
    ) -> Result<(), serde_json::Error> {
        let start = self.fields.len();
        self.value(key).deserialize(&mut serde_json::Deserializer::from_str(raw.get()))?;
        self.end_beside(start, kind);
        Ok(())
    }

    fn value<'k>(&mut self, key: &'k Key<'a>) -> Value<'_, 'a, 'k, 'a, Same> {
        self.element = None;
        self.ordinal = 0;
        Value::new(self, key, Role::Key)
    }

    fn end_beside(&mut self, start: usize, kind: Kind) {
        self.doubtful.clear();
        self.add_kind_if_any(start, kind);
    }

    /// Adds the field for the rest, if anything went there. The walk can go on with other fields.
    pub(super) fn finish(&mut self) {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            self.push_unreachable(Cow::Owned(rest));
        }
    }

    /// Adds a field for text of any kind that no rewrite can reach.
    pub(super) fn push_unreachable(&mut self, text: Cow<'a, str>) {
        self.kinds = KindSet::ALL;
        self.fields.push(Field {
            element: None,
            ordinal: REST,
            kinds: KindSet::ALL,
            path: Cow::Borrowed("rest"),
            text,
            joined: false,
        });
    }

    fn add_kinds(&mut self, start: usize, kinds: KindSet) {
        self.kinds = self.kinds.with(kinds);
        for field in self.fields.iter_mut().skip(start) {
            field.kinds = field.kinds.with(kinds);
        }
    }

    /// The same for a kind that is only there with its text.
    fn add_kind_if_any(&mut self, start: usize, kind: Kind) {
        if start < self.fields.len() {
            self.add_kinds(start, KindSet::of(kind));
        }
    }

    fn note_type(&mut self, name: &str) {
        let kind = Kind::from_msg_type(name);
        self.kind = Some(kind);
        self.types = self.types.with(KindSet::of(kind));
    }

    /// Settles the element whose fields begin at `start`.
    fn end_element(&mut self, start: usize) -> Kind {
        let kind = self.kind.unwrap_or(Kind::Unknown);
        let types = self.types.with(KindSet::of(kind));
        let known = !types.meets(KindSet::of(Kind::Unknown));
        while let Some(index) = self.doubtful.pop_if(|index| *index >= start) {
            if known && index < self.fields.len() {
                self.fields.remove(index);
            }
        }
        self.add_kinds(start, types);
        kind
    }

    fn push_segment(&mut self, key: &str) {
        if self.path.len() >= PATH_MAX {
            return;
        }
        if !self.path.is_empty() {
            self.path.push('.');
        }
        let end = key.floor_char_boundary(SEGMENT_MAX);
        self.path.push_str(key.get(..end).unwrap_or(key));
    }

    fn push_index(&mut self, index: usize) {
        if self.path.len() < PATH_MAX {
            // Writing to a string cannot fail.
            write!(self.path, "[{index}]").unwrap_or(());
        }
    }

    fn push_field(&mut self, ordinal: u32, key: &str, path: Cow<'a, str>, text: Cow<'a, str>) {
        if self.depth == 0 && IDENTIFIERS.contains(&key) {
            self.doubtful.push(self.fields.len());
        }
        self.fields.push(Field {
            element: self.element,
            ordinal,
            kinds: KindSet::NONE,
            path,
            text,
            joined: false,
        });
    }

    /// Adds a field for a key of JSON in a string that people may have written: such strings are
    /// also shown as they are. No rewrite reaches it.
    fn push_key(&mut self, key: &str) {
        let is_name = key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:/$@".contains(&b));
        if is_name {
            return;
        }
        if self.fields.len() < self.fields_max {
            let path = Cow::Owned(format!("{} (key)", self.path));
            self.push_field(REST, "", path, Cow::Owned(key.to_owned()));
        } else {
            self.push_rest("", key);
        }
    }

    fn push_rest(&mut self, key: &str, text: &str) {
        let is_text = key == "Text";
        // Text is shown as one with the text before it.
        let goes_on = is_text && self.rest_ends_in_text;
        if !goes_on && !self.rest.is_empty() {
            self.rest.push('\n');
        }
        self.rest.push_str(text);
        self.rest_ends_in_text = is_text;
    }

    fn mark(&self) -> Mark {
        Mark {
            fields: self.fields.len(),
            opened: self.opened.len(),
            rest: self.rest.len(),
            rest_ends_in_text: self.rest_ends_in_text,
            ordinal: self.ordinal,
            path: self.path.len(),
            levels: self.levels,
        }
    }

    fn return_to(&mut self, mark: &Mark) {
        self.fields.truncate(mark.fields);
        self.opened.truncate(mark.opened);
        self.rest.truncate(mark.rest);
        self.rest_ends_in_text = mark.rest_ends_in_text;
        self.ordinal = mark.ordinal;
        self.path.truncate(mark.path);
        self.levels = mark.levels;
    }

    /// Takes a string apart as JSON. Gives the text back if it is to be judged as it is: it is
    /// not JSON, or JSON without a string value.
    fn open(
        &mut self,
        ordinal: u32,
        key: &str,
        role: Role,
        text: Cow<'a, str>,
    ) -> Option<Cow<'a, str>> {
        let may = self.depth < self.depth_max && (self.depth > 0 || DOCUMENTS.contains(&key));
        if !may || !text.trim_ascii_start().starts_with(['{', '[']) {
            return Some(text);
        }
        let mark = self.mark();
        self.opened.push((self.element, ordinal));
        self.depth += 1;
        let name = Key(Cow::Borrowed(key));
        let mut json = serde_json::Deserializer::from_str(&text);
        let value = Value::<Inner>::new(self, &name, role);
        let parsed = value.deserialize(&mut json).and_then(|()| json.end());
        self.depth -= 1;
        let found = self.ordinal > mark.ordinal;
        if parsed.is_err() || !found {
            self.return_to(&mark);
        }
        if parsed.is_err() {
            self.open_mended(key, role, &text);
            return Some(text);
        }
        let left = (!found).then(|| text.clone());
        if self.depth == 0 {
            let name = self.path_to(role, || Cow::Owned(key.to_owned()));
            self.documents.push(Document { element: self.element, name, text });
        }
        left
    }

    /// Judges the strings of what a more lenient parser than ours may take for JSON, besides the
    /// text as it stands, which shows them all unless characters are escaped. No rewrite reaches them.
    fn open_mended(&mut self, key: &str, role: Role, text: &str) {
        // Once is enough, and keeps the cost in proportion.
        if self.mending || !text.contains("\\u") {
            return;
        }
        self.mending = true;
        let mark = self.mark();
        let name = Key(Cow::Borrowed(key));
        let mended = repair(text.as_bytes()).text;
        self.depth += 1;
        let value = Value::<Inner>::new(self, &name, role);
        let parsed = value.deserialize(&mut serde_json::Deserializer::from_str(&mended));
        self.depth -= 1;
        self.mending = false;
        if parsed.is_err() {
            self.return_to(&mark);
        }
        self.ordinal = mark.ordinal;
        self.opened.truncate(mark.opened);
        self.fields.iter_mut().skip(mark.fields).for_each(|field| field.ordinal = REST);
    }

    /// Where a value with this role stands.
    fn path_to(&self, role: Role, key: impl FnOnce() -> Cow<'a, str>) -> Cow<'a, str> {
        match (role, self.path.is_empty()) {
            (Role::Item | Role::Element | Role::Body, true) => Cow::Borrowed("value"),
            (Role::Item | Role::Element | Role::Body, false) => Cow::Owned(self.path.clone()),
            (_, true) => key(),
            (_, false) => Cow::Owned(format!("{}.{}", self.path, key())),
        }
    }

    /// Joins the text of an element that came to stand at `start` to the text that ended at
    /// `run`, with at most faces between, and gives where the run of texts now ends.
    fn join(&mut self, run: Option<usize>, start: usize, kind: Kind) -> Option<usize> {
        let count = self.fields.len().saturating_sub(start);
        match (kind, run) {
            (Kind::Text, None) if count > 0 => Some(self.fields.len()),
            (Kind::Text, Some(end)) if count > 0 => {
                // The fields of the faces go behind the text, so that it follows what it joins.
                let tail = self.fields.get_mut(end..).unwrap_or_default();
                tail.rotate_right(count);
                if let Some(first) = tail.first_mut() {
                    first.joined = first.path.ends_with("Text");
                }
                Some(end + count)
            }
            (Kind::Text | Kind::Face, run) => run,
            _ => None,
        }
    }
}
