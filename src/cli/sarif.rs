//! Reports as SARIF 2.1.0, which editors and code review show at the line itself.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::check::text_of;
use crate::rulebook::Sources;
use crate::rulebook::diagnostic::{Diagnostic, Report, Severity};

/// The log of one check. Files are named relative to where the check was started.
pub fn log(sources: &Sources, report: &Report, directory: &Path) -> Value {
    let codes: BTreeSet<&str> = report.diagnostics.iter().map(|found| found.code).collect();
    let codes: Vec<Value> = codes.into_iter().map(|code| json!({ "id": code })).collect();
    let results: Vec<Value> =
        report.diagnostics.iter().map(|found| result(sources, found, directory)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "quell",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": if report.has_errors() { super::rules::BAD_RULES } else { 0 },
            }],
            "results": results,
        }],
    })
}

fn result(sources: &Sources, found: &Diagnostic, directory: &Path) -> Value {
    let mut text = found.message.clone();
    if let Some(help) = &found.help {
        text.push_str(". ");
        text.push_str(help);
    }
    let mut location = json!({ "artifactLocation": { "uri": uri(&directory.join(&*found.file)) } });
    // What is about the directory as a whole has no place.
    if sources.files.contains_key(&*found.file)
        && let Some(location) = location.as_object_mut()
    {
        location.insert("region".to_owned(), region(&text_of(sources, found), found));
    }
    json!({
        "ruleId": found.code,
        "level": match found.severity {
            Severity::Notice => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        "message": { "text": text },
        "locations": [{ "physicalLocation": location }],
    })
}

fn region(text: &str, found: &Diagnostic) -> Value {
    let within = text.get(found.span.clone()).unwrap_or_default();
    let lines = within.matches('\n').count();
    let last = within.rsplit('\n').next().unwrap_or_default().chars().count();
    let end = if lines == 0 { found.column + last } else { last + 1 };
    json!({
        "startLine": found.line,
        "startColumn": found.column,
        "endLine": found.line + lines,
        "endColumn": end,
    })
}

/// A path as a relative or absolute URI reference.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            b'\\' => uri.push('/'),
            other => {
                let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
                uri.extend(['%', digit(other >> 4), digit(other & 15)]);
            }
        }
    }
    uri
}
