//! Folded views of text, with exact maps back to what was typed.
