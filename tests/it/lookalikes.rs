//! `src/text/lookalikes.txt` is what the confusables data of UTS #39 and the rows below say.
//!
//! `QUELL_WRITE_TABLES=1 cargo test --test it lookalikes` writes it anew.

use std::collections::{BTreeMap, BTreeSet};

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use quell::text::fold;
use unicode_security::confusable_detection::skeleton;

use crate::tables::is_current;

const HEAD: &str = "\
# Which characters of the plain view pose as which ASCII letter or digit. Written by the test
# `it::lookalikes`; do not edit. Derived from Unicode's confusables (UTS #39, Copyright Unicode,
# Inc., Unicode License v3) by way of the crate unicode-security, towards ASCII only, and from the
# hand rows of that test.
";

/// What the confusables lack (small capitals, phonetic and turned letters, letters with strokes and
/// hooks), and lower-case letters that the capital of the same letter would send elsewhere.
const ROWS: [(char, &str); 27] = [
    ('a', "ᴀɐɑαд"),
    ('b', "ʙɓβвьъƀ"),
    ('c', "ᴄɔɕƈçс"),
    ('d', "ᴅɖɗđðԁ"),
    ('e', "ᴇǝɛɘəεэє"),
    ('f', "ꜰɟƒ"),
    ('g', "ɢɡɠƃǥ"),
    ('h', "ʜɥɦɧħн"),
    ('i', "ɪᴉɨιı"),
    ('j', "ᴊʝɉ"),
    ('k', "ᴋʞƙκк"),
    ('l', "ʟɫɬɭłƚꞁ"),
    ('m', "ᴍɯɱм"),
    ('n', "ɴɲŋɳηипƞ"),
    ('o', "ᴏɵøσθ"),
    ('p', "ᴘƥρþ"),
    ('q', "ꞯʠ"),
    ('r', "ʀɹɾɽɼгяᴙ"),
    ('s', "ꜱʂʃѕ"),
    ('t', "ᴛʇʈŧτт"),
    ('u', "ᴜʉʊυμц"),
    ('v', "ᴠʌʋν"),
    ('w', "ᴡʍωшщ"),
    ('x', "χ"),
    ('y', "ʏʎγɣчу"),
    ('z', "ᴢʐʑƶ"),
    ('3', "з"),
];

fn written() -> String {
    let script = CodePointMapData::<Script>::new();
    let category = CodePointMapData::<GeneralCategory>::new();
    let mut target: BTreeMap<char, char> = BTreeMap::new();
    for char in '\u{80}'..='\u{1FFFF}' {
        let letter = GeneralCategoryGroup::Letter.contains(category.get(char))
            || GeneralCategoryGroup::Number.contains(category.get(char));
        let east =
            [Script::Han, Script::Hiragana, Script::Katakana, Script::Hangul, Script::Bopomofo];
        if !letter || east.contains(&script.get(char)) {
            continue;
        }
        let pose = fold(&skeleton(char.encode_utf8(&mut [0; 4])).collect::<String>());
        let mut pose = if pose == "rn" { "m".chars() } else { pose.chars() };
        // A capital's pose goes for its lower-case letter, unless that has one of its own.
        let folded = fold(char.encode_utf8(&mut [0; 4]));
        let mut folded = folded.chars();
        if let (Some(to), None) = (pose.next(), pose.next())
            && let (Some(from), None) = (folded.next(), folded.next())
            && to.is_ascii_alphanumeric()
            && !from.is_ascii()
            && (from == char || !target.contains_key(&from))
        {
            target.insert(from, to);
        }
    }
    for (to, chars) in ROWS {
        let folded = chars
            .chars()
            .flat_map(|char| fold(char.encode_utf8(&mut [0; 4])).chars().collect::<Vec<_>>());
        target.extend(folded.filter(|from| !from.is_ascii()).map(|from| (from, to)));
    }
    let mut rows: BTreeMap<char, BTreeSet<char>> = BTreeMap::new();
    for (from, to) in target {
        rows.entry(to).or_default().insert(from);
    }
    let lines =
        rows.into_iter().map(|(to, chars)| format!("{to} {}\n", chars.iter().collect::<String>()));
    format!("{HEAD}{}", lines.collect::<String>())
}

#[test]
fn lookalikes_are_current() {
    is_current("lookalikes.txt", &written());
}
