//! `src/text/pinyin.txt` is what the data of the crate `pinyin` says.
//!
//! `QUELL_WRITE_TABLES=1 cargo test --test it pinyin` writes it anew.

use std::collections::BTreeMap;

use pinyin::ToPinyin;
use quell::text::fold;

use crate::tables::is_current;

const HEAD: &str = "\
# Syllables without tone, and the Han that are read so, by their most common reading. Only what can
# stand in the plain view: simplified characters. Written by the test `it::pinyin`; do not edit.
# Derived from the crate `pinyin` (MIT, Copyright mozillazg) and the pinyin-data (MIT, Copyright
# mozillazg) it packages.
";

fn written() -> String {
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    for char in '\u{4E00}'..='\u{9FFF}' {
        let own = char.to_string();
        if fold(&own) == own
            && let Some(reading) = char.to_pinyin()
        {
            rows.entry(reading.plain().replace('ü', "v")).or_default().push(char);
        }
    }
    let line = |(syllable, chars)| format!("{syllable} {chars}\n");
    format!("{HEAD}{}", rows.into_iter().map(line).collect::<String>())
}

#[test]
fn pinyin_is_current() {
    is_current("pinyin.txt", &written());
}
