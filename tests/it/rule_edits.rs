//! From an edit of a rule file to what callbacks are answered.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::harness::{Quell, eventually, rule};

#[track_caller]
fn refuses_soon(quell: &Quell, word: &str) {
    eventually(&format!("`{word}` is refused"), || quell.code(word) == 1);
}

#[test]
fn a_file_written_in_place() {
    let quell = Quell::start(&[]);
    assert_eq!(quell.code("otherword"), 0);
    fs::write(quell.rules().join("bad.toml"), rule("otherword")).unwrap();
    refuses_soon(&quell, "otherword");
    assert_eq!(quell.code("badword"), 0);
    assert_eq!(quell.metric("quell_rule_reloads_total{outcome=\"applied\"}"), 1);
    // The series of a rule that is gone is gone, and so is that of the old revision.
    let metrics = quell.get("/metrics").body;
    assert!(!metrics.contains("test.badword") && metrics.contains("test.otherword"));
    assert_eq!(metrics.lines().filter(|line| line.starts_with("quell_rules_info{")).count(), 1);
}

#[test]
fn a_file_renamed_into_place() {
    let quell = Quell::start(&[]);
    let draft = quell.rules().join(".bad.toml.tmp");
    fs::write(&draft, rule("otherword")).unwrap();
    fs::rename(&draft, quell.rules().join("bad.toml")).unwrap();
    refuses_soon(&quell, "otherword");
}

#[test]
fn a_file_in_a_new_folder() {
    let quell = Quell::start(&[]);
    fs::create_dir(quell.rules().join("more")).unwrap();
    fs::write(quell.rules().join("more/other.toml"), rule("otherword")).unwrap();
    refuses_soon(&quell, "otherword");
    assert_eq!(quell.code("badword"), 1);
    fs::remove_dir_all(quell.rules().join("more")).unwrap();
    eventually("it is gone", || quell.code("otherword") == 0);
}

/// How Kubernetes mounts files: each a link through `..data`, which is swapped.
#[test]
fn a_data_folder_swapped_within_the_directory() {
    let home = tempfile::tempdir().unwrap();
    let rules = home.path().join("rules");
    let version = |name: &str, word: &str| {
        fs::create_dir_all(rules.join(name)).unwrap();
        fs::write(rules.join(name).join("bad.toml"), rule(word)).unwrap();
    };
    version("..first", "badword");
    symlink("..first", rules.join("..data")).unwrap();
    symlink("..data/bad.toml", rules.join("bad.toml")).unwrap();
    let quell = Quell::start_in(home, &[]);
    assert_eq!(quell.code("badword"), 1);
    version("..second", "otherword");
    symlink("..second", rules.join("..data_tmp")).unwrap();
    fs::rename(rules.join("..data_tmp"), rules.join("..data")).unwrap();
    refuses_soon(&quell, "otherword");
    assert_eq!(quell.code("badword"), 0);
}

/// How releases are often laid out: the directory itself is the link that is swapped.
#[test]
fn the_directory_itself_swapped_and_swapped_again() {
    let home = tempfile::tempdir().unwrap();
    let version = |home: &Path, word: &str| {
        fs::create_dir(home.join(word)).unwrap();
        fs::write(home.join(word).join("bad.toml"), rule(word)).unwrap();
        symlink(word, home.join("next")).unwrap();
        fs::rename(home.join("next"), home.join("rules")).unwrap();
    };
    version(home.path(), "badword");
    let quell = Quell::start_in(home, &[]);
    version(quell.home(), "otherword");
    refuses_soon(&quell, "otherword");
    version(quell.home(), "thirdword");
    refuses_soon(&quell, "thirdword");
    // And the new directory is the one that is watched.
    fs::write(quell.home().join("thirdword/bad.toml"), rule("fourthword")).unwrap();
    refuses_soon(&quell, "fourthword");
}

#[test]
fn a_bad_edit_keeps_the_rules_from_before() {
    let quell = Quell::start(&[]);
    let revision = quell.get("/status").json()["revision"].clone();
    let file = quell.rules().join("bad.toml");
    fs::write(&file, "[[rule]]\nid = 'test.bad'\nwhen.regexp = ['x']\n").unwrap();
    eventually("the edit is rejected", || !quell.get("/status").json()["rejected"].is_null());
    let status = quell.get("/status").json();
    assert_eq!(status["revision"], revision);
    let found = status["rejected"]["diagnostics"].as_array().unwrap();
    assert!(found.iter().all(|one| one["file"] == "bad.toml" && one["line"].is_number()));
    assert_eq!(quell.get("/ready").status, 200);
    assert_eq!(quell.code("badword"), 1);
    assert!(quell.metric("quell_rule_reloads_total{outcome=\"rejected\"}") >= 1);
    // Mended as it was, and so as it is in use.
    fs::write(&file, rule("badword")).unwrap();
    eventually("nothing is rejected", || quell.get("/status").json()["rejected"].is_null());
    fs::write(&file, rule("otherword")).unwrap();
    refuses_soon(&quell, "otherword");
}

#[test]
fn a_directory_that_vanishes_keeps_the_rules_from_before() {
    let quell = Quell::start(&[]);
    fs::rename(quell.rules(), quell.home().join("aside")).unwrap();
    eventually("it is missed", || !quell.get("/status").json()["rejected"].is_null());
    assert_eq!(quell.code("badword"), 1);
    fs::rename(quell.home().join("aside"), quell.rules()).unwrap();
    eventually("it is back", || quell.get("/status").json()["rejected"].is_null());
    fs::write(quell.rules().join("bad.toml"), rule("otherword")).unwrap();
    refuses_soon(&quell, "otherword");
}

#[test]
fn hidden_files_and_backups_are_no_rules() {
    let quell = Quell::start(&[]);
    let revision = quell.get("/status").json()["revision"].clone();
    for name in [".hidden.toml", "#bad.toml#", "bad.toml~", "bad.toml.swp", "README.md"] {
        fs::write(quell.rules().join(name), "not a rule").unwrap();
    }
    let reply = quell.post("/rules/reload", None, "");
    assert_eq!((reply.status, &reply.json()["outcome"]), (200, &"unchanged".into()));
    assert_eq!(quell.get("/status").json()["revision"], revision);
}
