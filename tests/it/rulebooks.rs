//! Rule directories as test cases: each holds its own examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use quell::message::ConversationKind;
use quell::platform::tencent::{C2C_CODES, GROUP_CODES};
use quell::rulebook::diagnostic::Report;
use quell::rulebook::{CodeRange, Options, Rulebook, Sources, Timestamp};

/// 2026-11-23 00:00:00 UTC.
pub(crate) const NOW: Timestamp = Timestamp(1_795_392_000);

pub(crate) fn options() -> Options {
    Options {
        clock: || 0,
        now: NOW,
        codes: vec![
            CodeRange {
                what: "a group message",
                conversation: ConversationKind::Group,
                codes: GROUP_CODES,
            },
            CodeRange {
                what: "a direct message",
                conversation: ConversationKind::Direct,
                codes: C2C_CODES,
            },
        ],
        script_limits: quell::rulebook::script::Limits::default(),
        read_sample: quell::sample::read_sample,
    }
}

pub(crate) fn sources(directory: &Path) -> Sources {
    fn walk(root: &Path, at: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(directory, directory, &mut files);
    Sources { files }
}

pub(crate) fn compile(sources: &Sources) -> (Option<Rulebook>, Report) {
    Rulebook::compile(sources, &options())
}

/// Compiles and runs the examples; neither errors nor warnings are accepted.
#[track_caller]
fn is_fine(directory: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let (rulebook, report) = compile(&sources(&directory));
    let found: Vec<String> = report.diagnostics.iter().map(ToString::to_string).collect();
    assert!(rulebook.is_some() && found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_shipped_rules_are_fine() {
    is_fine("rules");
}
