//! What kind of character it is, as far as matching cares.

use super::table::{class, table};

/// Is it a Han character?
pub fn is_han(char: char) -> bool {
    table().row(char).is(class::HAN)
}

/// Does it continue a token of an alphabetic script? Letters and digits do; Han, kana, hangul,
/// Thai and other scripts written without spaces do not.
pub fn is_word_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || table().row(char).is(class::WORD)
}
