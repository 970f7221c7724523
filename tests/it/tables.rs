//! `src/text/folding.txt` is what Unicode's data says.
//!
//! `QUELL_WRITE_TABLES=1 cargo test --test it tables` writes it anew, after an update of the Unicode
//! crates or of the rules below.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use icu_casemap::CaseMapper;
use icu_normalizer::properties::{
    CanonicalCompositionBorrowed, CanonicalDecompositionBorrowed, Decomposed,
};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{
    Alphabetic, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script,
    WhiteSpace,
};
use icu_properties::script::ScriptWithExtensionsBorrowed;
use icu_properties::{CodePointMapData, CodePointSetData};

const HEAD: &str = "\
# What characters fold to in the plain view. Written by the test `it::tables`; do not edit.
# Derived from Unicode data (Copyright Unicode, Inc., Unicode License v3) by way of the crates
# icu_casemap, icu_normalizer and icu_properties, and from the hand rows of that test.
#   - range             vanishes
#   > range target      a range goes to consecutive targets; a single character perhaps to several
#   * range target      a range goes to one target
#   + range target      the same as >, and composes with the character before it where that exists
#   ^ range target      the same as + for a combining mark, which only scripts that need it keep
#   ! range target      regional indicators
#   & first second one  a composition
#   w, h, m range       continues a word; is Han; is of a script that needs its combining marks
";

/// Letters and digits that Unicode does not decompose: first and last, first target.
const ROWS: [(char, char, &str); 22] = [
    ('\u{1F150}', '\u{1F169}', "a"),
    ('\u{1F170}', '\u{1F189}', "a"),
    ('\u{1F18E}', '\u{1F18E}', "ab"),
    ('\u{1F191}', '\u{1F191}', "cl"),
    ('\u{1F192}', '\u{1F192}', "cool"),
    ('\u{1F193}', '\u{1F193}', "free"),
    ('\u{1F194}', '\u{1F194}', "id"),
    ('\u{1F195}', '\u{1F195}', "new"),
    ('\u{1F196}', '\u{1F196}', "ng"),
    ('\u{1F197}', '\u{1F197}', "ok"),
    ('\u{1F198}', '\u{1F198}', "sos"),
    ('\u{1F199}', '\u{1F199}', "up"),
    ('\u{1F19A}', '\u{1F19A}', "vs"),
    ('\u{24FF}', '\u{24FF}', "0"),
    ('\u{1F10B}', '\u{1F10B}', "0"),
    ('\u{1F10C}', '\u{1F10C}', "0"),
    ('\u{2776}', '\u{277E}', "1"),
    ('\u{2780}', '\u{2788}', "1"),
    ('\u{278A}', '\u{2792}', "1"),
    ('\u{24F5}', '\u{24FD}', "1"),
    ('\u{2800}', '\u{2800}', " "),
    ('ß', 'ß', "ss"),
];

/// Circled numbers of two digits without a decomposition: first character, first number, how many.
const NUMBERS: [(char, u32, u32); 5] = [
    ('\u{277F}', 10, 1),
    ('\u{2789}', 10, 1),
    ('\u{2793}', 10, 1),
    ('\u{24FE}', 10, 1),
    ('\u{24EB}', 11, 10),
];

/// The CJK Radicals Supplement from U+2E80 on; `　` where there is no character or where the
/// decomposition is right.
const RADICALS: &str = "\
冫厂乛乚乙亻冂几刀刂卜㔾小小尢尣尢尢巳幺彑彐忄㣺扌攵　旡日月歺　民氵氺灬爫爫丬牛犭王疋目示礻竹糹\
纟罓罒㓁㓁网羊羊羊耂肀聿月臼艹艹艹虎衤覀西见角角讠贝足车辶辶辶阝钅長镸长门阜阝雨青韦页风飞食飠\
飠饣首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龟亀";

struct Unicode {
    hand: BTreeMap<char, String>,
    han: BTreeMap<char, char>,
    casemap: icu_casemap::CaseMapperBorrowed<'static>,
    nfc: ComposingNormalizerBorrowed<'static>,
    nfkd: DecomposingNormalizerBorrowed<'static>,
    category: icu_properties::CodePointMapDataBorrowed<'static, GeneralCategory>,
    script: icu_properties::CodePointMapDataBorrowed<'static, Script>,
    scripts: ScriptWithExtensionsBorrowed<'static>,
    space: icu_properties::CodePointSetDataBorrowed<'static>,
    alphabetic: icu_properties::CodePointSetDataBorrowed<'static>,
    ignorable: icu_properties::CodePointSetDataBorrowed<'static>,
}

impl Unicode {
    fn new() -> Self {
        Self {
            hand: hand(),
            han: han(),
            casemap: CaseMapper::new(),
            nfc: ComposingNormalizerBorrowed::new_nfc(),
            nfkd: DecomposingNormalizerBorrowed::new_nfkd(),
            category: CodePointMapData::new(),
            script: CodePointMapData::new(),
            scripts: ScriptWithExtensionsBorrowed::new(),
            space: CodePointSetData::new::<WhiteSpace>(),
            alphabetic: CodePointSetData::new::<Alphabetic>(),
            ignorable: CodePointSetData::new::<DefaultIgnorableCodePoint>(),
        }
    }

    fn is_mark(&self, char: char) -> bool {
        GeneralCategoryGroup::Mark.contains(self.category.get(char))
    }

    fn is_dropped(&self, char: char) -> bool {
        let category = self.category.get(char);
        if self.space.contains(char) {
            return false;
        }
        self.ignorable.contains(char)
            || matches!(category, GeneralCategory::Format | GeneralCategory::Control)
            || self.is_mark(char) && !self.keeps_mark(char)
    }

    /// Marks of other scripts than these carry vowels or tones that words need. What is used with
    /// any script, or with one of these, is decoration.
    fn keeps_mark(&self, char: char) -> bool {
        const BARE: [Script; 4] = [Script::Latin, Script::Greek, Script::Cyrillic, Script::Han];
        let any = [Script::Inherited, Script::Common];
        !BARE.into_iter().chain(any).any(|script| self.scripts.has_script(char, script))
    }

    fn fold(&self, char: char) -> String {
        let category = self.category.get(char);
        let blank = [GeneralCategory::Unassigned, GeneralCategory::PrivateUse].contains(&category);
        if blank && !self.ignorable.contains(char) {
            return char.to_string();
        }
        let mut text = self.hand.get(&char).cloned().unwrap_or_else(|| char.to_string());
        // Folding can expose something that folds again; it settles after two or three rounds.
        for _ in 0..8 {
            let next = self.round(&text);
            if next == text {
                return text;
            }
            text = next;
        }
        panic!("U+{:04X} does not settle", u32::from(char));
    }

    fn round(&self, text: &str) -> String {
        let text = self.nfkd.normalize(text).into_owned();
        let text = self.casemap.fold_string(&text).into_owned();
        let bare: String = self
            .nfkd
            .normalize(&text)
            .chars()
            .filter(|&char| !self.is_dropped(char))
            .map(|char| if self.space.contains(char) { ' ' } else { char })
            .collect();
        self.nfc.normalize(&bare).chars().map(|c| *self.han.get(&c).unwrap_or(&c)).collect()
    }

    /// A spacing accent decomposes to a space and its mark, but is no space.
    fn is_accent(&self, char: char) -> bool {
        let text = self.nfkd.normalize(char.encode_utf8(&mut [0; 4])).into_owned();
        text.starts_with(' ') && text.len() > 1 && text.chars().skip(1).all(|c| self.is_mark(c))
    }

    fn is_word(&self, char: char) -> bool {
        const RUN_ON: [Script; 15] = [
            Script::Han,
            Script::Hiragana,
            Script::Katakana,
            Script::Hangul,
            Script::Bopomofo,
            Script::Thai,
            Script::Lao,
            Script::Khmer,
            Script::Myanmar,
            Script::Tibetan,
            Script::Javanese,
            Script::Balinese,
            Script::TaiLe,
            Script::NewTaiLue,
            Script::Yi,
        ];
        let script = self.script.get(char);
        let kana_mark = script == Script::Common && self.scripts.has_script(char, Script::Katakana);
        let number = GeneralCategoryGroup::Number.contains(self.category.get(char));
        (self.alphabetic.contains(char) || self.is_mark(char) || number)
            && !RUN_ON.contains(&script)
            && !kana_mark
    }

    fn is_han(&self, char: char) -> bool {
        self.script.get(char) == Script::Han
            && self.category.get(char) != GeneralCategory::OtherSymbol
    }

    fn is_marked(&self, char: char) -> bool {
        const BARE: [Script; 10] = [
            Script::Latin,
            Script::Greek,
            Script::Cyrillic,
            Script::Han,
            Script::Hangul,
            Script::Hiragana,
            Script::Katakana,
            Script::Bopomofo,
            Script::Common,
            Script::Unknown,
        ];
        let script = self.script.get(char);
        let letter = self.alphabetic.contains(char) || self.is_mark(char);
        // An inherited mark that is kept belongs to the scripts it extends.
        letter && !BARE.contains(&script) && (script != Script::Inherited || self.keeps_mark(char))
    }

    /// The pairs whose second part can still stand in a folded text.
    fn compositions(&self) -> BTreeSet<(char, char, char)> {
        let parts = CanonicalDecompositionBorrowed::new();
        let compose = CanonicalCompositionBorrowed::new();
        everything()
            .filter(|whole| !('\u{AC00}'..='\u{D7A3}').contains(whole))
            .filter_map(|whole| match parts.decompose(whole) {
                Decomposed::Expansion(first, second) => Some((first, second, whole)),
                _ => None,
            })
            .filter(|&(first, second, whole)| compose.compose(first, second) == Some(whole))
            .filter(|&(_, second, _)| !self.is_dropped(second))
            .filter(|&(_, _, whole)| self.fold(whole) == whole.to_string())
            .collect()
    }
}

fn hand() -> BTreeMap<char, String> {
    let mut rows = BTreeMap::new();
    for (first, last, target) in ROWS {
        let single = target.chars().next().filter(|_| first != last).map(u32::from);
        for (step, char) in (0..).zip(first..=last) {
            let stepped = single.and_then(|target| char::from_u32(target + step));
            rows.insert(char, stepped.map_or_else(|| target.to_owned(), String::from));
        }
    }
    for (first, number, count) in NUMBERS {
        for step in 0..count {
            let char = char::from_u32(u32::from(first) + step).unwrap();
            rows.insert(char, (number + step).to_string());
        }
    }
    for (char, target) in ('\u{2E80}'..='\u{2EF2}').zip(RADICALS.chars()) {
        if target != '　' {
            rows.insert(char, target.to_string());
        }
    }
    rows
}

fn han() -> BTreeMap<char, char> {
    include_str!("../../src/text/han.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(|pair| {
            let mut chars = pair.chars();
            (chars.next().unwrap(), chars.next().unwrap())
        })
        .collect()
}

/// Every character of the planes that Unicode assigns.
fn everything() -> impl Iterator<Item = char> {
    ('\0'..='\u{3FFFF}').chain('\u{E0000}'..='\u{E0FFF}')
}

/// Adjacent characters of one sign become a range: to one target, to consecutive ones, or to none.
#[derive(Default)]
struct Rows(Vec<(char, char, char, char)>, String);

impl Rows {
    fn push(&mut self, sign: char, char: char, target: &str) {
        let mut chars = target.chars();
        let first = chars.next();
        if chars.next().is_some() {
            self.flush();
            self.line(sign, char, char, target);
            return;
        }
        // For `-` and the classes any constant target will do.
        let target = first.unwrap_or(' ');
        if let Some(&(known, start, last, from)) = self.0.last()
            && known == sign
            && follows(last, char)
        {
            let step = u32::from(char) - u32::from(start);
            let next = char::from_u32(u32::from(from) + step);
            let to = if "*-whm".contains(sign) { Some(from) } else { next };
            if to == Some(target) {
                self.0.pop();
                self.0.push((sign, start, char, from));
                return;
            }
        }
        self.flush();
        self.0.push((sign, char, char, target));
    }

    fn flush(&mut self) {
        if let Some((sign, first, last, target)) = self.0.pop() {
            let target = if "-whm".contains(sign) { String::new() } else { target.to_string() };
            self.line(sign, first, last, &target);
        }
    }

    fn line(&mut self, sign: char, first: char, last: char, target: &str) {
        write!(self.1, "{sign} {:04X}", u32::from(first)).unwrap();
        if last != first {
            write!(self.1, "..{:04X}", u32::from(last)).unwrap();
        }
        for char in target.chars() {
            write!(self.1, " {:04X}", u32::from(char)).unwrap();
        }
        self.1.push('\n');
    }
}

fn follows(last: char, char: char) -> bool {
    u32::from(last) + 1 == u32::from(char)
}

fn written() -> String {
    let unicode = Unicode::new();
    let compositions = unicode.compositions();
    let seconds: BTreeSet<char> = compositions.iter().map(|&(_, second, _)| second).collect();
    let jamo =
        |c: char| ('\u{1161}'..='\u{1175}').contains(&c) || ('\u{11A8}'..='\u{11C2}').contains(&c);

    let mut rows = Rows::default();
    for char in everything() {
        if let 'A'..='Z' = char {
            continue; // Lowered in one go, after everything else.
        }
        if ('\u{1F1E6}'..='\u{1F1FF}').contains(&char) {
            let letter = u32::from(char) - 0x1F1E6 + u32::from('a');
            rows.push('!', char, &char::from_u32(letter).unwrap().to_string());
            continue;
        }
        let kana_mark = ['\u{309B}', '\u{309C}'].contains(&char);
        let folded = match unicode.fold(char) {
            _ if unicode.is_accent(char) && !kana_mark => char.to_string(),
            folded if kana_mark => folded.trim_start().to_owned(),
            folded => folded,
        };
        let mut chars = folded.chars();
        match (chars.next(), chars.next()) {
            (None, _) => rows.push('-', char, ""),
            (Some(one), None) if unicode.is_mark(one) => rows.push('^', char, &folded),
            (Some(one), None) if seconds.contains(&one) || jamo(one) => {
                rows.push('+', char, &folded);
            }
            _ if folded == char.to_string() => {}
            (Some(' '), None) => rows.push('*', char, " "),
            _ => rows.push('>', char, &folded),
        }
    }
    rows.flush();
    for (first, second, whole) in compositions {
        rows.line('&', first, first, &[second, whole].iter().collect::<String>());
    }
    let mut class = |sign, has: fn(&Unicode, char) -> bool| {
        everything().filter(|&char| has(&unicode, char)).for_each(|char| rows.push(sign, char, ""));
        rows.flush();
    };
    class('w', Unicode::is_word);
    class('h', Unicode::is_han);
    class('m', Unicode::is_marked);
    format!("{HEAD}{}", rows.1)
}

/// Is the table in `src/text` what is written anew? With `QUELL_WRITE_TABLES` set, it becomes that.
#[track_caller]
pub(crate) fn is_current(table: &str, written: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text").join(table);
    if std::env::var_os("QUELL_WRITE_TABLES").is_some() {
        std::fs::write(&path, written).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap();
    assert!(
        checked_in == written,
        "src/text/{table} is out of date: QUELL_WRITE_TABLES=1 cargo test --test it current"
    );
}

#[test]
fn folding_is_current() {
    is_current("folding.txt", &written());
}
