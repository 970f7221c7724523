//! What judging one message costs: sizes of the list against kinds of text.

use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::corpus;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use quell::message::{Field, Kind, KindSet, Message};
use quell::rulebook::{Facts, Rulebook, Scratch, Timestamp};

fn message(text: &str) -> Message<'_> {
    Message {
        sender: Cow::Borrowed("someone"),
        elements: vec![Kind::Text],
        kinds: KindSet::of(Kind::Text),
        fields: vec![Field {
            element: Some(0),
            ordinal: 0,
            kinds: KindSet::of(Kind::Text),
            path: Cow::Borrowed("Text"),
            text: Cow::Borrowed(text),
            joined: false,
        }],
        ..Message::default()
    }
}

/// Judges `messages` in turn.
fn turns(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    rulebook: &Rulebook,
    messages: &[Message<'_>],
) {
    let mut scratch = Scratch::live();
    let facts = Facts::default();
    let mut messages = messages.iter().cycle();
    group.bench_function(id, |b| {
        b.iter(|| {
            let message = black_box(messages.next().expect("there are some"));
            black_box(rulebook.judge(message, &facts, Timestamp(0), &mut scratch))
        });
    });
}

fn group<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.sample_size(30);
    group
}

/// Ordinary messages of about 60 bytes against lists of growing size.
pub(crate) fn judge(c: &mut Criterion) {
    for view in ["plain", "tight"] {
        let mut group = group(c, &format!("judge/{view}"));
        for count in [10, 1_000, 10_000, 100_000] {
            let rulebook = corpus::rulebook(count, 20, view);
            for (language, chinese) in [("zh", true), ("en", false)] {
                let messages: Vec<_> =
                    corpus::messages(chinese).iter().map(|text| message(text)).collect();
                turns(&mut group, BenchmarkId::new(language, count), &rulebook, &messages);
            }
        }
        group.finish();
    }
}

/// The same against a million entries, which take a while to make: only when asked for by name.
#[expect(clippy::print_stdout, reason = "how long it took is of interest, too")]
pub(crate) fn million(c: &mut Criterion) {
    if !std::env::args().any(|argument| argument == "million") {
        return;
    }
    for view in ["plain", "tight"] {
        let mut group = group(c, &format!("judge/million/{view}"));
        let begun = Instant::now();
        let rulebook = corpus::rulebook(1_000_000, 20, view);
        println!("compiled and checked in {:.1} s", begun.elapsed().as_secs_f64());
        for (language, chinese) in [("zh", true), ("en", false)] {
            let messages: Vec<_> =
                corpus::messages(chinese).iter().map(|text| message(text)).collect();
            turns(&mut group, BenchmarkId::from_parameter(language), &rulebook, &messages);
        }
        group.finish();
    }
}

/// A message that hits nothing against a growing number of rules with a list each.
pub(crate) fn rules(c: &mut Criterion) {
    let mut group = group(c, "judge/rules");
    let messages: Vec<_> = corpus::messages(true)
        .iter()
        .chain(corpus::messages(false))
        .map(|text| message(text))
        .collect();
    for count in [10, 100, 1_000, 10_000] {
        let rulebook = corpus::rulebook(1_000, count, "plain");
        turns(&mut group, BenchmarkId::from_parameter(count), &rulebook, &messages);
    }
    group.finish();
}

/// Twelve kilobytes, the most a message may have, of what costs most.
pub(crate) fn hostile(c: &mut Criterion) {
    let mut group = group(c, "judge/hostile");
    let rulebook = corpus::rulebook(100_000, 20, "tight");
    let of = |unit: &str| unit.repeat(12_288 / unit.len());
    let texts = [
        ("separators", of(". * ")),
        ("letters set apart", of("a.b-c d*")),
        ("zalgo", of("a\u{301}\u{302}\u{303}\u{304}")),
        ("one letter", of("a")),
        ("homoglyphs", of("аеорсух")),
        ("han set apart", of("今*天*的*")),
        ("digits", of("①2三4")),
        ("dots", of("a.b.c.")),
    ];
    for (name, text) in &texts {
        let messages = [message(text)];
        turns(&mut group, BenchmarkId::from_parameter(name), &rulebook, &messages);
    }
    group.finish();
}

/// The automaton alone, against the fastest one known for this work.
pub(crate) fn matcher(c: &mut Criterion) {
    let mut group = group(c, "matcher");
    for count in [10_000, 100_000] {
        let entries = corpus::entries(count, 1);
        let texts: Vec<&str> =
            corpus::messages(true).iter().chain(corpus::messages(false)).copied().collect();
        let ours = aho_corasick::AhoCorasick::builder()
            .kind(Some(aho_corasick::AhoCorasickKind::ContiguousNFA))
            .build(entries.lines())
            .expect("the entries are few");
        let theirs: daachorse::CharwiseDoubleArrayAhoCorasick<u32> =
            daachorse::CharwiseDoubleArrayAhoCorasick::new(entries.lines())
                .expect("the entries differ");
        let mut turn = texts.iter().cycle();
        group.bench_function(BenchmarkId::new("aho-corasick", count), |b| {
            b.iter(|| ours.find_overlapping_iter(turn.next().expect("some")).count());
        });
        group.bench_function(BenchmarkId::new("daachorse", count), |b| {
            b.iter(|| theirs.find_overlapping_iter(turn.next().expect("some")).count());
        });
    }
    group.finish();
}
