//! Laws of judging, on random rulebooks and messages.
//!
//! The alphabet is small, so that lists, messages and allow-phrases meet often. How many cases
//! each law gets is set by `PROPTEST_CASES`; `QUELL_LAWS_PAIRS` sets the pairs of rulebook and
//! message of the long run, whose seed is fixed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use quell::message::Message;
use quell::rulebook::{Facts, Rulebook, Sample, Scratch, Sources};
use quell::sample::read_sample;
use quell::verdict::{Judgement, Verdict};

use crate::rulebooks::{self, NOW};

/// Terms of entries, which messages are made of too: Han, Latin, and what folds to the same.
const TERMS: [&str; 10] =
    ["ab", "加微", "微信", "卖c", "abc", "c1", "AB c", "加\u{200b}信", "賣ab", "信息"];
/// What stands between terms, and what only some conditions look for.
const FILLERS: [&str; 8] = [" ", "c", "1", "信", "ａ", "е", "。", "13800138000"];
/// Phrases that hold terms.
const PHRASES: [&str; 8] =
    ["加微信", "abc1", "ab c", "卖c1", "微信息", "加信息", "ab abc", "c1 ab"];
/// `Data` of custom elements.
const DATA: [&str; 3] = [r#"{"a":2,"b":"加微信"}"#, r#"{"a":1}"#, "ab"];
const VERDICTS: [&str; 4] = ["allow", "mask", "deny", "discard"];
const SCRIPT: &str = "fn judge(message, facts) {
    if message.text.len() > 9 { score(2) } else { message.text.len() > 4 }
}";
/// Messages that each rulebook is tried on.
const MESSAGES: usize = 12;
const PAIRS: usize = 600;

/// A list with its entries and, perhaps, phrases that excuse them.
#[derive(Debug, Clone)]
struct List {
    entries: Vec<String>,
    allow: Vec<String>,
    view: &'static str,
}

#[derive(Debug, Clone)]
struct Rule {
    /// Lines of `scope` and `when`.
    conditions: Vec<String>,
    mode: &'static str,
    verdict: &'static str,
    score: i64,
    rollout: u8,
}

#[derive(Debug, Clone)]
struct Book {
    lists: Vec<List>,
    rules: Vec<Rule>,
    thresholds: BTreeMap<u8, &'static str>,
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        2 => prop::sample::select(TERMS.to_vec()),
        2 => prop::sample::select(FILLERS.to_vec()),
        1 => prop::sample::select(PHRASES.to_vec()),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn term() -> impl Strategy<Value = &'static str> {
    prop::sample::select(TERMS.to_vec())
}

fn phrase() -> impl Strategy<Value = String> {
    prop::sample::select(PHRASES.to_vec()).prop_map(str::to_owned)
}

fn entry() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => term().prop_map(str::to_owned),
        1 => (term(), term()).prop_map(|(a, b)| format!("{a} & {b}")),
        1 => (term(), term()).prop_map(|(a, b)| format!("{a} ~ {b}")),
        1 => term().prop_map(|term| format!("{term}*")),
    ]
}

fn list() -> impl Strategy<Value = List> {
    let entries = prop::collection::vec(entry(), 1..5);
    let view = prop::sample::select(vec!["plain", "tight", "sound"]);
    (entries, prop::collection::vec(phrase(), 0..2), view).prop_map(|(entries, allow, view)| List {
        entries,
        allow,
        view,
    })
}

fn condition(lists: usize) -> impl Strategy<Value = String> {
    let lists = prop::collection::vec(0..lists, 1..3);
    let named = lists.prop_map(|lists| {
        let names: Vec<String> = lists.iter().map(|list| format!("\"list{list}\"")).collect();
        format!("lists = [{}]", names.join(", "))
    });
    prop_oneof![
        12 => named.clone().prop_map(|lists| format!("when.{lists}")),
        2 => Just("when.regex = ['ab+', '加.']".to_owned()),
        1 => Just("when.length = { min = 3 }".to_owned()),
        1 => Just("when.length = { max = 6 }".to_owned()),
        1 => Just("when.mentions = { max = 0 }".to_owned()),
        1 => Just("when.elements = { min = 2 }".to_owned()),
        1 => Just("when.writing = [\"Han\"]".to_owned()),
        1 => Just("when.time = { from = \"00:00\", to = \"12:00\" }".to_owned()),
        1 => Just("when.contact_number = true".to_owned()),
        1 => Just("when.links = true".to_owned()),
        1 => Just("when.json = { path = \"Data.a\", above = 1 }".to_owned()),
        1 => Just("when.script = \"long.rhai\"".to_owned()),
        2 => named.clone().prop_map(|lists| format!("when.unless = {{ {lists} }}")),
        1 => named.clone().prop_map(|l| format!("when.any = [{{ {l} }}, {{ regex = 'c1' }}]")),
        1 => named.prop_map(|l| format!("when.all = [{{ {l} }}, {{ length = {{ min = 2 }} }}]")),
        1 => Just("scope = { senders = [\"ana\", \"bo\"] }".to_owned()),
        1 => Just("scope = { except_group_types = [\"Live\"] }".to_owned()),
        1 => Just("on = [\"TIMTextElem\"]".to_owned()),
    ]
}

fn rule(lists: usize) -> impl Strategy<Value = Rule> {
    (
        prop::collection::vec(condition(lists), 1..3),
        prop::sample::select(vec!["enforce", "enforce", "enforce", "shadow", "off"]),
        prop_oneof![
            9 => prop::sample::select(VERDICTS.to_vec()),
            1 => Just("exempt"),
        ],
        -3_i64..6,
        prop::sample::select(vec![100, 100, 50, 0]),
    )
        .prop_map(|(mut conditions, mode, verdict, score, rollout)| {
            // A key can be there once.
            let key = |line: &str| line.split(" =").next().unwrap_or_default().to_owned();
            conditions.sort_by_key(|line| key(line));
            conditions.dedup_by_key(|line| key(line));
            let finds = conditions.iter().any(|line| {
                ["when.lists", "when.regex", "when.links", "when.script", "when.any", "when.all"]
                    .contains(&key(line).as_str())
            });
            // What finds no words has nothing to mask.
            let verdict = if verdict == "mask" && !finds { "deny" } else { verdict };
            Rule { conditions, mode, verdict, score, rollout }
        })
}

fn book() -> impl Strategy<Value = Book> {
    prop::collection::vec(list(), 1..4).prop_flat_map(|lists| {
        let verdicts = prop::sample::select(vec!["allow", "deny", "discard"]);
        let thresholds = prop::collection::btree_map(1_u8..12, verdicts, 0..3);
        let rules = prop::collection::vec(rule(lists.len()), 1..7);
        (Just(lists), rules, thresholds).prop_map(|(lists, rules, thresholds)| Book {
            lists,
            rules,
            thresholds,
        })
    })
}

fn sample() -> impl Strategy<Value = Sample> {
    (
        prop::collection::vec(text(), 1..3),
        prop::option::of(prop::sample::select(DATA.to_vec())),
        prop::sample::select(vec!["ana", "bo", "cy", "di"]),
        prop::sample::select(vec!["Public", "Live"]),
    )
        .prop_map(|(texts, data, sender, group_type)| Sample {
            texts,
            data: data.map(str::to_owned),
            sender: Some(sender.to_owned()),
            group_type: Some(group_type.to_owned()),
            ..Sample::default()
        })
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec(sample(), MESSAGES)
}

fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", texts.join(", "))
}

impl Book {
    fn list(&self, index: usize) -> String {
        let list = &self.lists[index];
        let mut text = format!("[list.list{index}]\nview = \"{}\"\n", list.view);
        writeln!(text, "entries = {}", quoted(&list.entries)).unwrap();
        if !list.allow.is_empty() {
            writeln!(text, "allow = \"allow{index}\"\n[list.allow{index}]").unwrap();
            writeln!(text, "entries = {}", quoted(&list.allow)).unwrap();
        }
        text
    }

    fn rule(&self, index: usize) -> String {
        let Rule { conditions, mode, verdict, score, rollout } = &self.rules[index];
        let conditions = conditions.join("\n");
        format!(
            "[[rule]]\nid = \"rule{index}\"\nmode = \"{mode}\"\nrollout = {rollout}\n{conditions}\n\
             then.verdict = \"{verdict}\"\nthen.score = {score}\n"
        )
    }

    /// One file for each list, rule and threshold.
    fn files(&self) -> Vec<String> {
        let lists = (0..self.lists.len()).map(|index| self.list(index));
        let rules = (0..self.rules.len()).map(|index| self.rule(index));
        let thresholds = self.thresholds.iter().map(|(score, verdict)| {
            format!("[[threshold]]\nscore = {score}\nverdict = \"{verdict}\"\n")
        });
        lists.chain(rules).chain(thresholds).collect()
    }

    fn compile(&self) -> Rulebook {
        compile([("all.toml", self.files().concat())])
    }
}

#[track_caller]
fn compile<N: Into<String>>(files: impl IntoIterator<Item = (N, String)>) -> Rulebook {
    let mut sources = Sources::default();
    let files = files.into_iter().map(|(name, text)| (name.into(), text.into_bytes()));
    sources.files.extend(files);
    sources.files.insert("long.rhai".to_owned(), SCRIPT.as_bytes().to_vec());
    let (rulebook, report) = rulebooks::compile(&sources);
    rulebook.unwrap_or_else(|| panic!("{:#?}\n{sources:?}", report.diagnostics))
}

/// Judges the messages of a sample; what several make of it is combined.
fn judge_with(rulebook: &Rulebook, sample: &Sample, scratch: &mut Scratch) -> Judgement {
    let mut judgement = None;
    let mut seen = |message: &Message<'_>| {
        judgement = Some(rulebook.judge(message, &Facts::default(), NOW, scratch));
    };
    read_sample(sample, &mut seen).unwrap();
    judgement.unwrap()
}

fn judge(rulebook: &Rulebook, sample: &Sample) -> Judgement {
    judge_with(rulebook, sample, &mut Scratch::default())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..cases(96) })]

    #[test]
    fn order_of_files_and_rules_changes_nothing(
        (book, order) in book().prop_flat_map(|book| {
            let order: Vec<usize> = (0..book.files().len()).collect();
            (Just(book), Just(order).prop_shuffle())
        }),
        samples in samples(),
    ) {
        let files = book.files();
        let one = book.compile();
        // Shuffled over files by name, and shuffled within one file.
        let shuffled = order.iter().map(|file| files[*file].clone());
        let mixed = compile([("all.toml", shuffled.clone().collect())]);
        let names = (0..).map(|name| format!("{name:02}.toml"));
        let apart = compile(names.zip(shuffled));
        for sample in &samples {
            let judgement = judge(&one, sample);
            prop_assert_eq!(&judgement, &judge(&apart, sample));
            prop_assert_eq!(&judgement, &judge(&mixed, sample));
        }
    }

    #[test]
    fn a_shadow_rule_changes_no_verdict(
        book in book(),
        samples in samples(),
        pick in any::<prop::sample::Index>(),
    ) {
        let index = pick.index(book.rules.len());
        let mut shadow = book.clone();
        shadow.rules[index].mode = "shadow";
        let mut without = book.clone();
        without.rules[index].mode = "off";
        let (enforced, shadow, without) = (book.compile(), shadow.compile(), without.compile());
        let rule = &book.rules[index];
        // An exemption, or a score below nothing, is there to make verdicts milder.
        let only_stricter = rule.verdict != "exempt" && rule.score >= 0;
        for sample in &samples {
            let (enforced, shadow, without) =
                (judge(&enforced, sample), judge(&shadow, sample), judge(&without, sample));
            prop_assert_eq!(outcome(&shadow), outcome(&without));
            if only_stricter && falls_with_score(&book) {
                prop_assert!(shadow.verdict <= enforced.verdict);
            }
        }
    }

    #[test]
    fn an_allow_phrase_makes_no_verdict_stricter(
        book in book(),
        samples in samples(),
        pick in any::<prop::sample::Index>(),
        phrase in phrase(),
    ) {
        let mut book = book;
        // Hits are also what keeps `unless` and exemptions from firing.
        for rule in &mut book.rules {
            rule.conditions.retain(|line| !line.starts_with("when.unless"));
            rule.score = rule.score.max(0);
            if rule.verdict == "exempt" || rule.conditions.is_empty() {
                rule.mode = "off";
            }
            if rule.conditions.is_empty() {
                rule.conditions.push("when.length = { min = 1 }".to_owned());
            }
            if rule.verdict == "mask" {
                rule.conditions.push("when.script = \"long.rhai\"".to_owned());
                rule.conditions.sort();
                rule.conditions.dedup();
            }
        }
        let mut samples = samples;
        for sample in samples.iter_mut().step_by(2) {
            sample.texts.push(phrase.clone());
        }
        let index = pick.index(book.lists.len());
        let before = book.compile();
        let mut after = book.clone();
        after.lists[index].allow.push(phrase);
        let after = after.compile();
        for sample in &samples {
            let (before, after) = (judge(&before, sample), judge(&after, sample));
            if falls_with_score(&book) {
                prop_assert!(after.verdict <= before.verdict, "{:?} {:?}", before, after);
            }
        }
    }

    #[test]
    fn judging_is_deterministic(book in book(), samples in samples()) {
        let (once, again) = (book.compile(), book.compile());
        prop_assert_eq!(once.revision(), again.revision());
        deterministic(&once, &again, &samples, &mut Scratch::default())?;
    }

    #[test]
    fn verdicts_combine_in_any_order(a in verdict(), b in verdict(), c in verdict()) {
        prop_assert_eq!(a.combine(b), b.combine(a));
        prop_assert_eq!(a.combine(b).combine(c), a.combine(b.combine(c)));
        prop_assert_eq!(a.combine(a), a);
        prop_assert_eq!(a.combine(Verdict::Allow), a);
        prop_assert!(a.combine(b) >= a);
    }
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(Verdict::ALL.to_vec())
}

fn cases(default: u32) -> Config {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default(),
        None => Config::with_cases(default),
    }
}

/// Is a higher score never a milder verdict? Only the highest threshold that is reached counts.
fn falls_with_score(book: &Book) -> bool {
    let severity = |verdict: &&str| VERDICTS.iter().position(|known| known == verdict);
    book.thresholds.values().map(severity).is_sorted()
}

/// All of a judgement but the evidence.
fn outcome(judgement: &Judgement) -> impl PartialEq + std::fmt::Debug {
    let Judgement { verdict, code, notice, fired, masks, score, flagged, .. } = judgement.clone();
    (verdict, code, notice, fired, masks, score, flagged)
}

/// The judgements of `samples`, which must be the same however they come about.
fn deterministic(
    once: &Rulebook,
    again: &Rulebook,
    samples: &[Sample],
    reused: &mut Scratch,
) -> Result<Vec<Judgement>, TestCaseError> {
    let mut judgements = Vec::new();
    for sample in samples {
        let fresh = judge(once, sample);
        prop_assert_eq!(&fresh, &judge_with(once, sample, reused));
        prop_assert_eq!(&fresh, &judge(again, sample));
        let spans = fresh.fired.iter().chain(&fresh.shadow).flat_map(|firing| &firing.hits);
        for span in spans.map(|hit| &hit.span).chain(&fresh.masks) {
            prop_assert!(span.range.start < span.range.end);
        }
        judgements.push(fresh);
    }
    Ok(judgements)
}

/// One scratch for all rulebooks, as a thread has; the same pairs in every run. Writes the digest
/// of all judgements to the file that `QUELL_LAWS_DIGEST` names.
#[test]
fn judging_is_deterministic_over_many_pairs() {
    let pairs = std::env::var("QUELL_LAWS_PAIRS").ok().and_then(|pairs| pairs.parse().ok());
    let config = Config { failure_persistence: None, ..Config::default() };
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let (book, samples) = (book(), samples());
    let mut scratch = Scratch::default();
    let mut digest = DefaultHasher::new();
    for _ in 0..pairs.unwrap_or(PAIRS).div_ceil(MESSAGES) {
        let book = book.new_tree(&mut runner).unwrap().current();
        let samples = samples.new_tree(&mut runner).unwrap().current();
        let (once, again) = (book.compile(), book.compile());
        let judgements = deterministic(&once, &again, &samples, &mut scratch)
            .unwrap_or_else(|error| panic!("{error}\n{book:#?}\n{samples:#?}"));
        format!("{judgements:?}").hash(&mut digest);
    }
    if let Some(path) = std::env::var_os("QUELL_LAWS_DIGEST") {
        fs::write(path, digest.finish().to_string()).unwrap();
    }
}

/// Hash maps are seeded anew in every process, which must not show.
#[test]
fn every_process_judges_alike() {
    let directory = tempfile::tempdir().unwrap();
    let digests = ["one", "other"].map(|name| {
        let path = directory.path().join(name);
        let done = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "laws::judging_is_deterministic_over_many_pairs"])
            .env("QUELL_LAWS_DIGEST", &path)
            .env("QUELL_LAWS_PAIRS", "120")
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        fs::read_to_string(path).unwrap()
    });
    assert_eq!(digests[0], digests[1]);
}
