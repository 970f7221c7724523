//! The benches: `cargo bench -- judge`, `-- gate`, `-- reload`.
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

criterion::criterion_group!(benches, judge::judge, gate::gate, reload::reload);
criterion::criterion_main!(benches);
