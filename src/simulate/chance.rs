//! Chance that can be had again: the same seed gives the same numbers everywhere.

/// A small generator (`SplitMix64`), not for secrets.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`; 0 if there is none.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let scaled = (self.next() >> 32).wrapping_mul(u64::from(end)) >> 32;
        u32::try_from(scaled).unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of `all`.
    pub(super) fn pick<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let end = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let at = usize::try_from(self.below(end)).unwrap_or(0);
        all.get(at).copied().unwrap_or_default()
    }

    /// So many decimal digits.
    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| self.below(10).to_string()).collect()
    }
}
