//! The engine against a slow reference on made-up pairs of lists and messages.
//!
//! The pairs lean to the hard cases: entries inside and across one another, entries equal once
//! folded, characters that expand, compose or vanish, and seams between fields. `QUELL_PAIRS` says
//! how many to try, `QUELL_SEED` where to begin. A failure is cut down to what is needed for it;
//! those of the past stay in `cases`.

mod cases;
#[path = "../../src/text/view/tests/reference.rs"]
mod folding;
mod maker;
mod reference;
mod tight;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;

use quell::message::{Field, Kind, KindSet, Message};
use quell::rulebook::{Facts, Rulebook, Scratch, Sources, Timestamp};
use quell::verdict::{Judgement, Span, ViewKind};

use crate::rulebooks;
use maker::Maker;
use reference::{Entry, Found, List, Looked, Matching, Term, Text};

/// Messages tried against one set of lists.
const MESSAGES: usize = 20;
const DAY: i64 = 24 * 60 * 60;

/// One set of lists, a message, and the day of November 2026 it is judged on.
#[derive(Debug, Clone)]
struct Pair {
    lists: Vec<List>,
    fields: Vec<(String, bool)>,
    today: u8,
}

fn render_term(term: &Term) -> String {
    let star = |open| if open { "*" } else { "" };
    [star(term.open.0), &term.text, star(term.open.1)].concat()
}

/// Some entries have their exceptions in a column of their own.
fn has_column(entry: &Entry) -> bool {
    entry.matching.is_some()
}

/// An entry as it is written in a list, without what stands in other columns.
fn render_entry(entry: &Entry) -> String {
    let all: Vec<String> = entry.all.iter().map(render_term).collect();
    let unless = entry.unless.iter().filter(|_| !has_column(entry));
    let unless = unless.map(|term| format!(" ~ {}", render_term(term)));
    [all.join(" & "), unless.collect()].concat()
}

fn matching(matching: Matching) -> &'static str {
    match matching {
        Matching::Auto => "auto",
        Matching::Word => "word",
        Matching::Anywhere => "anywhere",
    }
}

fn looked(looked: Looked) -> &'static str {
    match looked {
        Looked::Plain => "plain",
        Looked::Tight => "tight",
        Looked::Sound => "sound",
    }
}

/// A rule directory with these lists and one rule that masks what they find.
fn sources(lists: &[List]) -> Sources {
    let mut sources = Sources::default();
    let mut rules = String::new();
    let names = |numbers: &mut dyn Iterator<Item = usize>| -> String {
        numbers.map(|number| format!("\"l{number}\"")).collect::<Vec<_>>().join(",")
    };
    for (number, list) in lists.iter().enumerate() {
        let mut csv = "term,unless,match,view,expires\n".to_owned();
        for entry in &list.entries {
            let term = render_entry(entry).replace('"', "\"\"");
            let unless = entry.unless.iter().filter(|_| has_column(entry)).map(render_term);
            let unless = unless.collect::<Vec<_>>().join(" | ").replace('"', "\"\"");
            let matching = entry.matching.map(matching).unwrap_or_default();
            let looked = entry.looked.map(looked).unwrap_or_default();
            let expires = entry.expires.map(|day| format!("2026-11-{day:02}")).unwrap_or_default();
            writeln!(csv, "\"{term}\",\"{unless}\",{matching},{looked},{expires}").unwrap();
        }
        sources.files.insert(format!("l{number}.csv"), csv.into_bytes());
        writeln!(
            rules,
            "[list.l{number}]\nfile = \"l{number}.csv\"\nmatch = \"{}\"\nview = \"{}\"\nalways = true",
            matching(list.matching),
            looked(list.looked),
        )
        .unwrap();
        if !list.allow.is_empty() {
            writeln!(rules, "allow = [{}]", names(&mut list.allow.iter().copied())).unwrap();
        }
    }
    writeln!(
        rules,
        "[[rule]]\nid = \"r\"\ntitle = \"r\"\ncategory = \"r\"\nwhen.lists = [{}]\nthen.verdict = \"mask\"",
        names(&mut (0..lists.len())),
    )
    .unwrap();
    sources.files.insert("rules.toml".to_owned(), rules.into_bytes());
    sources
}

fn compile(lists: &[List]) -> Rulebook {
    let (rulebook, report) = rulebooks::compile(&sources(lists));
    rulebook.unwrap_or_else(|| {
        let found: Vec<String> = report.diagnostics.iter().map(ToString::to_string).collect();
        panic!("{}\n{lists:#?}", found.join("\n"))
    })
}

fn message(fields: &[(String, bool)]) -> Message<'_> {
    let kinds = KindSet::of(Kind::Text);
    let field = |(index, (text, joined)): (usize, &'_ (String, bool))| Field {
        element: u32::try_from(index).ok(),
        ordinal: 0,
        kinds,
        path: "Text".into(),
        text: text.clone().into(),
        joined: *joined,
    };
    Message {
        sender: "someone".into(),
        elements: vec![Kind::Text; fields.len()],
        kinds,
        fields: fields.iter().enumerate().map(field).collect(),
        ..Message::default()
    }
}

fn judge(rulebook: &Rulebook, pair: &Pair, scratch: &mut Scratch) -> Judgement {
    // Half a day past midnight, so that a day is expired from its start on.
    let now = Timestamp(rulebooks::NOW.0 + (i64::from(pair.today) - 23) * DAY + DAY / 2);
    rulebook.judge(&message(&pair.fields), &Facts::default(), now, scratch)
}

/// What the engine found, as the reference tells it; its tight hits apart.
fn found(pair: &Pair, judgement: &Judgement) -> (Vec<Found>, Vec<Found>) {
    let mut found: Vec<Found> = Vec::new();
    let mut tight: Vec<Found> = Vec::new();
    for hit in judgement.fired.iter().flat_map(|firing| &firing.hits) {
        let list: usize =
            hit.list.as_ref().and_then(|name| name.strip_prefix('l')).unwrap().parse().unwrap();
        let entries = &pair.lists[list].entries;
        let entry = entries.iter().position(|entry| render_entry(entry) == *hit.entry).unwrap();
        let Span { field, range } = hit.span.clone();
        let into = if hit.view == ViewKind::Tight { &mut tight } else { &mut found };
        into.push((list, entry, hit.view == ViewKind::Sound, field, range));
    }
    found.sort_by_key(|(list, entry, sound, field, range)| {
        (*list, *entry, *sound, *field, range.start, range.end)
    });
    (found, tight)
}

/// The bytes of each field that are masked, one by one.
fn masked<'a>(spans: impl Iterator<Item = &'a Span>) -> Vec<(usize, usize)> {
    let mut bytes: Vec<(usize, usize)> =
        spans.flat_map(|span| span.range.clone().map(|byte| (span.field, byte))).collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes
}

/// What is wrong with the engine's judgement of a pair, if anything.
fn fault(rulebook: &Rulebook, pair: &Pair, scratch: &mut Scratch) -> Option<String> {
    let judgement = judge(rulebook, pair, scratch);
    if judgement != judge(rulebook, pair, &mut Scratch::default()) {
        return Some("judging again differs".to_owned());
    }
    let hits = judgement.fired.iter().flat_map(|firing| &firing.hits);
    for span in hits.clone().map(|hit| &hit.span) {
        let typed = pair.fields.get(span.field).and_then(|(text, _)| text.get(span.range.clone()));
        if typed.is_none_or(str::is_empty) {
            return Some(format!("{span:?} is no stretch of the text"));
        }
    }
    if masked(hits.map(|hit| &hit.span)) != masked(judgement.masks.iter()) {
        return Some(format!("masks {:?}", judgement.masks));
    }
    let (found, tight) = found(pair, &judgement);
    let expected = reference::search(&pair.lists, &Text::new(&pair.fields), pair.today);
    if found != expected {
        return Some(format!("found {found:?}\nexpected {expected:?}"));
    }
    tight
        .iter()
        .find(|hit| !tight::is_disguise(pair, hit))
        .map(|hit| format!("{hit:?} is no disguise"))
}

fn fault_of(pair: &Pair) -> Option<String> {
    fault(&compile(&pair.lists), pair, &mut Scratch::default())
}

/// Everything that is one step simpler.
fn simpler(pair: &Pair) -> Vec<Pair> {
    let mut steps = Vec::new();
    let mut step = |change: &dyn Fn(&mut Pair)| {
        let mut simpler = pair.clone();
        change(&mut simpler);
        steps.push(simpler);
    };
    for (l, list) in pair.lists.iter().enumerate() {
        for e in 0..list.entries.len() {
            step(&|pair| drop(pair.lists[l].entries.remove(e)));
        }
        if !list.allow.is_empty() {
            step(&|pair| pair.lists[l].allow.clear());
        }
    }
    for (f, (text, _)) in pair.fields.iter().enumerate() {
        if pair.fields.len() > 1 {
            step(&|pair| drop(pair.fields.remove(f)));
        }
        for (at, _) in text.char_indices() {
            step(&|pair| {
                pair.fields[f].0.remove(at);
            });
        }
    }
    steps
}

/// The pair cut down as far as it still fails.
fn minimise(mut pair: Pair) -> Pair {
    while let Some(smaller) = simpler(&pair).into_iter().find(|pair| fault_of(pair).is_some()) {
        pair = smaller;
    }
    pair
}

#[track_caller]
fn check(pair: &Pair) {
    if let Some(fault) = fault_of(pair) {
        let lists: Vec<String> = sources(&pair.lists)
            .files
            .into_iter()
            .map(|(path, bytes)| format!("{path}:\n{}", String::from_utf8(bytes).unwrap()))
            .collect();
        panic!("{}\n{:?} on day {}\n{fault}", lists.join("\n"), pair.fields, pair.today);
    }
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Tries pairs whose lists are looked for as `looked` says.
fn run(views: &[Looked], share: u64) {
    let sets = number("QUELL_PAIRS", 6_000).div_ceil(share) / u64::try_from(MESSAGES).unwrap();
    let seed = number("QUELL_SEED", 0);
    let mut scratch = Scratch::default();
    let mut hits: BTreeMap<ViewKind, u64> = BTreeMap::new();
    for set in seed..seed + sets {
        let mut maker = Maker::new(set);
        let lists = maker.lists(views);
        let rulebook = compile(&lists);
        for _ in 0..MESSAGES {
            let fields = maker.fields(&lists);
            let pair = Pair { lists: lists.clone(), fields, today: maker.day() };
            if fault(&rulebook, &pair, &mut scratch).is_some() {
                check(&minimise(pair));
                panic!("fails only with what was judged before it, set {set}");
            }
            let judgement = judge(&rulebook, &pair, &mut scratch);
            for hit in judgement.fired.iter().flat_map(|firing| &firing.hits) {
                *hits.entry(hit.view).or_default() += 1;
            }
        }
    }
    // Or the pairs would show nothing.
    let many = |view| hits.get(&view).is_some_and(|hits| *hits > sets);
    let wanted = if views.contains(&Looked::Tight) { ViewKind::Tight } else { ViewKind::Sound };
    assert!(many(ViewKind::Plain) && hits.contains_key(&wanted), "{hits:?} in {sets} sets");
}

#[test]
fn plain_and_sound_hits_are_exact() {
    run(&[Looked::Plain, Looked::Plain, Looked::Sound], 2);
}

/// Here without phrases that cancel, so that each hit stands for itself.
#[test]
fn tight_hits_come_on_top() {
    run(&[Looked::Tight], 2);
}
