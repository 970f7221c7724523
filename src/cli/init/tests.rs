use std::collections::BTreeMap;
use std::path::Path;

use super::{RULES, configuration};
use crate::config::{Config, Input, settings};

#[test]
fn every_shipped_rule_file_is_embedded() {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                walk(&entry.path(), found);
            } else {
                let path = entry.path();
                let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"), &mut found);
    found.sort();
    assert_eq!(RULES.iter().map(|(path, _)| *path).collect::<Vec<_>>(), found);
}

fn resolve(text: &str) -> Config {
    let config = Config::resolve(&Input {
        file: Some(("home/quell.toml".into(), text.to_owned())),
        environment: &BTreeMap::new(),
        flags: Vec::new(),
        cores: 1,
        read: &|_| Ok("token".to_owned()),
    });
    config.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The setting that stands in a line, taken out of its comment.
fn setting(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("# ")?;
    let (name, _) = bare.split_once(" = ")?;
    (!name.contains(' ')).then_some(bare)
}

/// As the node sees it, whatever came from where.
fn effect(config: &Config) -> String {
    format!("{config:?}").split(", shown: ").next().unwrap().to_owned()
}

#[test]
fn each_line_of_the_configuration_is_what_holds_without_it() {
    let text = configuration();
    let whole = resolve(&text);
    assert_eq!(whole.rules, Path::new("home/rules"));
    let lines: Vec<&str> = text.lines().collect();
    let mut tried = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(bare) = setting(line).filter(|_| !lines[at - 1].contains("no default")) else {
            continue;
        };
        let mut changed = lines.clone();
        changed[at] = bare;
        let changed = resolve(&changed.join("\n"));
        assert_eq!(effect(&changed), effect(&whole), "{bare}");
        let given = changed.to_string().lines().filter(|line| line.ends_with("# file")).count();
        assert_eq!(given, 2, "{bare} and `rules`");
        tried += 1;
    }
    let with_default = settings::ALL.iter().filter(|setting| !setting.default.is_empty()).count();
    assert_eq!(tried + 1, with_default);
}

#[test]
fn every_line_of_the_configuration_can_be_taken_out_of_its_comment() {
    let text = configuration();
    let uncommented: Vec<&str> = text
        .lines()
        // Not every build can trace.
        .filter(|line| cfg!(feature = "otel") || !line.starts_with("# endpoint"))
        .map(|line| if line == "# [[app]]" { "[[app]]" } else { setting(line).unwrap_or(line) })
        .collect();
    let config = resolve(&uncommented.join("\n"));
    assert!(config.signed() && config.listen.tls.is_some());
    assert_eq!(config.apps[0].tokens.len(), 2);
    assert_eq!(config.limits.connections_per_address_max, Some(2048));
}
