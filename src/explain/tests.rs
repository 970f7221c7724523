use super::{STRIDE, Utf16};

/// Counted from its start for every hit, a field full of hits took seconds.
#[test]
fn places_in_utf_16_are_those_that_counting_gives() {
    let units = |text: &str| text.encode_utf16().count();
    for text in ["", "a", "微信", "e\u{301}😀x"] {
        for times in [1, 60, STRIDE] {
            let text = text.repeat(times);
            let utf16 = Utf16::of(&text);
            let bytes = (0..=text.len()).filter(|at| text.is_char_boundary(*at));
            for at in bytes {
                assert_eq!(
                    utf16.at(at),
                    text.get(..at).map_or(0, units),
                    "{at} of {} bytes",
                    text.len()
                );
            }
        }
    }
}
