//! What an edit costs: compiling a rulebook by the size of its list.

use std::hint::black_box;
use std::time::Duration;

use crate::corpus;
use criterion::{BenchmarkId, Criterion};
use quell::rulebook::Rulebook;

pub(crate) fn reload(c: &mut Criterion) {
    let mut group = c.benchmark_group("reload");
    group.sample_size(10).warm_up_time(Duration::from_millis(100));
    group.measurement_time(Duration::from_secs(3));
    for count in [1_000, 10_000, 100_000] {
        let sources = corpus::sources(count, 20, "plain");
        let options = corpus::options();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| black_box(Rulebook::compile(&sources, &options)));
        });
    }
    group.finish();
}
