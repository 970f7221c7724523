//! Laying flags over variables over the file, and remembering what came from where.

use std::collections::BTreeMap;
use std::fmt;

use super::raw::Raw;
use super::settings::{self, Form, Setting};
use super::{ConfigError, Input};
use crate::rulebook::diagnostic::{Lines, suggest};

/// The values given, and where each came from.
pub(super) struct Layers {
    table: toml::Table,
    origins: BTreeMap<&'static str, Origin>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    File,
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Variable(name) => name,
            Self::Flag(name) => name,
        })
    }
}

/// A line of the effective configuration, with the header it begins.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    header: Option<&'static str>,
    key: &'static str,
    value: toml::Value,
    origin: Option<Origin>,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.header {
            Some("app") => write!(f, "\n[[app]]\n")?,
            Some(section) => write!(f, "\n[{section}]\n")?,
            None => {}
        }
        let line = format!("{} = {}", self.key, self.value);
        match &self.origin {
            Some(origin) => writeln!(f, "{line:<36} # {origin}"),
            None => writeln!(f, "{line:<36} # default"),
        }
    }
}

impl Layers {
    /// Puts the layers together.
    pub(super) fn stack(input: &Input<'_>) -> Result<Self, ConfigError> {
        let mut layers = Self { table: file_table(input)?, origins: BTreeMap::new() };
        layers.note_file();
        layers.overlay(input)?;
        Ok(layers)
    }

    /// The settings that result.
    pub(super) fn read(&self) -> Result<Raw, ConfigError> {
        self.table.clone().try_into().map_err(|error: toml::de::Error| ConfigError::Value {
            origin: "the settings together".to_owned(),
            reason: reason(&error),
        })
    }

    pub(super) fn is_from_file(&self, key: &str) -> bool {
        self.origins.get(key) == Some(&Origin::File)
    }

    /// Did a variable or flag give this one?
    pub(super) fn is_overridden(&self, key: &str) -> bool {
        self.origins.get(key).is_some_and(|origin| *origin != Origin::File)
    }

    fn note_file(&mut self) {
        for setting in settings::ALL {
            let given = match setting.key.split_once('.') {
                Some(("app", key)) => apps(&self.table).any(|app| app.get(key).is_some()),
                _ => value(&self.table, setting.key).is_some(),
            };
            if given {
                self.origins.insert(setting.key, Origin::File);
            }
        }
    }

    /// Lays variables and then flags over the file's values. Variables about an app make up one
    /// app, which replaces those of the file.
    fn overlay(&mut self, input: &Input<'_>) -> Result<(), ConfigError> {
        check_names(input.environment)?;
        let mut app = toml::Table::new();
        for setting in settings::ALL {
            let Some((text, origin)) = given(setting, input) else { continue };
            let bad = |reason| ConfigError::Value { origin: origin.to_string(), reason };
            let value = parse(text, setting.form).map_err(bad)?;
            check_alone(setting, value.clone()).map_err(bad)?;
            match setting.key.split_once('.') {
                Some(("app", key)) => {
                    app.insert(key.to_owned(), value);
                }
                _ => put(&mut self.table, setting.key, value),
            }
            self.origins.insert(setting.key, origin);
        }
        if !app.is_empty() {
            self.table.insert("app".to_owned(), vec![app].into());
        }
        Ok(())
    }

    /// Every value in force, tokens hidden.
    pub(super) fn shown(&self) -> Vec<Shown> {
        let mut all = Vec::new();
        let mut last = "";
        for setting in settings::ALL {
            let (section, key) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
            if section == "app" {
                continue;
            }
            let value = match value(&self.table, setting.key) {
                Some(value) => hide(value, setting.form),
                None if setting.default.is_empty() => continue,
                None => parse(setting.default, setting.form).unwrap_or_else(|_| "".into()),
            };
            let header = (section != last).then_some(section);
            last = section;
            all.push(Shown { header, key, value, origin: self.origins.get(setting.key).cloned() });
        }
        for app in apps(&self.table) {
            let mut header = Some("app");
            for setting in settings::ALL {
                let Some(("app", key)) = setting.key.split_once('.') else { continue };
                let Some(value) = app.get(key) else { continue };
                let (value, origin) =
                    (hide(value, setting.form), self.origins.get(setting.key).cloned());
                all.push(Shown { header: header.take(), key, value, origin });
            }
        }
        all
    }
}

/// A variable that is of no setting is a mistake where it has the two underscores of a section. Others
/// may be somebody else's: Kubernetes makes `QUELL_SERVICE_HOST` of a service's name.
fn check_names(environment: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let known: Vec<String> = settings::ALL.iter().map(Setting::variable).collect();
    let ours = |name: &&String| name.strip_prefix("QUELL_").is_some_and(|rest| rest.contains("__"));
    match environment.keys().filter(ours).find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(ConfigError::Value {
            origin: name.clone(),
            reason: format!(
                "there is no such setting; {}",
                suggest(name, known.iter().map(String::as_str))
            ),
        }),
    }
}

fn file_table(input: &Input<'_>) -> Result<toml::Table, ConfigError> {
    let Some((path, text)) = &input.file else { return Ok(toml::Table::new()) };
    let file = |error: toml::de::Error| {
        let (line, column) = Lines::of(text).at(error.span().map_or(0, |span| span.start));
        ConfigError::File { path: path.clone(), line, column, reason: reason(&error) }
    };
    // Once for the mistakes, which have their place only here, and once for the values.
    toml::from_str::<Raw>(text).map_err(file)?;
    toml::from_str(text).map_err(file)
}

/// What a flag, or else a variable, says about a setting.
fn given<'a>(setting: &Setting, input: &'a Input<'_>) -> Option<(&'a str, Origin)> {
    if let Some((_, text)) = input.flags.iter().find(|(key, _)| *key == setting.key) {
        return Some((text, Origin::Flag(setting.flag.unwrap_or(setting.key))));
    }
    let variable = setting.variable();
    let text = input.environment.get(&variable)?;
    Some((text, Origin::Variable(variable)))
}

/// Would the file take this value for this setting?
fn check_alone(setting: &Setting, value: toml::Value) -> Result<(), String> {
    let mut whole = toml::Table::new();
    match setting.key.split_once('.') {
        Some(("app", key)) => {
            let app = toml::Table::from_iter([(key.to_owned(), value)]);
            whole.insert("app".to_owned(), vec![app].into());
        }
        _ => put(&mut whole, setting.key, value),
    }
    whole.try_into::<Raw>().map(|_| ()).map_err(|error| reason(&error))
}

/// What is wrong. Where a value is of the wrong type, it may be a token in an unlucky place: only
/// its type is said.
fn reason(error: &toml::de::Error) -> String {
    let message = error.message();
    let typed = message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    match message.rsplit_once(", expected ").filter(|_| typed) {
        Some((found, expected)) => {
            let found = found.split(['"', '`']).next().unwrap_or_default().trim_end();
            format!("{found}, expected {expected}")
        }
        None => message.to_owned(),
    }
}

/// The apps, each a table.
fn apps(table: &toml::Table) -> impl Iterator<Item = &toml::Value> {
    table.get("app").and_then(toml::Value::as_array).into_iter().flatten()
}

/// The value of a key with dots.
fn value<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => value(table.get(section)?.as_table()?, rest),
    }
}

/// Sets the value of a key with dots, making the tables on the way.
fn put(table: &mut toml::Table, key: &str, value: toml::Value) {
    let Some((section, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let place = table.entry(section).or_insert_with(|| toml::Table::new().into());
    if let Some(place) = place.as_table_mut() {
        put(place, rest, value);
    }
}

fn hide(value: &toml::Value, form: Form) -> toml::Value {
    match (form, value) {
        (Form::Secret, _) => "[redacted]".into(),
        (Form::Secrets, toml::Value::Array(tokens)) => vec!["[redacted]"; tokens.len()].into(),
        (Form::Secrets, _) => vec!["[redacted]"].into(),
        _ => value.clone(),
    }
}

/// Reads a value from a variable or flag.
fn parse(text: &str, form: Form) -> Result<toml::Value, String> {
    match form {
        Form::Text | Form::Secret => Ok(text.to_owned().into()),
        Form::Integer => text
            .parse::<i64>()
            .map(toml::Value::Integer)
            .map_err(|_| format!("`{text}` is not a whole number")),
        Form::Switch => text
            .parse::<bool>()
            .map(toml::Value::Boolean)
            .map_err(|_| format!("`{text}` is not `true` or `false`")),
        Form::Texts | Form::Secrets => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(toml::Value::Array(parts.map(|part| part.to_owned().into()).collect()))
        }
    }
}
