//! Conditions on single values of the JSON that apps put into `Data`, `Ext`, `Desc` and
//! `CloudCustomData`.

use regex::Regex;
use serde_json::Value;

use super::diagnostic::Sink;
use super::regexes;
use super::source::JsonSource;
use crate::message::Message;

/// One test of one value.
#[derive(Debug)]
pub(crate) struct JsonTest {
    path: Box<str>,
    /// The document's name and the steps within it.
    document: Box<str>,
    steps: Vec<Box<str>>,
    is: Vec<Box<str>>,
    regex: Option<Regex>,
    above: Option<f64>,
    below: Option<f64>,
}

impl JsonTest {
    /// Checks and compiles a test. `raw` is the file's text.
    pub(crate) fn compile(source: &JsonSource, raw: &str, sink: &mut Sink) -> Option<Self> {
        let mut steps = source.path.value.split('.').map(Box::from);
        let document = steps.next().unwrap_or_default();
        let steps: Vec<Box<str>> = steps.collect();
        if steps.is_empty() {
            let what = format!("`{}` names a field, not a value in it", source.path.value);
            sink.error(&source.path.place, "bad-path", what)
                .help("name the field and the keys, such as \"Data.gift.price\"");
            return None;
        }
        if source.is.is_empty()
            && source.regex.is_none()
            && source.above.is_none()
            && source.below.is_none()
        {
            sink.error(&source.place, "missing-key", "this test compares with nothing".to_owned())
                .help("add `is`, `regex`, `above` or `below`");
            return None;
        }
        let regex = match &source.regex {
            Some(at) => Some(regexes::compile(at, raw, sink)?.regex),
            None => None,
        };
        Some(Self {
            path: source.path.value.as_str().into(),
            document,
            steps,
            is: source.is.iter().map(|at| at.value.as_str().into()).collect(),
            regex,
            above: source.above.as_ref().map(|at| at.value),
            below: source.below.as_ref().map(|at| at.value),
        })
    }

    /// Does any document of the message pass? If not, what stood there.
    pub(crate) fn admits(&self, message: &Message<'_>) -> Result<(), String> {
        let mut seen = format!("there is no `{}`", self.path);
        for document in message.documents.iter().filter(|d| *d.name == *self.document) {
            let Ok(value) = serde_json::from_str::<Value>(&document.text) else { continue };
            let found = self.steps.iter().try_fold(&value, |value, step| match value {
                Value::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
                Value::Object(map) => map.get(step.as_ref()),
                _ => None,
            });
            let Some(found) = found else { continue };
            if self.passes(found) {
                return Ok(());
            }
            let mut shown = found.to_string();
            if shown.len() > 80 {
                shown = shown.chars().take(40).chain("…".chars()).collect();
            }
            seen = format!("`{}` is {shown}", self.path);
        }
        Err(seen)
    }

    fn passes(&self, value: &Value) -> bool {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let number = value.as_f64().or_else(|| text.trim().parse().ok());
        (self.is.is_empty() || self.is.iter().any(|is| **is == *text))
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(&text))
            && self.above.is_none_or(|above| number.is_some_and(|number| number > above))
            && self.below.is_none_or(|below| number.is_some_and(|number| number < below))
    }
}
