//! What the README says is so.

use std::fs;
use std::path::Path;

use quell::config::settings;
use quell::message::Message;
use quell::platform::tencent::{self, Query, Settings};
use quell::rulebook::{Facts, Scratch};

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

/// What the README posts gets the answer it prints, by the shipped rules.
#[test]
fn the_callback_shown_gets_the_answer_shown() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(manifest.join("README.md")).unwrap();
    let (_, rest) = readme.split_once("-d '").unwrap();
    let (body, rest) = rest.split_once("'\n").unwrap();
    let (_, rest) = rest.split_once("```json\n").unwrap();
    let (answer, _) = rest.split_once('\n').unwrap();
    let (rulebook, _) =
        crate::rulebooks::compile(&crate::rulebooks::sources(&manifest.join("rules")));
    let rulebook = rulebook.unwrap();
    let query = Query::parse("CallbackCommand=Group.CallbackBeforeSendMsg");
    let mut scratch = Scratch::default();
    let mut judge = |message: &Message<'_>| {
        rulebook.judge(message, &Facts::default(), crate::rulebooks::NOW, &mut scratch)
    };
    let settings = Settings::default();
    let given = tencent::answer(&query, body.as_bytes(), &settings, &mut judge).unwrap();
    assert_eq!(std::str::from_utf8(&given.reply).unwrap(), answer);
}
