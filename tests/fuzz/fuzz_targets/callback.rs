//! See `callback` of the bodies.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::callback(data));
