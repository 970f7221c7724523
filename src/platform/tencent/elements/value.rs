//! The walk over one JSON value, string by string.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{LEVELS_MAX, Walk};
use crate::message::{Kind, KindSet};

/// What a value is to the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The value of a key.
    Key,
    /// An item of an array.
    Item,
    /// An element: an item of a `MsgBody`.
    Element,
    /// An element's `MsgContent`, which paths leave out.
    Content,
    /// An element's `MsgType`.
    Type,
    /// The callback's own `MsgBody`.
    Body,
}

/// Whether strings of the input outlive the walk.
pub(super) trait Source<'de, 'a> {
    fn keep(text: Cow<'de, str>) -> Cow<'a, str>;
}

/// The callback's body: they do.
#[derive(Debug)]
pub(super) struct Same;

impl<'a> Source<'a, 'a> for Same {
    fn keep(text: Cow<'a, str>) -> Cow<'a, str> {
        text
    }
}

/// JSON in a string: they do not.
#[derive(Debug)]
pub(super) struct Inner;

impl<'de, 'a> Source<'de, 'a> for Inner {
    fn keep(text: Cow<'de, str>) -> Cow<'a, str> {
        Cow::Owned(text.into_owned())
    }
}

/// A key of an object.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::platform::tencent) struct Key<'a>(
    #[serde(borrow)] pub(in crate::platform::tencent) Cow<'a, str>,
);

/// Walks one value.
pub(super) struct Value<'w, 'a, 'k, 'de, S> {
    walk: &'w mut Walk<'a>,
    /// The nearest key above it.
    key: &'k Key<'de>,
    role: Role,
    source: PhantomData<S>,
}

impl<'w, 'a, 'k, 'de, S> Value<'w, 'a, 'k, 'de, S> {
    pub(super) fn new(walk: &'w mut Walk<'a>, key: &'k Key<'de>, role: Role) -> Self {
        Self { walk, key, role, source: PhantomData }
    }
}

impl<'a, 'de, S: Source<'de, 'a>> Value<'_, 'a, '_, 'de, S> {
    fn string(self, text: Cow<'de, str>) {
        let Self { walk, key, role, .. } = self;
        if role == Role::Body {
            walk.element = u32::try_from(walk.elements.len()).ok();
            walk.ordinal = 0;
        }
        let (ordinal, start) = (walk.ordinal, walk.fields.len());
        walk.ordinal += 1;
        if role == Role::Type {
            walk.note_type(&text);
        } else if !text.is_empty()
            && let Some(text) = walk.open(ordinal, &key.0, role, S::keep(text))
        {
            if walk.fields.len() < walk.fields_max {
                let path = walk.path_to(role, || S::keep(key.0.clone()));
                walk.push_field(ordinal, &key.0, path, text);
            } else {
                walk.push_rest(&key.0, &text);
            }
        }
        if role == Role::Body {
            walk.add_kinds(start, KindSet::of(Kind::Unknown));
            walk.elements.push(Kind::Unknown);
        }
    }

    fn enter<E: Error>(&mut self) -> Result<usize, E> {
        self.walk.levels += 1;
        if self.walk.levels > LEVELS_MAX {
            return Err(E::custom("nested too deeply"));
        }
        let outer = self.walk.path.len();
        if matches!(self.role, Role::Key | Role::Type) {
            self.walk.push_segment(&self.key.0);
        }
        Ok(outer)
    }

    fn leave(&mut self, outer: usize) {
        self.walk.path.truncate(outer);
        self.walk.levels -= 1;
    }

    fn map<M: MapAccess<'de>>(&mut self, map: &mut M) -> Result<(), M::Error> {
        let element = matches!(self.role, Role::Element | Role::Body);
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let role = match &*key.0 {
                "MsgType" if element => Role::Type,
                "MsgContent" if element => Role::Content,
                _ => Role::Key,
            };
            if self.walk.depth > 0 {
                self.walk.push_key(&key.0);
            }
            let start = self.walk.fields.len();
            map.next_value_seed(Value::<S>::new(self.walk, &key, role))?;
            if key.0 == "CloudCustomData" && self.walk.depth == 0 {
                self.walk.add_kind_if_any(start, Kind::CloudCustomData);
            }
        }
        Ok(())
    }

    /// Walks an object that is an element.
    fn element<M: MapAccess<'de>>(&mut self, map: &mut M) -> Result<(), M::Error> {
        let start = self.walk.fields.len();
        let outer = (self.walk.types, self.walk.kind.take());
        self.walk.types = KindSet::NONE;
        self.map(map)?;
        self.walk.ended = Some(self.walk.end_element(start));
        (self.walk.types, self.walk.kind) = outer;
        Ok(())
    }

    /// Walks an array of elements.
    fn body<Q: SeqAccess<'de>>(&mut self, seq: &mut Q) -> Result<(), Q::Error> {
        let base = self.walk.path.len();
        let mut run = None;
        for index in 0.. {
            if self.role == Role::Body {
                self.walk.element = u32::try_from(self.walk.elements.len()).ok();
                self.walk.ordinal = 0;
            } else {
                self.walk.push_index(index);
            }
            let start = self.walk.fields.len();
            let item = Value::<S>::new(self.walk, self.key, Role::Element);
            if seq.next_element_seed(item)?.is_none() {
                break;
            }
            let kind = self.walk.ended.take().unwrap_or_else(|| {
                self.walk.add_kinds(start, KindSet::of(Kind::Unknown));
                Kind::Unknown
            });
            if self.role == Role::Body {
                self.walk.elements.push(kind);
            }
            run = self.walk.join(run, start, kind);
            self.walk.path.truncate(base);
        }
        Ok(())
    }
}

impl<'a, 'de, S: Source<'de, 'a>> DeserializeSeed<'de> for Value<'_, 'a, '_, 'de, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a, 'de, S: Source<'de, 'a>> Visitor<'de> for Value<'_, 'a, '_, 'de, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.string(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.string(Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        let outer = self.enter()?;
        if self.role == Role::Body {
            // An element where a list of them should be.
            self.walk.element = u32::try_from(self.walk.elements.len()).ok();
            self.walk.ordinal = 0;
            self.element(&mut map)?;
            let kind = self.walk.ended.take().unwrap_or(Kind::Unknown);
            self.walk.elements.push(kind);
        } else if self.role == Role::Element {
            self.element(&mut map)?;
        } else {
            self.map(&mut map)?;
        }
        self.leave(outer);
        Ok(())
    }

    fn visit_seq<Q: SeqAccess<'de>>(mut self, mut seq: Q) -> Result<(), Q::Error> {
        let outer = self.enter()?;
        if self.role == Role::Body || (self.key.0 == "MsgBody" && self.walk.depth == 0) {
            self.body(&mut seq)?;
        } else {
            let base = self.walk.path.len();
            for index in 0.. {
                self.walk.push_index(index);
                let item = Value::<S>::new(self.walk, self.key, Role::Item);
                if seq.next_element_seed(item)?.is_none() {
                    break;
                }
                self.walk.path.truncate(base);
            }
        }
        self.leave(outer);
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}
