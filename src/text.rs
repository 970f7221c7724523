//! Folded views of text, with exact maps back to what was typed.
//!
//! Whoever evades a list writes a word differently without making it unreadable. A view folds such
//! ways of writing into one, and knows for every byte of the folded text where it came from, so
//! that masks and evidence quote what the user typed. Entries of lists pass through the very same
//! functions as messages: that is the one invariant everything here rests on.

mod chars;
mod contact;
mod links;
mod lookalike;
mod mask;
mod signs;
mod sound;
mod suspects;
mod table;
mod tight;
mod variants;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use chars::{is_han, is_word_char};
pub use contact::contacts;
pub use links::{Link, domains, links};
pub use mask::mask;
pub use signs::Signs;
pub use sound::Sound;
pub use suspects::{Suspects, SuspectsBuilder};
pub use tight::{Tight, TightEntry};
pub use variants::{Refusal, Technique, variants};
pub use view::{View, fold};
