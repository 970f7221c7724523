//! The house rules, as far as a program can check them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

const LINES_MAX: usize = 500;

/// What may lie at the top, besides hidden files.
const TOP: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "benches",
    "deploy",
    "rules",
    "src",
    "target",
    "tests",
];

/// Each room and the rooms it may use, besides itself. Ring 1 is pure; the rooms of ring 2 know
/// ring 1 and the metrics, not one another; ring 3 puts them together.
const ROOMS: [(&str, &[&str]); 20] = [
    ("message", RING_1),
    ("verdict", RING_1),
    ("text", RING_1),
    ("rulebook", RING_1),
    ("platform", RING_1),
    ("metrics", RING_1),
    ("server", RING_2),
    ("telemetry", RING_2),
    ("watch", RING_2),
    ("explain", RING_1),
    ("listing", RING_1),
    ("sample", &["message", "platform", "rulebook", "text", "verdict"]),
    ("gate", &["message", "metrics", "platform", "rulebook", "server", "telemetry", "verdict"]),
    ("reload", &["gate", "message", "metrics", "platform", "rulebook", "sample", "watch"]),
    (
        "operator",
        &[
            "explain",
            "gate",
            "metrics",
            "platform",
            "reload",
            "rulebook",
            "sample",
            "server",
            "telemetry",
        ],
    ),
    ("config", &["gate", "platform", "rulebook", "server", "telemetry", "verdict", "watch"]),
    (
        "node",
        &[
            "config",
            "gate",
            "metrics",
            "operator",
            "platform",
            "reload",
            "rulebook",
            "server",
            "telemetry",
            "watch",
        ],
    ),
    ("simulate", &["platform", "verdict"]),
    ("cli", ANY),
    ("main", ANY),
];
const RING_1: &[&str] = &["message", "rulebook", "text", "verdict"];
const RING_2: &[&str] = &["message", "metrics", "rulebook", "text", "verdict"];
const ANY: &[&str] = &["*"];

/// What the rooms of ring 1 may not touch.
const IMPURE: [&str; 10] = [
    "tokio",
    "hyper",
    "tracing",
    "prometheus",
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::time::Instant",
    "SystemTime",
    "std::thread",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        if root().join(folder).exists() {
            walk(&root().join(folder), &mut files);
        }
    }
    files
}

#[track_caller]
fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn files_are_short_documented_and_finished() {
    // In two parts, or this file would break the rule.
    let unfinished = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let (name, lines) = (path.display(), text.lines().count());
        if lines > LINES_MAX {
            faults.push(format!("{name}: {lines} lines, {LINES_MAX} are allowed"));
        }
        if !is_test(&path) && !text.starts_with("//! ") {
            faults.push(format!("{name}: does not begin with what it is for (`//! …`)"));
        }
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            faults.push(format!("{name}: is called mod.rs; name it after its room"));
        }
        for word in unfinished {
            if text.contains(word) {
                faults.push(format!("{name}: says {word}"));
            }
        }
        if let Some(line) = text.lines().position(|line| line.ends_with([' ', '\t'])) {
            faults.push(format!("{name}:{}: white space at the end of the line", line + 1));
        }
    }
    report(&faults);
}

#[test]
fn the_top_level_is_as_agreed() {
    let found = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name());
    let strange: Vec<String> = found
        .filter_map(|name| name.into_string().ok())
        .filter(|name| !name.starts_with('.') && !TOP.contains(&&**name))
        .collect();
    report(&strange);
}

/// The first names of all paths that begin with `crate::`.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let path = Regex::new(r"\bcrate::(?:\{([^;]*)\}|(\w+))").unwrap();
    let nested = Regex::new(r"::(?:\{[^{}]*\}|\w+)").unwrap();
    let mut rooms = BTreeSet::new();
    for found in path.captures_iter(&code) {
        if let Some(one) = found.get(2) {
            rooms.insert(one.as_str().to_owned());
        } else if let Some(group) = found.get(1) {
            let mut group = group.as_str().to_owned();
            while nested.is_match(&group) {
                group = nested.replace_all(&group, "").into_owned();
            }
            rooms.extend(group.split(',').map(|name| name.trim().to_owned()));
        }
    }
    rooms.retain(|room| room.starts_with(char::is_lowercase));
    rooms
}

/// Tests of a room, which may use what they like.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs")
}

fn room(path: &Path) -> Option<String> {
    let inside = path.strip_prefix("src").ok()?;
    let first = inside.iter().next()?.to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

#[test]
fn rooms_use_only_what_they_may() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let Some(room) = room(&path).filter(|room| room != "lib") else { continue };
        let name = path.display();
        let Some((_, allowed)) = ROOMS.iter().find(|(known, _)| *known == room) else {
            faults
                .push(format!("{name}: the room `{room}` is not in the table of tests/it/tidy.rs"));
            continue;
        };
        if *allowed == ANY || is_test(&path) {
            continue;
        }
        for used in rooms_used(&text) {
            if used != room && !allowed.contains(&&*used) {
                faults.push(format!("{name}: `{room}` must not use `{used}`"));
            }
        }
    }
    report(&faults);
}

#[test]
fn ring_1_is_pure() {
    let mut faults = Vec::new();
    for (path, text) in rust_files() {
        let pure = room(&path).is_some_and(|room| RING_1.contains(&&*room));
        if !pure || is_test(&path) {
            continue;
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            if let Some(word) = IMPURE.iter().find(|word| line.contains(**word)) {
                faults.push(format!(
                    "{}: {word} in ring 1 (code line {})",
                    path.display(),
                    number + 1
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn the_check_itself_sees_through_groups() {
    let text = "use crate::{gate::Gate, reload::{self, Rules}, text};\nfn f() { crate::node::x() }";
    let expected = ["gate", "node", "reload", "text"];
    assert_eq!(rooms_used(text).into_iter().collect::<Vec<_>>(), expected);
}
