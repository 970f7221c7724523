//! What the README says is so.

use std::fs;
use std::path::Path;

use quell::config::settings;

const BEGIN: &str = "<!-- settings: kept equal to `src/config/settings.rs` by a test -->\n";
const END: &str = "<!-- end of settings -->";

/// `QUELL_WRITE_TABLES=1 cargo test --test it readme` writes the table anew.
#[test]
fn the_settings_table_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let expected = settings::markdown();
    if std::env::var_os("QUELL_WRITE_TABLES").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(table, expected);
}

/// The rule shown is a rule: it compiles, and its examples hold.
#[test]
fn the_rule_shown_works() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```toml\n# rules/contact.toml\n").unwrap();
    let (rule, _) = rest.split_once("```").unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut sources = crate::rulebooks::sources(&shipped);
    sources.files.retain(|path, _| path.starts_with("lists/off-platform"));
    let declared =
        format!("{rule}\n[list.off-platform-fine]\nfile = \"lists/off-platform-fine.txt\"\n");
    sources.files.insert("contact.toml".to_owned(), declared.into_bytes());
    let (rulebook, report) = crate::rulebooks::compile(&sources);
    assert!(rulebook.is_some(), "{:?}", report.diagnostics);
}
