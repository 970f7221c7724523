use std::fs;
use std::process::ExitCode;

use clap::Parser;

use super::{List, run};
use crate::cli::Failure;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    list: List,
}

fn quell_list(args: &[&str]) -> anyhow::Result<ExitCode> {
    run(&Cli::try_parse_from([&["list"], args].concat())?.list)
}

fn code(done: anyhow::Result<ExitCode>) -> u8 {
    done.unwrap_err().downcast_ref::<Failure>().unwrap().code
}

#[test]
fn import_writes_once_and_lint_finds_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(path("dirty.txt"), "代开发票,\n代开发票\n一\nlucky.example.com\n").unwrap();
    fs::write(path("fine.jsonl"), "{\"text\": \"今天天气不错\"}\n").unwrap();
    let (dirty, fine, target) = (path("dirty.txt"), path("fine.jsonl"), path("out"));
    let args = ["import", &dirty, "--out", &target, "--name", "ads"];
    let with_corpus = [&args[..], &["--corpus", &fine]].concat();
    assert_eq!(quell_list(&with_corpus).unwrap(), ExitCode::SUCCESS);
    let out = |name: &str| fs::read_to_string(dir.path().join("out").join(name)).unwrap();
    assert_eq!(
        out("ads.csv"),
        "\u{feff}term,match,view,unless,expires,owner,note\n代开发票,,,,,,\n"
    );
    assert_eq!(out("hosts.txt"), "lucky.example.com\n");
    assert!(out("review.csv").contains("一,,,,,,one-character"));
    // What is there may have been edited.
    assert_eq!(code(quell_list(&args)), 64);
    assert_eq!(quell_list(&["lint", &path("out/ads.csv")]).unwrap(), ExitCode::SUCCESS);
    assert_eq!(quell_list(&["lint", &path("dirty.txt"), "--json"]).unwrap(), ExitCode::from(65));
}

#[test]
fn what_is_no_list_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(path("words.xlsx"), b"PK\x03\x04rest").unwrap();
    fs::write(path("words.txt"), "代开发票\n").unwrap();
    fs::write(path("no-text.csv"), "id,said\n1,hello\n").unwrap();
    assert_eq!(code(quell_list(&["lint", &path("words.xlsx")])), 64);
    let error = quell_list(&["lint", &path("words.txt"), "--corpus", &path("no-text.csv")]);
    let error = format!("{:#}", error.unwrap_err());
    assert!(error.contains("no column is named") && error.ends_with("id, said"), "{error}");
    assert!(quell_list(&["lint", &path("not-there.txt")]).is_err());
    for name in ["review", "a/b", "", "列"] {
        let args = ["import", "x.txt", "--out", "y", "--name", name];
        assert!(Cli::try_parse_from([&["list"], &args[..]].concat()).is_err(), "{name}");
    }
}
