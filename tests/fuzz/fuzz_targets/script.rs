//! See `script` of the bodies.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::script(data));
