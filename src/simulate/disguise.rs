//! How people write what should not be read: the disguises that evaders use most.

use serde::Serialize;

use super::chance::Chance;

/// How the telling part of a message is disguised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Disguise {
    /// Not at all.
    #[default]
    Plain,
    /// Invisible characters between the letters.
    ZeroWidth,
    /// Full-width letters and digits.
    FullWidth,
    /// Spaces between the letters.
    Spaced,
    /// Stars, dots or hearts between the letters.
    Starred,
    /// Letters of other scripts, circled digits, other forms of Han.
    LookAlike,
    /// Half in one element, half in the next.
    Split,
}

impl Disguise {
    /// All but none.
    pub(super) const ALL: [Self; 6] = [
        Self::ZeroWidth,
        Self::FullWidth,
        Self::Spaced,
        Self::Starred,
        Self::LookAlike,
        Self::Split,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::ZeroWidth => "zero-width",
            Self::FullWidth => "full-width",
            Self::Spaced => "spaced",
            Self::Starred => "starred",
            Self::LookAlike => "look-alike",
            Self::Split => "split",
        }
    }

    /// The texts of the elements that say `before bait after` in this disguise; `None` if it
    /// would not change anything, or would break a link.
    pub(super) fn apply(self, text: &Baited, chance: &mut Chance) -> Option<Vec<String>> {
        let Baited { before, bait, after } = text;
        let link = bait.contains("http") || bait.contains("www.");
        let bait = match self {
            Self::Plain => bait.clone(),
            Self::ZeroWidth => between(bait, chance.pick(&["\u{200B}", "\u{200D}", "\u{2060}"])),
            Self::Spaced if link => bait.replace('.', " . "),
            Self::Spaced => between(bait, " "),
            Self::Starred if link => return None,
            Self::Starred => between(bait, chance.pick(&["*", "·", "❤"])),
            Self::FullWidth => bait.chars().map(full_width).collect(),
            Self::LookAlike => bait.chars().map(|letter| look_alike(letter, chance)).collect(),
            Self::Split => {
                let middle = bait.chars().count() / 2;
                let first: String = bait.chars().take(middle).collect();
                let second: String = bait.chars().skip(middle).collect();
                return Some(vec![format!("{before}{first}"), format!("{second}{after}")]);
            }
        };
        let same = self != Self::Plain && bait == text.bait;
        (!same).then(|| vec![format!("{before}{bait}{after}")])
    }
}

/// A text with the part in it that tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Baited {
    pub(super) before: String,
    pub(super) bait: String,
    pub(super) after: String,
}

impl Baited {
    /// Reads `before «bait» after`; without marks all of it tells.
    pub(super) fn read(text: &str) -> Self {
        let (before, rest) = text.split_once('«').unwrap_or(("", text));
        let (bait, after) = rest.split_once('»').unwrap_or((rest, ""));
        Self { before: before.to_owned(), bait: bait.to_owned(), after: after.to_owned() }
    }
}

fn between(bait: &str, what: &str) -> String {
    let letters: Vec<String> = bait.chars().map(String::from).collect();
    letters.join(what)
}

fn full_width(letter: char) -> char {
    match letter {
        '!'..='~' => char::from_u32(u32::from(letter) + 0xFEE0).unwrap_or(letter),
        _ => letter,
    }
}

fn look_alike(letter: char, chance: &mut Chance) -> char {
    const FORMS: [(char, char); 31] = [
        ('a', 'а'),
        ('c', 'с'),
        ('e', 'е'),
        ('i', 'і'),
        ('o', 'о'),
        ('p', 'р'),
        ('s', 'ѕ'),
        ('x', 'х'),
        ('y', 'у'),
        ('0', '⓪'),
        ('1', '①'),
        ('2', '②'),
        ('3', '③'),
        ('4', '④'),
        ('5', '⑤'),
        ('6', '⑥'),
        ('7', '⑦'),
        ('8', '⑧'),
        ('9', '⑨'),
        ('微', '薇'),
        ('乐', '樂'),
        ('贷', '貸'),
        ('额', '額'),
        ('还', '還'),
        ('网', '網'),
        ('钱', '錢'),
        ('礼', '禮'),
        ('现', '現'),
        ('练', '練'),
        ('惊', '驚'),
        ('饭', '飯'),
    ];
    // Who writes like this mixes: not every letter.
    let form = FORMS.iter().find(|(from, _)| *from == letter);
    form.filter(|_| chance.percent(80)).map_or(letter, |(_, to)| *to)
}
