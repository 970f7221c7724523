//! How much of what evasion does to a term the views undo, and what they make of ordinary text.
//!
//! Terms and carriers are made up. `cargo test --test it recall -- --nocapture` prints the table.

#![expect(clippy::indexing_slicing, clippy::string_slice, reason = "a failed test panics")]

use quell::text::{SuspectsBuilder, Tight, TightEntry, View, fold};

const WORDS: [&str; 24] = [
    "grubnak",
    "plonkster",
    "zibbet",
    "frumple",
    "skronk",
    "vomber",
    "dritch",
    "mupple",
    "clagger",
    "snarfel",
    "wibbler",
    "gromsty",
    "blatherk",
    "tozzle",
    "quimble",
    "sprocko",
    "nabbich",
    "yarkle",
    "hurgle",
    "jimpert",
    "fasket",
    "doomlik",
    "perslub",
    "okravist",
];
const HAN: [&str; 16] = [
    "加微信",
    "代开发票",
    "裸聊",
    "办证刻章",
    "刷单返利",
    "枪支弹药",
    "私服外挂",
    "网络赌博",
    "贷款秒批",
    "买卖账号",
    "迷药",
    "假币",
    "代孕",
    "约炮",
    "高仿手表",
    "信用卡套现",
];
const ENGLISH: [&str; 14] = [
    "are we still on for dinner tonight",
    "i left my keys on the table, can you bring them?",
    "he said it's fine. who're you going with",
    "she'll be there at 7, don't wait",
    "the class assessment is in Scunthorpe",
    "cars exploded as sass in the passage",
    "a bass player, a cocktail and an analyst",
    "let's meet at the bus stop / train station",
    "ok so what, i am a b c kind of person",
    "good look, too cool, all well!",
    "email me: someone@example.com or call 5005",
    "it was 3.5 km, i think - or 4?",
    "wait...what? no way!!",
    "hello 2u2 my m8, see u l8r",
];
const CHINESE: [&str; 12] = [
    "今天晚上大家一起去吃火锅吧",
    "我刚下课，你在哪儿呢？",
    "好的好的，明天见！",
    "看看书，听听歌，挺好的",
    "这个 多少钱 一斤啊",
    "三黄鸡，片皮鸭，都好吃",
    "早操😂你好呀~我们走吧",
    "下三滥的手段不要用",
    "周末去爬山吗？天气不错哦",
    "他说：没问题。我信了",
    "微微一笑很倾城，信不信由你",
    "药店在左边，枪战片在播",
];

/// A small generator with a fixed seed: the same cases on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

/// Finds terms the way a rulebook does.
#[derive(Default)]
struct Finder {
    plain: View,
    tight: Tight,
}

#[derive(Clone, Copy, PartialEq)]
enum Views {
    Plain,
    Both,
    Gated,
}

impl Finder {
    fn find(&mut self, text: &str, term: &str, severe: bool, views: Views) -> Option<String> {
        self.plain.clear();
        self.plain.push(0, text, false);
        let plain = &self.plain;
        let entry = fold(term);
        let word = term.is_ascii();
        let hit = plain
            .text()
            .match_indices(&entry)
            .map(|(at, hit)| at..at + hit.len())
            .find(|hit| !word || plain.is_edge(hit.start) && plain.is_edge(hit.end))
            .or_else(|| {
                let entry = TightEntry::new(&entry, severe).filter(|_| views != Views::Plain)?;
                let mut suspects = SuspectsBuilder::default();
                suspects.add(&entry);
                if views == Views::Gated && !plain.signs(&suspects.build()).call_for_tight() {
                    return None;
                }
                self.tight.fold(plain, true);
                let starred = if severe { entry.starred() } else { Vec::new() };
                [entry].iter().chain(&starred).find_map(|entry| {
                    let hits = self.tight.text().match_indices(entry.pattern());
                    let mut hits = hits.map(|(at, hit)| at..at + hit.len());
                    hits.find_map(|hit| self.tight.verify(plain, hit, entry))
                })
            })?;
        let span = self.plain.spans(hit).next()?;
        text.get(span.range).map(str::to_owned)
    }
}

fn shift(term: &str, first: char) -> String {
    let letter =
        |char| char::from_u32(u32::from(char) - u32::from('a') + u32::from(first)).unwrap();
    term.chars().map(letter).collect()
}

fn between(term: &str, what: &str) -> String {
    term.chars().map(String::from).collect::<Vec<_>>().join(what)
}

fn after_each(term: &str, what: &str, dice: &mut Dice) -> String {
    let what: Vec<char> = what.chars().collect();
    term.chars().flat_map(|char| [char, dice.pick(&what)]).collect()
}

/// Replaces one or two of the letters for which there is something in `rows`.
/// Replaces some of the letters that `rows` have something for: a letter and what can replace it.
fn replace(term: &str, rows: &str, dice: &mut Dice, times: usize) -> String {
    let mut chars: Vec<char> = term.chars().collect();
    let with = |char| rows.split(' ').find_map(|row| row.strip_prefix(char));
    let mut able: Vec<usize> = (0..chars.len()).filter(|&at| with(chars[at]).is_some()).collect();
    for _ in 0..times.min(able.len()) {
        let at = able.swap_remove(dice.roll(able.len()));
        let to: Vec<char> = with(chars[at]).unwrap().chars().collect();
        chars[at] = dice.pick(&to);
    }
    chars.into_iter().collect()
}

/// Puts something at a random place inside, or a letter again at its place.
fn inside(term: &str, what: &str, dice: &mut Dice) -> String {
    let (before, after) = term.split_at(1 + dice.roll(term.len() - 1));
    [before, what, after].concat()
}

fn stretch(term: &str, times: usize, dice: &mut Dice) -> String {
    let stretched = dice.roll(term.chars().count());
    let times = |n| if n == stretched { times } else { 1 };
    term.chars().enumerate().map(|(n, char)| String::from(char).repeat(times(n))).collect()
}

fn starred(term: &str, dice: &mut Dice) -> String {
    let at = 1 + dice.roll(term.len() - 2);
    [&term[..at], "*", &term[at + 1..]].concat()
}

fn traditional(term: &str) -> String {
    let pairs =
        include_str!("../../src/text/han.txt").lines().filter(|line| !line.starts_with('#'));
    let pairs: Vec<&str> = pairs.flat_map(str::split_whitespace).collect();
    let back = |char| {
        pairs.iter().find(|pair| pair.ends_with(char)).map(|pair| pair.chars().next().unwrap())
    };
    term.chars().map(|char| back(char).unwrap_or(char)).collect()
}

const CAPITALS: &str = "aA bB cC dD eE iI kK lL mM nN oO rR sS tT uU";
const CYRILLIC: &str = "aа eе oо pр cс yу xх iі kк mм tт hн bв sѕ";
const GREEK: &str = "aα oο vν pρ kκ iι uυ nη tτ";
const SMALL: &str = "aᴀ bʙ cᴄ dᴅ eᴇ fꜰ gɢ hʜ iɪ jᴊ kᴋ lʟ mᴍ nɴ oᴏ pᴘ qꞯ rʀ sꜱ tᴛ uᴜ vᴠ wᴡ xх yʏ zᴢ";
const DIGITS: &str = "o0 i1 l1 e3 a4 s5 t7 b8 g9";
const SYMBOLS: &str = "a@ s$ i!| e€ t+";

/// What kind of terms a row is about.
#[derive(Clone, Copy, PartialEq)]
enum Terms {
    Letters,
    Han,
    /// The same with the entries marked severe.
    SevereLetters,
    SevereHan,
}
use Terms::{Han, Letters, SevereHan, SevereLetters};

/// What is done to a term, and the least percentage of cases that the plain view and that both
/// views must find.
type Row = (&'static str, Terms, fn(&str, &mut Dice) -> String, usize, usize);

const ROWS: [Row; 42] = [
    ("case", Letters, |t, d| replace(t, CAPITALS, d, 3), 100, 100),
    ("full width", Letters, |t, _| shift(t, 'ａ'), 100, 100),
    (
        "mathematical",
        Letters,
        |t, d| shift(t, d.pick(&['𝐚', '𝒂', '𝓪', '𝔞', '𝗮', '𝘢', '𝚊'])),
        100,
        100,
    ),
    ("circled", Letters, |t, _| shift(t, 'ⓐ'), 100, 100),
    ("squared", Letters, |t, d| shift(t, d.pick(&['🅰', '🄰', '🅐'])), 100, 100),
    ("regional indicators", Letters, |t, _| shift(t, '🇦'), 100, 100),
    ("zero width", Letters, |t, d| after_each(t, "\u{200b}\u{200d}\u{feff}\u{2060}", d), 100, 100),
    (
        "direction, hyphen",
        Letters,
        |t, d| after_each(t, "\u{202e}\u{2066}\u{200f}\u{ad}", d),
        100,
        100,
    ),
    (
        "selectors and tags",
        Letters,
        |t, d| after_each(t, "\u{fe0f}\u{e0100}\u{e0061}", d),
        100,
        100,
    ),
    ("control characters", Letters, |t, d| after_each(t, "\0\u{7}\u{7f}", d), 100, 100),
    ("marks", Letters, |t, d| after_each(t, "\u{301}\u{336}\u{20dd}\u{e31}\u{1cd0}", d), 100, 100),
    ("zero width in Han", Han, |t, d| after_each(t, "\u{200b}\u{fe0f}\u{336}", d), 100, 100),
    ("traditional", Han, |t, _| traditional(t), 100, 100),
    ("Cyrillic", Letters, |t, d| replace(t, CYRILLIC, d, 2), 0, 95),
    ("Greek", Letters, |t, d| replace(t, GREEK, d, 2), 0, 95),
    ("capital I for l", Letters, |t, _| [&t[..1], &t[1..].replace('l', "I")].concat(), 0, 95),
    ("small capitals", Letters, |t, d| replace(t, SMALL, d, 99), 0, 95),
    ("spaced", Letters, |t, _| between(t, " "), 0, 95),
    ("spaced capitals", Letters, |t, _| between(&t.to_uppercase(), " "), 0, 95),
    ("wide and spaced", Letters, |t, _| between(&shift(t, 'ａ'), "　"), 0, 95),
    ("dots", Letters, |t, _| between(t, "."), 0, 95),
    ("dots and spaces", Letters, |t, _| between(t, " . "), 0, 95),
    ("underscores", Letters, |t, _| between(t, "_"), 0, 95),
    ("emoji", Letters, |t, d| between(t, d.pick(&["❤", "😂", "✨"])), 0, 95),
    (
        "one symbol",
        Letters,
        |t, d| {
            let s = d.pick(&["*", "_", "-", "~"]);
            inside(t, s, d)
        },
        0,
        95,
    ),
    (
        "one stretched",
        Letters,
        |t, d| {
            let n = 3 + d.roll(5);
            stretch(t, n, d)
        },
        0,
        95,
    ),
    ("one doubled", Letters, |t, d| stretch(t, 2, d), 0, 95),
    ("one digit", Letters, |t, d| replace(t, DIGITS, d, 1), 0, 90),
    ("two digits", Letters, |t, d| replace(t, DIGITS, d, 2), 0, 90),
    ("one leet symbol", Letters, |t, d| replace(t, SYMBOLS, d, 1), 0, 90),
    ("two leet symbols", Letters, |t, d| replace(t, SYMBOLS, d, 2), 0, 90),
    (
        "look-alike, zero width",
        Letters,
        |t, d| {
            let t = replace(t, CYRILLIC, d, 1);
            after_each(&t, "\u{200b}", d)
        },
        0,
        95,
    ),
    ("symbols in Han", Han, |t, d| between(t, d.pick(&["*", "#", "|", "_", "·"])), 0, 95),
    ("one Han thrice", Han, |t, d| stretch(t, 3, d), 0, 95),
    ("every Han doubled", Han, |t, _| t.chars().flat_map(|c| [c, c]).collect(), 0, 95),
    ("spaced Han", Han, |t, _| between(t, " "), 0, 95),
    ("lines of one Han", Han, |t, _| between(t, "\n"), 0, 95),
    ("masked letter", SevereLetters, |t, d| starred(t, d), 0, 95),
    ("spaced Han, severe", SevereHan, |t, _| between(t, " "), 0, 95),
    ("lines of one Han, severe", SevereHan, |t, _| between(t, "\n"), 0, 95),
    ("emoji in Han, severe", SevereHan, |t, d| between(t, d.pick(&["❤", "😂", "✨"])), 0, 95),
    ("letters in Han, severe", SevereHan, |t, d| between(t, d.pick(&["v", "x", "k"])), 0, 95),
];

const CASES: usize = 300;

#[test]
#[expect(clippy::print_stdout, reason = "the table is what one runs this for")]
fn what_evasion_does_is_undone() {
    let mut finder = Finder::default();
    let mut dice = Dice(0x51_7C_C1_B7_27_22_0A_95);
    let mut failures = Vec::new();
    println!("{:<30} plain both gated exact", "technique");
    for (name, terms, disguise, plain_min, both_min) in ROWS {
        let han = matches!(terms, Han | SevereHan);
        let severe = matches!(terms, SevereHan | SevereLetters);
        let mut found = [0; 3];
        let mut exact = 0;
        for _ in 0..CASES {
            let term = if han { dice.pick(&HAN) } else { dice.pick(&WORDS) };
            let carrier = if han { dice.pick(&CHINESE) } else { dice.pick(&ENGLISH) };
            let typed = disguise(term, &mut dice);
            let edges: Vec<usize> = carrier.match_indices(' ').map(|(at, _)| at).collect();
            let text = if han {
                let ends: Vec<usize> = carrier.char_indices().map(|(at, _)| at).collect();
                let (before, after) = carrier.split_at(dice.pick(&ends));
                [before, &typed, after].concat()
            } else {
                let (before, after) = carrier.split_at(dice.pick(&edges));
                format!("{before} {typed}{after}")
            };
            for (count, views) in found.iter_mut().zip([Views::Plain, Views::Both, Views::Gated]) {
                let span = finder.find(&text, term, severe, views);
                *count += usize::from(span.is_some());
                exact +=
                    usize::from(views == Views::Both && span.as_deref() == Some(typed.as_str()));
            }
        }
        let [plain, both, gated] = found.map(|count| count * 100 / CASES);
        println!("{name:<30} {plain:>5} {both:>4} {gated:>5} {:>5}", exact * 100 / CASES);
        if plain < plain_min || both < both_min || gated < both {
            failures.push(format!("{name}: plain {plain} %, tight {both} %, gated {gated} %"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn ordinary_text_is_left_alone() {
    let mut finder = Finder::default();
    let innocents = [
        "cunt", "asses", "sexp", "whore", "hell", "lass", "shell", "coon", "cock", "anal", "rape",
        "penis", "tits", "slut", "dick", "ball", "well", "shot",
    ];
    let han =
        ["黄片", "操你", "你好我", "大家吃", "枪药", "微信", "三滥片", "多钱", "哪你", "好明"];
    for carrier in ENGLISH.iter().chain(&CHINESE) {
        for term in WORDS.iter().chain(&HAN).chain(&innocents).chain(&han) {
            if *term == "well" && carrier.contains("well") {
                continue;
            }
            let hit = finder.find(carrier, term, false, Views::Both);
            assert_eq!(hit, None, "{term} in {carrier}");
        }
    }
}
