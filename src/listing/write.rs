//! The files that come out.

use super::{Entry, Fate, Import};

const COLUMNS: [&str; 7] = ["term", "match", "view", "unless", "expires", "owner", "note"];
/// Spreadsheets take a file for UTF-8 only if it begins with this.
const MARK: &str = "\u{feff}";

/// A list in Quell's format, being written.
#[derive(Debug)]
pub(super) struct Csv(csv::Writer<Vec<u8>>);

impl Csv {
    /// With the header.
    pub(super) fn new() -> Self {
        let mut csv = Self(csv::Writer::from_writer(Vec::new()));
        csv.row(&COLUMNS);
        csv
    }

    /// One row. Writing to memory cannot fail, and all rows have as many cells.
    fn row(&mut self, cells: &[&str; 7]) {
        self.0.write_record(cells).unwrap_or_default();
    }

    /// An entry to be measured.
    pub(super) fn candidate(&mut self, entry: &Entry) {
        let columns = &entry.columns;
        let [matching, view, unless, expires] =
            [&columns.matching, &columns.view, &columns.unless, &columns.expires];
        self.row(&[term(entry), matching, view, unless, expires, "", ""]);
    }

    fn entry(&mut self, entry: &Entry, note: &str) {
        let columns = &entry.columns;
        let [matching, view, unless] = [&columns.matching, &columns.view, &columns.unless];
        // Of what vanished in cleaning the reviewer sees what there was.
        let text = if entry.text.is_empty() { entry.raw.trim() } else { &entry.text };
        self.row(&[text, matching, view, unless, &columns.expires, &columns.owner, note]);
    }

    pub(super) fn into_text(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// What is looked for.
pub(super) fn term(entry: &Entry) -> &str {
    match &entry.fate {
        Fate::Host(host) => host,
        _ => &entry.text,
    }
}

impl Import {
    /// The list of what is kept.
    pub(super) fn list(&self) -> String {
        let mut csv = Csv::new();
        for entry in self.entries.iter().filter(|entry| entry.fate == Fate::Kept) {
            csv.entry(entry, &entry.columns.note);
        }
        format!("{MARK}{}", csv.into_text())
    }

    /// What was set aside, each with why in its note: a line can be moved to the list as it is.
    pub(super) fn review(&self, why: impl Fn(&Entry) -> Option<String>) -> String {
        let mut csv = Csv::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let Some(why) = why(entry) else { continue };
            let mut note = format!("{why} ({})", self.place(number));
            if !entry.columns.note.is_empty() {
                note.push_str("; ");
                note.push_str(&entry.columns.note);
            }
            csv.entry(entry, &note);
        }
        format!("{MARK}{}", csv.into_text())
    }

    /// One host a line.
    pub(super) fn hosts(&self) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            if let Fate::Host(host) = &entry.fate {
                text.push_str(host);
                text.push('\n');
            }
        }
        text
    }
}
