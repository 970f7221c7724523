//! What judging one message costs: sizes of the list against kinds of text.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench"
)]

mod corpus;

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use quell::message::{Field, Kind, KindSet, Message};
use quell::rulebook::{Facts, Scratch, Timestamp};

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

fn judge(c: &mut Criterion) {
    for view in ["plain"] {
        let mut group = c.benchmark_group(format!("judge/{view}"));
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        for count in [10, 1_000, 10_000, 100_000] {
            let rulebook = corpus::rulebook(count, 20, view);
            for (language, chinese) in [("zh", true), ("en", false)] {
                let messages: Vec<Message<'_>> =
                    corpus::messages(chinese).iter().map(|text| message(text)).collect();
                let mut scratch = Scratch::default();
                let facts = Facts::default();
                group.throughput(Throughput::Elements(1));
                group.bench_function(BenchmarkId::new(language, count), |b| {
                    let mut at = 0;
                    b.iter(|| {
                        at = (at + 1) % messages.len();
                        black_box(rulebook.judge(
                            black_box(&messages[at]),
                            &facts,
                            Timestamp(0),
                            &mut scratch,
                        ))
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, judge);
criterion_main!(benches);
