use std::fs;
use std::os::unix::fs::symlink;

use super::{Limits, ReadError, read};

#[test]
fn rule_files_are_read_and_others_are_not() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::create_dir_all(at("lists/deep")).unwrap();
    fs::create_dir_all(at(".git")).unwrap();
    for name in ["a.toml", "lists/b.txt", "lists/deep/c.csv", "d.rhai"] {
        fs::write(at(name), name).unwrap();
    }
    for name in ["README.md", ".a.toml", "a.toml~", "#a.toml", "a.toml.swp", ".git/x.toml", "none"]
    {
        fs::write(at(name), name).unwrap();
    }
    symlink("nowhere", at("gone.toml")).unwrap();
    symlink("lists", at("more")).unwrap();
    let snapshot = read(home.path(), Limits::default()).unwrap();
    let names: Vec<_> = snapshot.sources.files.keys().map(String::as_str).collect();
    let expected =
        ["a.toml", "d.rhai", "lists/b.txt", "lists/deep/c.csv", "more/b.txt", "more/deep/c.csv"];
    assert_eq!(names, expected);
    assert_eq!(snapshot.sources.files["lists/b.txt"], b"lists/b.txt");
}

#[test]
fn the_digest_tells_paths_and_contents_apart() {
    let digest = |files: &[(&str, &str)]| {
        let home = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(home.path().join(name), content).unwrap();
        }
        read(home.path(), Limits::default()).unwrap().digest
    };
    assert_eq!(
        digest(&[("a.txt", "x"), ("b.txt", "y")]),
        digest(&[("b.txt", "y"), ("a.txt", "x")])
    );
    assert_ne!(digest(&[("a.txt", "x")]), digest(&[("b.txt", "x")]));
    assert_ne!(
        digest(&[("a.txt", "xb.txt"), ("b.txt", "")]),
        digest(&[("a.txt", "x"), ("b.txt", "b.txt")])
    );
}

#[test]
fn there_is_a_limit_to_everything() {
    let home = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.txt"] {
        fs::write(home.path().join(name), "12345678").unwrap();
    }
    let limits = Limits { files_max: 2, file_bytes_max: 8, bytes_max: 16 };
    assert!(read(home.path(), limits).is_ok());
    for (tight, word) in [
        (Limits { files_max: 1, ..limits }, "rule_files_max"),
        (Limits { file_bytes_max: 7, ..limits }, "rule_file_max"),
        (Limits { bytes_max: 15, ..limits }, "rules_max"),
    ] {
        let error = read(home.path(), tight).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    symlink(".", home.path().join("again")).unwrap();
    assert!(matches!(read(home.path(), Limits::default()), Err(ReadError::TooMuch { .. })));
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let error = read("/no/such/rules".as_ref(), Limits::default()).unwrap_err();
    assert!(error.to_string().contains("/no/such/rules"));
}
