//! See `rules` of the bodies.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::rules(data));
