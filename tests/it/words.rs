//! `src/text/words.txt` is what the dictionary of the crate `jieba-rs` says.
//!
//! `QUELL_WRITE_TABLES=1 cargo test --test it words` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use quell::text::{fold, is_han};

use crate::tables::is_current;

const HEAD: &str = "\
# The most common Chinese words: first those of one character, then, by their first character, what
# follows it in those of two to four. Only what can stand in the plain view. Written by the test
# `it::words`; do not edit.
# Derived from the dictionary of jieba (MIT, Copyright Sun Junyi), which the crate `jieba-rs`
# packages.
";

/// How often a word must have been counted to be ordinary. Most homophones that people write on
/// purpose are rarer, such as 威信 for 微信 (521).
const COMMON: u64 = 600;
/// The same for words of one character.
const LITTLE: u64 = 30_000;

/// What a tool of the toolchain prints.
fn ask(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn dictionary() -> String {
    let version = ask("rustc", &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let words = "metadata --locked --format-version 1 --filter-platform";
    let arguments: Vec<&str> = words.split(' ').chain([host]).collect();
    let metadata: serde_json::Value =
        serde_json::from_str(&ask(env!("CARGO"), &arguments)).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let jieba = packages.iter().find(|package| package["name"] == "jieba-rs").unwrap();
    let manifest = Path::new(jieba["manifest_path"].as_str().unwrap());
    std::fs::read_to_string(manifest.with_file_name("src").join("data/dict.txt")).unwrap()
}

fn written() -> String {
    let dictionary = dictionary();
    let mut little = BTreeSet::new();
    let mut rows: BTreeMap<char, BTreeSet<&str>> = BTreeMap::new();
    for line in dictionary.lines() {
        let (word, rest) = line.split_once(' ').unwrap();
        let (count, _) = rest.split_once(' ').unwrap();
        let count: u64 = count.parse().unwrap();
        if !word.chars().all(is_han) || fold(word) != word {
            continue;
        }
        let mut chars = word.chars();
        let (first, tail) = (chars.next().unwrap(), chars.as_str());
        match tail.chars().count() {
            0 if count >= LITTLE => _ = little.insert(first),
            1..=3 if count >= COMMON => _ = rows.entry(first).or_default().insert(tail),
            _ => {}
        }
    }
    let little: String = little.into_iter().collect();
    let rows = rows.into_iter().map(|(first, tails)| {
        let tails: Vec<&str> = tails.into_iter().collect();
        format!("{first} {}\n", tails.join(" "))
    });
    format!("{HEAD}{little}\n{}", rows.collect::<String>())
}

#[test]
fn words_are_current() {
    is_current("words.txt", &written());
}
