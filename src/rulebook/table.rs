//! Reading TOML tables so that every mistake in them is found at once, each with its place.
//!
//! A [`Table`] remembers which keys were asked for; [`Table::finish`] reports the others, with
//! the known key that comes closest.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::diagnostic::{Place, Sink, suggest};

/// A value with its place.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// What a value should have been.
#[derive(Debug, Clone, Copy)]
enum Want {
    Text,
    Texts,
    Integer,
    Number,
    Flag,
    Date,
    Table,
    Named,
}

impl Want {
    /// What it is called, and how it is written for this key.
    fn words(self, key: &str) -> (&'static str, String) {
        match (self, key) {
            (Self::Text, _) => ("text in quotes", format!("{key} = \"…\"")),
            (Self::Texts, _) => ("text in quotes, or a list", format!("{key} = [\"…\", \"…\"]")),
            (Self::Integer, _) => ("a whole number", format!("{key} = 3")),
            (Self::Number, _) => ("a number", format!("{key} = 3")),
            (Self::Flag, _) => ("true or false", format!("{key} = true")),
            (Self::Date, _) => ("a date", format!("{key} = 2027-01-31")),
            (Self::Table, "when") => ("a table", "when.lists = [\"…\"] or when.regex = '…'".into()),
            (Self::Table, "then") => ("a table", "then.verdict = \"deny\"".into()),
            (Self::Table, "links") => {
                ("true, or a table", "links = true or links = { hosts = [\"example.com\"] }".into())
            }
            (Self::Table, "length" | "elements" | "mentions") => {
                ("a table", format!("{key} = {{ min = 1, max = 100 }}"))
            }
            (Self::Table, "rule" | "example" | "threshold") => {
                ("a table", format!("[[{key}]], with its keys in the lines below"))
            }
            (Self::Table, _) => ("a table", format!("{key} = {{ … }}")),
            (Self::Named, _) => ("tables with names", format!("[{key}.NAME]")),
        }
    }
}

/// One table of a rule file.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    file: &'a Arc<str>,
    entries: &'a DeTable<'a>,
    place: Place,
    /// What it is, for messages: "rule", "`then`".
    what: &'static str,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(
        file: &'a Arc<str>,
        table: &'a DeTable<'a>,
        span: Range<usize>,
        what: &'static str,
    ) -> Self {
        Self { file, entries: table, place: Place::new(file, span), what, known: Vec::new() }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Its keys, in order of the alphabet.
    pub(crate) fn keys(&self) -> impl Iterator<Item = At<&'a str>> + use<'a> {
        let file = self.file;
        self.entries.keys().map(move |key| At {
            value: key.get_ref().as_ref(),
            place: Place::new(file, key.span()),
        })
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.entries.get(key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    fn at<T>(&self, value: &Spanned<DeValue<'_>>, inner: T) -> At<T> {
        At { value: inner, place: Place::new(self.file, value.span()) }
    }

    fn wrong_type(&self, sink: &mut Sink, key: &str, value: &Spanned<DeValue<'_>>, want: Want) {
        let place = Place::new(self.file, value.span());
        let got = match value.get_ref() {
            DeValue::String(_) => "text in quotes",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let (what, example) = want.words(key);
        sink.error(&place, "wrong-type", format!("`{key}` must be {what}, not {got}"))
            .label(format!("this is {got}"))
            .help(format!("write it as {example}"));
    }

    /// A string.
    pub(crate) fn string(&mut self, sink: &mut Sink, key: &'static str) -> Option<At<String>> {
        let value = self.get(key)?;
        if let Some(text) = value.get_ref().as_str() {
            Some(self.at(value, text.to_owned()))
        } else {
            self.wrong_type(sink, key, value, Want::Text);
            None
        }
    }

    /// A string, or several.
    pub(crate) fn strings(
        &mut self,
        sink: &mut Sink,
        key: &'static str,
    ) -> Option<Vec<At<String>>> {
        let value = self.get(key)?;
        if let Some(text) = value.get_ref().as_str() {
            return Some(vec![self.at(value, text.to_owned())]);
        }
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(sink, key, value, Want::Texts);
            return None;
        };
        if array.is_empty() {
            let place = Place::new(self.file, value.span());
            sink.error(&place, "empty", format!("`{key}` is empty"))
                .help("name at least one, or leave the line out");
        }
        let mut strings = Vec::new();
        for item in array {
            match item.get_ref().as_str() {
                Some(text) => strings.push(self.at(item, text.to_owned())),
                None => self.wrong_type(sink, key, item, Want::Texts),
            }
        }
        Some(strings)
    }

    /// A whole number within `range`.
    pub(crate) fn integer(
        &mut self,
        sink: &mut Sink,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<At<i64>> {
        let value = self.get(key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong_type(sink, key, value, Want::Integer);
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        if let Some(number) = number.filter(|number| range.contains(number)) {
            Some(self.at(value, number))
        } else {
            let place = Place::new(self.file, value.span());
            let (from, to) = (range.start(), range.end());
            sink.error(&place, "out-of-range", format!("`{key}` cannot be {}", integer.as_str()))
                .help(format!("it goes from {from} to {to}"));
            None
        }
    }

    /// A number, whole or not.
    pub(crate) fn number(&mut self, sink: &mut Sink, key: &'static str) -> Option<At<f64>> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            DeValue::Float(float) => float.as_str(),
            _ => "",
        };
        if let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) {
            Some(self.at(value, number))
        } else {
            self.wrong_type(sink, key, value, Want::Number);
            None
        }
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, sink: &mut Sink, key: &'static str) -> Option<At<bool>> {
        let value = self.get(key)?;
        if let Some(boolean) = value.get_ref().as_bool() {
            Some(self.at(value, boolean))
        } else {
            self.wrong_type(sink, key, value, Want::Flag);
            None
        }
    }

    /// A date, with or without a time, as it is written.
    pub(crate) fn date(&mut self, sink: &mut Sink, key: &'static str) -> Option<At<String>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Datetime(date) => Some(self.at(value, date.to_string())),
            DeValue::String(text) => Some(self.at(value, text.to_string())),
            _ => {
                self.wrong_type(sink, key, value, Want::Date);
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn one_of<T: Copy>(
        &mut self,
        sink: &mut Sink,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<At<T>> {
        let word = self.string(sink, key)?;
        if let Some((_, value)) = words.iter().find(|(name, _)| *name == word.value) {
            return Some(At { value: *value, place: word.place });
        }
        let help = suggest(&word.value, words.iter().map(|(name, _)| *name));
        sink.error(&word.place, "unknown-value", format!("`{key}` cannot be `{}`", word.value))
            .help(help);
        None
    }

    /// A table in this table.
    pub(crate) fn table(
        &mut self,
        sink: &mut Sink,
        key: &'static str,
        what: &'static str,
    ) -> Option<Table<'a>> {
        let value = self.get(key)?;
        if let Some(table) = value.get_ref().as_table() {
            Some(Table::new(self.file, table, value.span(), what))
        } else {
            self.wrong_type(sink, key, value, Want::Table);
            None
        }
    }

    /// A table, or several.
    pub(crate) fn tables(
        &mut self,
        sink: &mut Sink,
        key: &'static str,
        what: &'static str,
    ) -> Vec<Table<'a>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let array: &DeArray<'a> = match value.get_ref() {
            DeValue::Table(table) => return vec![Table::new(self.file, table, value.span(), what)],
            DeValue::Array(array) => array,
            _ => {
                self.wrong_type(sink, key, value, Want::Table);
                return Vec::new();
            }
        };
        let mut tables = Vec::new();
        for item in array {
            match item.get_ref().as_table() {
                Some(table) => tables.push(Table::new(self.file, table, item.span(), what)),
                None => self.wrong_type(sink, key, item, Want::Table),
            }
        }
        tables
    }

    /// Every table of a table of tables, with its name.
    pub(crate) fn named_tables(
        &mut self,
        sink: &mut Sink,
        key: &'static str,
        what: &'static str,
    ) -> Vec<(At<String>, Table<'a>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(outer) = value.get_ref().as_table() else {
            self.wrong_type(sink, key, value, Want::Named);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, item) in outer {
            let at =
                At { value: name.get_ref().to_string(), place: Place::new(self.file, name.span()) };
            match item.get_ref().as_table() {
                Some(table) => {
                    tables.push((at, Table::new(self.file, table, item.span(), what)));
                }
                None => self.wrong_type(sink, key, item, Want::Named),
            }
        }
        tables
    }

    /// Is the value of `key` a boolean?
    pub(crate) fn is_boolean(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|value| value.get_ref().is_bool())
    }

    /// Is the value of `key` an empty list? Asking for it makes it known.
    pub(crate) fn is_empty_array(&mut self, key: &'static str) -> bool {
        self.get(key)
            .and_then(|value| value.get_ref().as_array())
            .is_some_and(|array| array.is_empty())
    }

    /// The number under a key that the author chose.
    pub(crate) fn fact(&self, sink: &mut Sink, key: &str) -> Option<i64> {
        let value = self.entries.get(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|integer| i64::from_str_radix(integer.as_str(), integer.radix()).ok());
        if number.is_none() {
            self.wrong_type(sink, key, value, Want::Integer);
        }
        number
    }

    /// Is there a key that nobody asked for? Then something that seems to be missing may only be
    /// misspelt.
    pub(crate) fn has_unknown(&self) -> bool {
        self.keys().any(|key| !self.known.contains(&key.value))
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self, sink: &mut Sink) {
        for key in self.keys() {
            if !self.known.contains(&key.value) {
                let what = self.what;
                sink.error(&key.place, "unknown-key", format!("{what} has no `{}`", key.value))
                    .help(suggest(key.value, self.known.iter().copied()));
            }
        }
    }
}
