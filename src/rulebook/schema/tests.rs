use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::{fs, iter};

use serde_json::{Map, Value};

use super::schema;
use crate::rulebook::diagnostic::Sink;
use crate::rulebook::source;

/// A key that is unlike any other, so that the reader lists those it knows.
const ALIEN: &str = "zzqqxx = 1";

/// Where each table of the schema stands in a rule file.
const TABLES: [(&str, &str); 17] = [
    ("", ""),
    ("list", "[list.a]\nentries = \"aa\""),
    ("pattern", "[pattern.a]\nregex = 'aa'"),
    ("rule", "[[rule]]\nid = \"a\"\nthen.flag = true"),
    ("scope", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.scope]"),
    ("when", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.when]"),
    ("block", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.when.unless]"),
    ("block", "[[rule]]\nid = \"a\"\nthen.flag = true\n[[rule.when.any]]"),
    ("links", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.when.links]"),
    ("bounds", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.when.length]\nmin = 1"),
    ("elements", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.when.elements]\nmin = 1"),
    ("time", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.when.time]"),
    ("json", "[[rule]]\nid = \"a\"\nthen.flag = true\n[rule.when.json]\npath = \"Data.a\""),
    ("then", "[[rule]]\nid = \"a\"\n[rule.then]\nflag = true"),
    ("example", "[[example]]\ntext = \"a\"\nverdict = \"allow\""),
    ("threshold", "[[threshold]]\nscore = 1\nverdict = \"deny\""),
    ("strictness", "[strictness]"),
];

/// The keys that the reader says it knows, once it stumbles over one that it does not.
fn known_to_reader(snippet: &str) -> BTreeSet<String> {
    let file: Arc<str> = Arc::from("a.toml");
    let mut sink = Sink::default();
    source::read(&file, &format!("{snippet}\n{ALIEN}\n"), &mut sink);
    let report = sink.report(&BTreeMap::new());
    let found: Vec<_> = report.diagnostics.iter().filter(|d| d.code == "unknown-key").collect();
    assert_eq!(found.len(), 1, "{snippet}: {report:#?}");
    let help = found[0].help.as_deref().unwrap();
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn properties(definition: &str) -> BTreeSet<String> {
    let schema = schema();
    let table = match definition {
        "" => &schema,
        name => &schema["definitions"][name],
    };
    table["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows() {
    for (definition, snippet) in TABLES {
        assert_eq!(properties(definition), known_to_reader(snippet), "{definition}");
    }
    let tested: BTreeSet<&str> = TABLES.iter().map(|(definition, _)| *definition).collect();
    let schema = schema();
    for name in schema["definitions"].as_object().unwrap().keys() {
        assert!(name == "strings" || tested.contains(name.as_str()), "`{name}` is not tested");
    }
}

#[test]
fn every_key_is_described() {
    let schema = schema();
    let tables = schema["definitions"].as_object().unwrap().values().chain(iter::once(&schema));
    for (key, value) in tables.filter_map(|table| table["properties"].as_object()).flatten() {
        let value = value["$ref"].as_str().map_or(value, |name| definition(&schema, name));
        assert!(value["description"].is_string(), "{key}");
    }
}

#[test]
fn the_shipped_rules_fit_the_schema() {
    for path in files("rules") {
        let found = check(&path);
        assert!(found.is_empty(), "{}: {found:#?}", path.display());
    }
}

#[test]
fn broken_rules_do_not_fit_the_schema() {
    let misfits = [
        "keys_misspelt",
        "keys_unknown",
        "missing_id_and_then",
        "names_bad",
        "types",
        "unknown_names",
    ];
    for path in files("tests/cases/broken") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if misfits.contains(&name) {
            assert!(!check(&path).is_empty(), "{name}");
        } else if name.starts_with("lint_") || name.starts_with("regex_look") {
            let found = check(&path);
            assert!(found.is_empty(), "{name}: {found:#?}");
        }
    }
}

fn files(directory: &str) -> Vec<std::path::PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

fn check(path: &Path) -> Vec<String> {
    let table: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let schema = schema();
    misfits(&schema, &schema, &json(toml::Value::Table(table)), "")
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        // As the editors' extensions do.
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(k, v)| (k, json(v))).collect::<Map<_, _>>())
        }
    }
}

fn definition<'s>(root: &'s Value, reference: &str) -> &'s Value {
    &root["definitions"][reference.strip_prefix("#/definitions/").unwrap()]
}

/// What keeps a value from fitting: as much of draft 7 as the schema uses.
fn misfits(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, want) in schema.as_object().unwrap() {
        let fits = match key.as_str() {
            "$ref" => {
                found.extend(misfits(root, definition(root, want.as_str().unwrap()), value, at));
                true
            }
            "allOf" => {
                let all = want.as_array().unwrap();
                found.extend(all.iter().flat_map(|one| misfits(root, one, value, at)));
                true
            }
            "anyOf" => {
                let any = want.as_array().unwrap();
                any.iter().any(|one| misfits(root, one, value, at).is_empty())
            }
            "type" => match want.as_str().unwrap() {
                "string" => value.is_string(),
                "object" => value.is_object(),
                "array" => value.is_array(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64(),
                "number" => value.is_number(),
                other => panic!("type {other}"),
            },
            "enum" => want.as_array().unwrap().contains(value),
            "pattern" => value.as_str().is_none_or(|text| {
                regex::Regex::new(want.as_str().unwrap()).unwrap().is_match(text)
            }),
            "required" => value.as_object().is_none_or(|table| {
                want.as_array().unwrap().iter().all(|key| table.contains_key(key.as_str().unwrap()))
            }),
            "minimum" => value.as_i64().is_none_or(|number| number >= want.as_i64().unwrap()),
            "maximum" => value.as_i64().is_none_or(|number| number <= want.as_i64().unwrap()),
            "minItems" => value
                .as_array()
                .is_none_or(|items| u64::try_from(items.len()).unwrap() >= want.as_u64().unwrap()),
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                found.extend(
                    items.flat_map(|(i, item)| misfits(root, want, item, &format!("{at}[{i}]"))),
                );
                true
            }
            "propertyNames" => {
                let names = value.as_object().into_iter().flat_map(Map::keys);
                found.extend(names.flat_map(|name| {
                    misfits(root, want, &Value::String(name.clone()), &format!("{at}.{name}"))
                }));
                true
            }
            "properties" | "additionalProperties" => {
                found.extend(keys(root, schema, key, value, at));
                true
            }
            "$schema" | "title" | "description" | "definitions" => true,
            other => panic!("this checker does not know `{other}`"),
        };
        if !fits {
            found.push(format!("{at}: {key}: {value}"));
        }
    }
    found
}

fn keys(root: &Value, schema: &Value, keyword: &str, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(own), _) if keyword == "properties" => {
                found.extend(misfits(root, own, value, &at));
            }
            (None, Value::Bool(false)) if keyword == "additionalProperties" => {
                found.push(format!("{at} is unknown"));
            }
            (None, others @ Value::Object(_)) if keyword == "additionalProperties" => {
                found.extend(misfits(root, others, value, &at));
            }
            _ => {}
        }
    }
    found
}
