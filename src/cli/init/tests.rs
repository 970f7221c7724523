use std::collections::BTreeMap;
use std::path::Path;

use super::{RULES, configuration};
use crate::config::{Config, Input};

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

/// As written, and with every setting taken out of its comment, for what cannot be so.
#[test]
fn the_configuration_can_be_read() {
    let resolve = |text: String| {
        Config::resolve(&Input {
            file: Some(("home/quell.toml".into(), text)),
            environment: &BTreeMap::new(),
            flags: Vec::new(),
            cores: 1,
            read: &|_| Ok("token".to_owned()),
        })
    };
    let config = resolve(configuration()).unwrap();
    assert_eq!(config.rules, Path::new("home/rules"));
    let lines = configuration().lines().map(str::to_owned).collect::<Vec<_>>();
    let uncommented: Vec<&str> = lines
        .iter()
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or(line);
            let setting = bare.split_once(" = ").is_some_and(|(name, value)| {
                !name.contains(' ') && !["\"\"", "[]"].contains(&value)
            });
            if setting || bare == "[[app]]" { bare } else { line }
        })
        .collect();
    resolve(uncommented.join("\n")).unwrap();
}
