//! What fuzzing has found worth keeping, once more: a body that panics is a fault found again.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[path = "../fuzz/bodies.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets are crates of their own")]
mod bodies;

/// Hands every kept input of a target to its body.
fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/fuzz").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let held = catch_unwind(|| body(&bytes)).is_ok();
        assert!(held, "{}", path.display());
        count += 1;
    }
    assert!(count > 0, "nothing is kept for {target}");
}

#[test]
fn callbacks() {
    replay("callback", bodies::callback);
}

#[test]
fn queries() {
    replay("query", bodies::query);
}

#[test]
fn rule_files() {
    replay("rules", bodies::rules);
}

#[test]
fn lists() {
    replay("lists", bodies::lists);
}

#[test]
fn scripts() {
    replay("script", bodies::script);
}

#[test]
fn texts() {
    replay("views", bodies::views);
}
