//! The JSON Schema of rule files, for editors: completion, words on hover, red lines while typing.
//!
//! Draft 7, which the TOML extensions of the common editors understand best. Written out as data;
//! a test compares its keys with those that the reader knows, and the words come from the reader's
//! own tables. What no schema can say, `quell check` says.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::calendar::DAYS;
use super::scope::CONVERSATIONS;
use super::source::{ACTIONS, MATCHINGS, MODES, VERDICTS, VIEWS};
use super::terms::TECHNIQUES;
use crate::message::Kind;
use crate::text::Technique;

/// The schema of a rule file.
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Quell rule file",
        "description": "Lists, rules, scores and examples. All .toml files of a rule directory count together; their names and order do not matter.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "list": named("list", "Keyword lists: [list.NAME]. Rules name them in `when.lists`."),
            "pattern": named("pattern", "Patterns for scripts: [pattern.NAME], asked for with matched(\"NAME\")."),
            "rule": several("rule", "Rules: [[rule]]."),
            "example": several("example", "Examples for all rules together: [[example]]."),
            "threshold": several("threshold", "Scores that are verdicts of their own: [[threshold]]."),
            "strictness": reference("strictness"),
        },
        "definitions": {
            "strings": {
                "description": "A text, or a list of them.",
                "anyOf": [
                    { "type": "string" },
                    { "type": "array", "items": { "type": "string" }, "minItems": 1 },
                ],
            },
            "list": list(),
            "pattern": table("A named pattern.", &["regex"], json!({
                "regex": text("A regular expression in Rust's syntax, in single quotes."),
            })),
            "rule": rule(),
            "scope": scope(),
            "when": when(),
            "block": table(
                "Conditions; all that are named must hold.",
                &[],
                conditions(),
            ),
            "links": links(),
            "bounds": bounds(),
            "elements": elements(),
            "time": time(),
            "json": json_test(),
            "then": then(),
            "example": example(),
            "threshold": threshold(),
            "strictness": strictness(),
        },
    })
}

#[expect(clippy::needless_pass_by_value, reason = "tables are written where they are used")]
fn table(description: &str, required: &[&str], properties: Value) -> Value {
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// A table of tables, each with a name that the author chooses.
fn named(name: &str, description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "propertyNames": { "pattern": "^[a-z0-9._-]{1,64}$" },
        "additionalProperties": reference(name),
    })
}

/// A table, or an array of them.
fn several(name: &str, description: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [reference(name), { "type": "array", "items": reference(name) }],
    })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

/// A text, or several. Draft 7 ignores what stands beside a reference, hence `allOf`.
fn texts(description: &str) -> Value {
    json!({ "description": description, "allOf": [reference("strings")] })
}

fn flag(description: &str) -> Value {
    json!({ "description": description, "type": "boolean" })
}

fn number(description: &str, from: i64, to: i64) -> Value {
    json!({ "description": description, "type": "integer", "minimum": from, "maximum": to })
}

fn part(name: &str, description: &str) -> Value {
    json!({ "description": description, "allOf": [reference(name)] })
}

/// One of the words of a table of the reader.
fn word<T>(description: &str, words: &[(&str, T)]) -> Value {
    let words: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    json!({ "description": description, "type": "string", "enum": words })
}

/// Some of the words of a table of the reader.
fn words<T>(description: &str, words: &[(&str, T)]) -> Value {
    let words: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let one = json!({ "type": "string", "enum": words });
    json!({
        "description": description,
        "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }],
    })
}

fn list() -> Value {
    let mut list = table(
        "A keyword list.",
        &[],
        json!({
            "file": texts("Files with the entries, from the rule directory: .txt with one entry a line, .csv with a header row."),
            "entries": texts("Entries, written here. `A & B`: both; `A ~ B`: A unless B; `*` at an end: the word may go on."),
            "view": word("Which folded form of the text is searched: plain (default); tight sees through look-alikes, separators and repeats; sound compares Han by pinyin.", &VIEWS),
            "match": word("Where an entry matches: auto (default: whole words, Han anywhere), word, anywhere.", &MATCHINGS),
            "always": flag("Search the tight view of every message, not only of those that show signs of evasion."),
            "severe": flag("Also find entries with letters starred out."),
            "variants": words("Further ways of writing the entries that are found.", &variants()),
            "allow": texts("Lists of phrases that excuse an entry which they cover."),
        }),
    );
    if let Some(list) = list.as_object_mut() {
        list.insert(
            "anyOf".to_owned(),
            json!([{ "required": ["file"] }, { "required": ["entries"] }]),
        );
    }
    list
}

/// The techniques that are not refused.
fn variants() -> Vec<(&'static str, Technique)> {
    let refused = [Technique::Homophones, Technique::Initials];
    TECHNIQUES.into_iter().filter(|(_, technique)| !refused.contains(technique)).collect()
}

fn rule() -> Value {
    table(
        "A rule: where it looks, what it looks for, what it does.",
        &["id", "then"],
        json!({
            "id": {
                "description": "The rule's own name, such as ads.links: a-z, 0-9, `.`, `-` and `_`.",
                "type": "string",
                "pattern": "^[a-z0-9._-]{1,64}$",
            },
            "title": text("What it is about, for people."),
            "category": text("A word for statistics, such as ad or abuse."),
            "on": words("The kinds of elements it looks at; all of them if absent.", &Kind::ALL.map(|(kind, name)| (name, kind))),
            "scope": reference("scope"),
            "mode": word("enforce (default) acts, shadow leaves evidence only, off does nothing.", &MODES),
            "rollout": number("Percent of senders it is enforced for; for the others it is in shadow. 100 if absent.", 0, 100),
            "until": text("The day it ends, such as 2027-01-31 (start of the day, UTC)."),
            "level": number("Acts only if [strictness] reaches this level; 1 if absent.", 1, 4),
            "when": reference("when"),
            "then": reference("then"),
            "on_fault": word("The verdict where its script fails; allow if absent.", &VERDICTS),
            "example": several("example", "What it must and must not fire on: [[rule.example]]."),
        }),
    )
}

fn scope() -> Value {
    table(
        "Which messages the rule looks at; all parts that are named must fit.",
        &[],
        json!({
            "conversations": words("Kinds of conversations.", &CONVERSATIONS),
            "group_types": texts("Types of groups, such as Public, AVChatRoom or Live."),
            "except_group_types": texts("Not in groups of these types."),
            "groups": texts("Ids of groups."),
            "except_groups": texts("Not in these groups."),
            "senders": texts("Ids of senders."),
            "except_senders": texts("Not from these senders."),
            "operators": texts("Ids of those who make the request; differs from the sender where an administrator sends for somebody."),
            "except_operators": texts("Not where one of these makes the request."),
            "platforms": texts("What the client runs on, such as Android, iOS, Web or RESTAPI."),
            "except_platforms": texts("Not from these platforms."),
            "networks": texts("Networks of clients, such as 203.0.113.0/24 or 2001:db8::/32."),
            "except_networks": texts("Not from these networks."),
        }),
    )
}

/// What every block may name.
fn conditions() -> Value {
    json!({
        "lists": texts("Any entry of any of these lists is in the text."),
        "regex": texts("Any of these patterns matches. Rust's syntax, in single quotes."),
        "contact_number": flag("true: a telephone or account number is in the text, however it is written; false: none is."),
        "links": {
            "description": "true: a link is in the text. { hosts, except_hosts }: a link to one of the hosts, or to none of the excepted.",
            "anyOf": [{ "type": "boolean", "enum": [true] }, reference("links")],
        },
        "length": part("bounds", "How long the text is, in characters."),
        "elements": part("elements", "How many elements the message has."),
        "mentions": part("bounds", "How many @mentions there are."),
        "writing": texts("Any of these writing systems is in the text: Unicode names such as Han, Latin, Cyrillic, Arabic."),
        "time": reference("time"),
        "json": several("json", "Values in the JSON of custom elements; all must hold."),
        "script": text("A .rhai file, from the rule directory, whose `judge` must say so."),
    })
}

fn when() -> Value {
    let mut properties = conditions();
    if let Some(properties) = properties.as_object_mut() {
        for (key, description) in [
            ("all", "Tables of conditions, all of which must hold."),
            ("any", "Tables of conditions, one of which must hold."),
            ("unless", "Tables of conditions, none of which may hold."),
        ] {
            properties.insert(key.to_owned(), several("block", description));
        }
    }
    table("What the rule looks for; all that are named must hold.", &[], properties)
}

fn links() -> Value {
    table(
        "Which links.",
        &[],
        json!({
            "hosts": texts("Names of hosts, such as example.com; their subdomains are meant too."),
            "hosts_file": texts("Files with one host a line, from the rule directory."),
        "except_hosts": texts("Hosts that are fine."),
        "except_hosts_file": texts("Files with hosts that are fine."),
        }),
    )
}

fn bounds() -> Value {
    table(
        "From `min` to `max`, both included.",
        &[],
        json!({
            "min": number("At least so many.", 0, 1_000_000),
            "max": number("At most so many.", 0, 1_000_000),
        }),
    )
}

fn elements() -> Value {
    table(
        "From `min` to `max` elements, both included.",
        &[],
        json!({
            "min": number("At least so many.", 0, 1_000_000),
            "max": number("At most so many.", 0, 1_000_000),
            "kinds": words("Count these kinds only.", &Kind::ALL.map(|(kind, name)| (name, kind))),
        }),
    )
}

fn time() -> Value {
    table(
        "When the rule holds; a window may go past midnight.",
        &[],
        json!({
            "from": text("Opens at this time of day, such as 22:00."),
            "to": text("Closes at this time of day, such as 06:00."),
            "days": words("Days on which the window opens.", &DAYS),
            "zone": text("Time zone, such as Asia/Shanghai; UTC if absent."),
        }),
    )
}

fn json_test() -> Value {
    table(
        "A value in the JSON of a custom element.",
        &["path"],
        json!({
            "path": text("The field and the keys in it, such as Data.gift.price."),
            "is": texts("It is one of these."),
            "regex": text("This pattern matches it."),
            "above": { "description": "It is a number above this.", "type": "number" },
            "below": { "description": "It is a number below this.", "type": "number" },
        }),
    )
}

fn then() -> Value {
    table(
        "What happens when the rule fires.",
        &[],
        json!({
            "verdict": word("allow (default, only records), mask (blanks out what was found), deny (refuses), discard (drops silently), exempt (no other rule looks at the message).", &ACTIONS),
            "code": number("The code the client gets with a refusal.", 1, 1_000_000),
            "notice": text("What the sender reads; at most 200 characters."),
            "score": number("Added to the message's score; see [[threshold]].", -1_000, 1_000),
            "flag": flag("For human review."),
        }),
    )
}

fn example() -> Value {
    table(
        "A message, and what must become of it.",
        &[],
        json!({
            "text": texts("The text; several are several elements."),
            "data": text("`Data` of a TIMCustomElem."),
            "message": text("The whole body of a callback, as JSON."),
            "msg_type": text("The MsgType of `text`; TIMTextElem if absent."),
            "sender": text("Id of the sender."),
            "operator": text("Id of who makes the request; the sender if absent."),
            "group": text("Id of the group."),
            "group_type": text("Type of the group; Public if absent."),
            "to": text("Id of the receiver; makes it a direct message."),
            "platform": text("What the client runs on."),
            "address": text("The client's network address."),
            "at": text("When it is sent, such as 2027-01-31T22:00:00+08:00; now if absent."),
            "facts": {
                "description": "Values of facts that scripts see.",
                "type": "object",
                "additionalProperties": { "type": "integer" },
            },
            "verdict": word("The verdict expected.", &VERDICTS),
            "exempt": flag("Is it expected to be exempted?"),
            "rules": {
                "description": "The rules expected to fire, of all rules; [] for none.",
                "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
            },
            "masked": text("The text expected to be delivered."),
        }),
    )
}

fn threshold() -> Value {
    table(
        "From this score on, the verdict is at least this.",
        &["score", "verdict"],
        json!({
            "score": number("The sum of the scores of all rules that fired.", 1, 1_000_000),
            "verdict": word("The verdict.", &VERDICTS),
            "code": number("The code the client gets with a refusal.", 1, 1_000_000),
            "notice": text("What the sender reads; at most 200 characters."),
        }),
    )
}

fn strictness() -> Value {
    table(
        "Up to which `level` rules act, and up to which they leave evidence only.",
        &[],
        json!({
            "enforce": number("Rules up to this level act; 4 if absent.", 1, 4),
            "shadow": number("Rules above that and up to this level leave evidence only; 4 if absent.", 1, 4),
        }),
    )
}
