//! The benches: `cargo bench -- judge`, `-- matcher`, `-- gate`, `-- wire`, `-- reload`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench"
)]

mod corpus;
mod gate;
mod judge;
mod reload;
mod wire;

criterion::criterion_group!(
    benches,
    judge::judge,
    judge::million,
    judge::rules,
    judge::hostile,
    judge::matcher,
    gate::gate,
    reload::reload,
    wire::wire
);
criterion::criterion_main!(benches);
