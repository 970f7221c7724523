//! Rule directories as test cases: each holds its own examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use quell::message::ConversationKind;
use quell::platform::tencent::{C2C_CODES, GROUP_CODES};
use quell::rulebook::diagnostic::Report;
use quell::rulebook::{CodeRange, Facts, Options, Rulebook, Sample, Scratch, Sources, Timestamp};
use quell::verdict::Verdict;

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

#[test]
fn disguises_and_exceptions_are_seen_through() {
    is_fine("tests/cases/rulebooks/disguised-exceptions");
    is_fine("tests/cases/rulebooks/disguises");
}

#[test]
fn a_script_that_keeps_failing_is_benched_for_live_traffic_and_replays_go_on() {
    let rule = "[list.fuse]\nentries = [\"fuse\"]\n[[rule]]\nid = \"bomb\"\nwhen.lists = \"fuse\"\n\
                when.script = \"bomb.rhai\"\nthen.verdict = \"deny\"\non_fault = \"discard\"\n";
    let script = "fn judge(message, facts) { let n = 0; loop { n += 1; } }";
    let files = [("r.toml", rule), ("bomb.rhai", script)];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
    let (rulebook, report) = compile(&Sources { files });
    let rulebook = rulebook.unwrap_or_else(|| panic!("{:?}", report.diagnostics));
    let sample = Sample { texts: vec!["the fuse".to_owned()], ..Sample::default() };
    let judged = |scratch: &mut Scratch| {
        let mut judgement = None;
        quell::sample::read_sample(&sample, &mut |message| {
            judgement = Some(rulebook.judge(message, &Facts::default(), NOW, scratch));
        })
        .unwrap();
        judgement.unwrap()
    };
    let (mut live, mut replay) = (Scratch::live(), Scratch::default());
    let told = (0..20).filter(|_| judged(&mut live).faults[0].benched).count();
    assert_eq!((told, rulebook.benched()), (1, 1), "benched once, and told once");
    let benched = judged(&mut live);
    assert_eq!(benched.verdict, Verdict::Discard, "what cannot be judged is `on_fault`");
    assert!(benched.faults[0].what.contains("benched"), "{:?}", benched.faults);
    assert!(judged(&mut replay).faults[0].what.contains("too many operations"));
}
