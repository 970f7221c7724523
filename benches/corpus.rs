//! Made-up lists and messages for the benches, the same on every run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quell::rulebook::{Options, Rulebook, Sources, Timestamp};

/// A small generator of numbers, so that the corpus never changes with a dependency.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const SYLLABLES: [&str; 40] = [
    "ba", "ko", "tri", "mel", "son", "dar", "vex", "pli", "gor", "nis", "tam", "rel", "zu", "qui",
    "far", "lo", "pen", "sta", "hur", "wex", "cal", "dim", "rop", "sil", "jen", "mox", "ter",
    "bru", "nal", "fop", "gli", "yar", "vun", "esk", "ilt", "orm", "und", "ack", "ift", "umb",
];

const ENGLISH: [&str; 16] = [
    "what a great stream tonight, thank you so much for playing",
    "can you play that song again please, it was really nice",
    "hello from the other side of the world, it is 3am here",
    "I missed the first half, did anything happen so far?",
    "the new camera looks amazing, which one did you buy",
    "lol that was so close, one more try and you have it",
    "see you all tomorrow, good night and sleep well everyone",
    "does anybody know when the next event is going to start",
    "my internet is slow today, the picture freezes all the time",
    "congratulations on ten thousand followers, well deserved",
    "which level is this, I never got past the second boss",
    "the sound is a bit low on my side, is it just me?",
    "she said the recipe needs two eggs and a cup of flour",
    "first time here, really enjoying the music so far",
    "moderators are doing a good job in this chat, thanks",
    "where did you get that jacket, it looks so warm",
];

const CHINESE: [&str; 16] = [
    "今天的直播真好看，主播辛苦了谢谢大家",
    "刚进来，请问前面讲到哪里了有人知道吗",
    "这首歌叫什么名字，特别好听想下载",
    "我这边画面有点卡，是不是网络的问题呢",
    "明天还播吗，几点开始我一定准时来",
    "哈哈哈太搞笑了，笑得肚子疼停不下来",
    "恭喜主播粉丝破万，继续加油我们支持你",
    "请问这个游戏在哪里下载，手机能玩吗",
    "声音有点小，能不能把音量调大一点点",
    "第一次来你的直播间，感觉氛围很不错",
    "晚安各位，我先去睡了明天还要上班呢",
    "这道菜看起来好好吃，求做法和配料表",
    "主播唱得真好，再来一首吧大家想听",
    "外面下雨了，你那边天气怎么样冷不冷",
    "刚才那个操作太厉害了，我看了三遍",
    "新来的朋友点点关注，不迷路哦谢谢",
];

/// Han characters that compounds are made of: common ones, as in real lists.
const HAN: &str = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处";

/// `count` different entries, about two thirds Han, as lines of a list.
pub(crate) fn entries(count: usize, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let han: Vec<char> = HAN.chars().collect();
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < count {
        let mut entry = String::new();
        if dice.below(100) < 66 {
            for _ in 0..3 + dice.below(4) {
                entry.push(*dice.pick(&han));
            }
        } else {
            for _ in 0..3 + dice.below(3) {
                entry.push_str(dice.pick::<&str>(&SYLLABLES));
            }
        }
        chosen.insert(entry);
    }
    chosen.into_iter().fold(String::new(), |mut lines, entry| {
        writeln!(lines, "{entry}").unwrap();
        lines
    })
}

/// Ordinary messages of 40 to 60 bytes.
pub(crate) fn messages(chinese: bool) -> &'static [&'static str] {
    if chinese { &CHINESE } else { &ENGLISH }
}

/// A rule directory with one list of `count` entries in `view` and `rules` rules.
pub(crate) fn sources(count: usize, rules: usize, view: &str) -> Sources {
    let mut toml = format!("[list.words]\nfile = \"words.txt\"\nview = \"{view}\"\n");
    toml.push_str("[[rule]]\nid = \"words\"\nwhen.lists = \"words\"\nthen.verdict = \"deny\"\n");
    let mut dice = Dice::new(7);
    for rule in 1..rules {
        let a: String = (0..4).map(|_| *dice.pick(&SYLLABLES)).collect();
        let b: String = (0..4).map(|_| *dice.pick(&SYLLABLES)).collect();
        writeln!(
            toml,
            "[list.l{rule}]\nentries = [\"{a}x{rule}\", \"{b}y{rule}\"]\n[[rule]]\nid = \"r{rule}\"\n\
             scope = {{ group_types = [\"Live\", \"Public\"] }}\nwhen.lists = \"l{rule}\"\n\
             then.verdict = \"deny\""
        )
        .unwrap();
    }
    let mut files = BTreeMap::new();
    files.insert("bench.toml".to_owned(), toml.into_bytes());
    files.insert("words.txt".to_owned(), entries(count, 1).into_bytes());
    Sources { files }
}

pub(crate) fn options() -> Options {
    Options {
        clock: || 0,
        now: Timestamp(1_795_392_000),
        codes: Vec::new(),
        script_limits: quell::rulebook::script::Limits::default(),
        read_sample: quell::sample::read_sample,
    }
}

pub(crate) fn rulebook(count: usize, rules: usize, view: &str) -> Rulebook {
    let (rulebook, report) = Rulebook::compile(&sources(count, rules, view), &options());
    rulebook.unwrap_or_else(|| panic!("{:?}", report.diagnostics))
}
