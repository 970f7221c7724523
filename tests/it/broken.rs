//! Broken rule files, and what their authors are told.
//!
//! Each case is `tests/cases/broken/NAME.toml`, with further files of its rule directory in a
//! folder `NAME`. What `quell check` prints is beside it in `NAME.snap`: read aloud, it must make
//! sense to somebody who is no engineer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use quell::cli::{check, sarif};
use quell::rulebook::Sources;
use quell::rulebook::diagnostic::{Report, Severity};

use crate::rulebooks;

/// The cases that compile: all that is wrong with them is said in warnings.
const LINT: &str = "lint_";

fn cases() -> Vec<(String, Sources)> {
    let directory = directory();
    let mut cases: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let folder = directory.join(&name);
            let mut sources =
                if folder.is_dir() { rulebooks::sources(&folder) } else { Sources::default() };
            sources.files.insert("rules.toml".to_owned(), fs::read(&path).unwrap());
            (name, sources)
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/broken")
}

fn shown(sources: &Sources, report: &Report) -> String {
    let mut out = Vec::new();
    check::write_report(&mut out, sources, report, false).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_broken_file_says_what_is_wrong() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(directory());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, sources) in cases() {
        let (rulebook, report) = rulebooks::compile(&sources);
        assert_eq!(rulebook.is_some(), name.starts_with(LINT), "{name}: {report:#?}");
        settings.bind(|| insta::assert_snapshot!(name.as_str(), shown(&sources, &report)));
    }
}

#[test]
fn every_place_is_within_its_file() {
    for (name, sources) in cases() {
        let (_, report) = rulebooks::compile(&sources);
        for found in &report.diagnostics {
            let Some(bytes) = sources.files.get(&*found.file) else { continue };
            let text = quell::rulebook::decode(bytes);
            assert!(text.get(found.span.clone()).is_some(), "{name}: {found:?}");
        }
    }
}

#[test]
fn no_broken_file_is_silent_about_how_to_mend_it() {
    let mut bare = BTreeMap::new();
    for (name, sources) in cases() {
        let (_, report) = rulebooks::compile(&sources);
        for found in report.diagnostics.iter().filter(|found| found.help.is_none()) {
            bare.insert((found.code, found.message.clone()), name.clone());
        }
    }
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn sarif_holds_every_diagnostic_with_its_place() {
    for (name, sources) in cases() {
        let (_, report) = rulebooks::compile(&sources);
        let log = sarif::log(&sources, &report, Path::new("my rules"));
        assert_eq!(log["version"], "2.1.0");
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), report.diagnostics.len(), "{name}");
        for (result, found) in results.iter().zip(&report.diagnostics) {
            let level = match found.severity {
                Severity::Notice => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            };
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(result["level"], level);
            assert_eq!(result["ruleId"], found.code);
            assert!(place["artifactLocation"]["uri"].as_str().unwrap().starts_with("my%20rules/"));
            let region = &place["region"];
            if region.is_null() {
                continue;
            }
            let number = |key: &str| region[key].as_u64().unwrap();
            assert_eq!(number("startLine"), u64::try_from(found.line).unwrap());
            let (start, end) = (
                (number("startLine"), number("startColumn")),
                (number("endLine"), number("endColumn")),
            );
            assert!(start <= end && start.1 >= 1, "{name}: {region}");
        }
    }
}

#[test]
fn what_examples_leave_out_is_told() {
    let rules = r#"
        [list.ads]
        entries = ["free coins"]
        [list.more]
        entries = ["gold rush"]

        [[rule]]
        id           = "ads.coins"
        when.lists   = ["ads", "more"]
        when.any     = [{ regex = ["now", "today"] }, { length = { max = 100 } }]
        then.verdict = "deny"
        [[rule.example]]
        text    = "free coins now"
        verdict = "deny"
        [[rule.example]]
        text    = "gold"
        verdict = "allow"

        [[rule]]
        id         = "ads.silver"
        when.regex = "silver"
        then.score = 1
    "#;
    let mut sources = Sources::default();
    sources.files.insert("rules.toml".to_owned(), rules.as_bytes().to_vec());
    let (_, report) = rulebooks::compile(&sources);
    let coverage = report.coverage.unwrap();
    assert_eq!(
        check::examples(&coverage),
        "examples fire 1 of 2 rules and 2 of 5 conditions; none for list `more` of `ads.coins`, \
         pattern `today` of `ads.coins`, rule `ads.silver`"
    );
    let gaps = serde_json::to_value(&coverage.gaps).unwrap();
    assert_eq!(gaps[0]["condition"], "list `more`");
    assert_eq!(gaps[2]["rule"], "ads.silver");
    assert_eq!((&gaps[2]["condition"], &gaps[2]["line"]), (&serde_json::Value::Null, &20.into()));
}

/// The other side: what is meant draws no warning, and is exercised in full.
#[test]
fn a_rulebook_of_every_condition_draws_no_warning() {
    let directory =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rulebooks/every-condition");
    let sources = rulebooks::sources(&directory);
    let (rulebook, report) = rulebooks::compile(&sources);
    assert!(rulebook.is_some() && report.diagnostics.is_empty(), "{}", shown(&sources, &report));
    let gaps = report.coverage.unwrap().gaps;
    assert!(gaps.is_empty(), "{gaps:#?}");
}
