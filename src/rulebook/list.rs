//! Keyword lists: from a `.txt` or `.csv` file to entries.
//!
//! `.txt` holds one entry a line; lines that start with `#` are comments. `.csv` has a header row
//! with `term` and any of `match, view, unless, expires, owner, note`.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Place, Sink, suggest};
use super::source::{MATCHINGS, Matching, VIEWS};
use super::{Timestamp, quotes};
use crate::verdict::ViewKind;

/// One line of a list, as written.
#[derive(Debug)]
pub(crate) struct EntrySource<'t> {
    /// The whole term, operators and wildcards included.
    pub(crate) text: Cow<'t, str>,
    /// Byte range in the file.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) matching: Option<Matching>,
    pub(crate) view: Option<ViewKind>,
    /// Phrases from the `unless` column, separated by `|`.
    pub(crate) unless: Option<String>,
    pub(crate) expires: Option<Timestamp>,
}

impl<'t> EntrySource<'t> {
    pub(crate) fn plain(text: Cow<'t, str>, start: usize, end: usize) -> Self {
        Self { text, start, end, matching: None, view: None, unless: None, expires: None }
    }

    pub(crate) fn place(&self, file: &Arc<str>) -> Place {
        Place::new(file, self.start..self.end)
    }
}

/// One term of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term<'e> {
    pub(crate) text: &'e str,
    /// `*` before it: the left end matches anywhere.
    pub(crate) open_left: bool,
    /// `*` after it: the right end matches anywhere.
    pub(crate) open_right: bool,
}

/// An entry taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms<'e> {
    /// All must be in the message.
    pub(crate) all: Vec<Term<'e>>,
    /// None may be in the message.
    pub(crate) unless: Vec<Term<'e>>,
}

/// Takes `A & B ~ C` apart. The operators need a space on both sides, so `AT&T` is one term.
pub(crate) fn terms(entry: &str) -> Terms<'_> {
    let mut parts = entry.split(" ~ ");
    let all = parts.next().unwrap_or_default().split(" & ").map(term).collect();
    Terms { all, unless: parts.map(term).collect() }
}

/// Reads the `*` at either end of a term.
pub(crate) fn term(text: &str) -> Term<'_> {
    let text = text.trim();
    // A term of stars only is a term, not a wildcard.
    if text.chars().all(|c| c == '*') {
        return Term { text, open_left: false, open_right: false };
    }
    let (text, open_left) = text.strip_prefix('*').map_or((text, false), |rest| (rest, true));
    let (text, open_right) = text.strip_suffix('*').map_or((text, false), |rest| (rest, true));
    Term { text, open_left, open_right }
}

/// Reads a `.txt` list.
pub(crate) fn read_text(text: &str) -> Vec<EntrySource<'_>> {
    let mut entries = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let entry = line.trim();
        if !entry.is_empty() && !entry.starts_with('#') {
            let indent = line.len() - line.trim_start().len();
            let from = start + indent;
            entries.push(EntrySource::plain(Cow::Borrowed(entry), from, from + entry.len()));
        }
        start += line.len();
    }
    entries
}

const COLUMNS: [&str; 7] = ["term", "match", "view", "unless", "expires", "owner", "note"];

/// Reads a `.csv` list.
pub(crate) fn read_csv(file: &Arc<str>, text: &str, sink: &mut Sink) -> Vec<EntrySource<'static>> {
    let whole = text;
    let text = readable(file, whole, sink);
    if text.is_empty() && !whole.is_empty() {
        return Vec::new();
    }
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let Some([Some(term_column), matching, view, unless, expires, ..]) =
        columns(file, text, &header, sink)
    else {
        return Vec::new();
    };
    let width = filled(&header);
    let mut entries = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let at = error.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(0));
                sink.error(&Place::new(file, at..at), "csv-syntax", error.to_string())
                    .help("open it in a spreadsheet and save it again as CSV");
                continue;
            }
        };
        let start = record.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(0));
        let rest = text.get(start..).unwrap_or_default();
        let start = start + (rest.len() - rest.trim_start().len());
        let end = start + rest.trim_start().find('\n').unwrap_or(rest.trim_start().len());
        let cells = filled(&record);
        if cells > width {
            let what = format!("this line has {cells} cells, the first row names {width}");
            sink.error(&Place::new(file, start..end), "extra-cell", what)
                .help("put a term with a comma in it between quotes: \"buy now, pay later\"");
            continue;
        }
        let place = |column: Option<usize>| {
            Place::new(file, cell_span(text, start..end, &record, column.unwrap_or_default()))
        };
        let cell = |column: Option<usize>| {
            column.and_then(|column| record.get(column)).filter(|cell| !cell.is_empty())
        };
        let Some(term) = cell(Some(term_column)) else { continue };
        let mut entry = EntrySource::plain(Cow::Owned(term.to_owned()), start, end);
        entry.matching = word(cell(matching), "match", &MATCHINGS, &place(matching), sink);
        entry.view = word(cell(view), "view", &VIEWS, &place(view), sink);
        entry.unless = cell(unless).map(str::to_owned);
        entry.expires = cell(expires).and_then(|date| {
            if let Some(day) = day(date) {
                Some(day)
            } else {
                sink.error(&place(expires), "bad-date", format!("`{date}` is not a date"))
                    .help("write it as 2027-01-31");
                None
            }
        });
        entries.push(entry);
    }
    entries
}

/// How many cells a row has, empty ones at its end left out.
fn filled(row: &csv::StringRecord) -> usize {
    let empty = row.iter().rev().take_while(|cell| cell.is_empty()).count();
    row.len() - empty
}

/// The text up to the line with a quote that is not closed, which would swallow all after it.
fn readable<'t>(file: &Arc<str>, text: &'t str, sink: &mut Sink) -> &'t str {
    let Some(at) = quotes::stray(text, b',') else { return text };
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let line = rest.lines().next().unwrap_or_default();
    let what = "a quote opens here and is not closed at the end of a cell".to_owned();
    sink.error(&Place::new(file, at..at + line.len()), "csv-syntax", what).help(
        "close it; a quote that belongs to the text is written twice, in a cell between quotes: \
         \"a \"\"free\"\" gift\"",
    );
    before.get(..before.rfind('\n').map_or(0, |end| end + 1)).unwrap_or_default()
}

/// Which column holds what; nothing if there is no `term`.
fn columns(
    file: &Arc<str>,
    text: &str,
    header: &csv::StringRecord,
    sink: &mut Sink,
) -> Option<[Option<usize>; COLUMNS.len()]> {
    let start = text.len() - text.trim_start().len();
    let first_line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let line = start..start + first_line.len();
    let place = |index| Place::new(file, cell_span(text, line.clone(), header, index));
    let mut columns = [None; COLUMNS.len()];
    let mut unknown = Vec::new();
    for (index, name) in header.iter().enumerate() {
        let known = COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name));
        match known.and_then(|known| columns.get_mut(known)) {
            Some(Some(_)) => {
                let what = format!("column `{name}` is named twice");
                sink.error(&place(index), "duplicate-column", what)
                    .help("remove one of the two; a `note` takes what is worth keeping");
            }
            Some(slot) => *slot = Some(index),
            None if name.is_empty() => {}
            None => unknown.push((index, name)),
        }
    }
    if columns.first().is_none_or(Option::is_none) {
        if let Some(separator) = first_line.chars().find(|c| matches!(c, ';' | '\t')) {
            let what = format!("the columns are separated by `{}`", separator.escape_default());
            sink.error(&Place::new(file, line), "missing-column", what)
                .help("save it again with commas between the columns");
        } else {
            sink.error(&Place::new(file, line), "missing-column", "the first row has no `term`".to_owned())
                .help("the first row of a .csv list names its columns: term, match, view, unless, expires, owner, note");
        }
        return None;
    }
    for (index, name) in unknown {
        sink.error(&place(index), "unknown-column", format!("no column is named `{name}`"))
            .help(suggest(name, COLUMNS));
    }
    Some(columns)
}

/// Where a cell stands in the line of its record; the whole line where that is not plain to see.
fn cell_span(
    text: &str,
    line: Range<usize>,
    record: &csv::StringRecord,
    column: usize,
) -> Range<usize> {
    let mut at = line.start;
    for (index, cell) in record.iter().enumerate().take(column + 1) {
        let Some(found) = text.get(at..line.end).and_then(|rest| rest.find(cell)) else {
            return line;
        };
        let start = at + found;
        at = start + cell.len();
        if index == column {
            return start..at;
        }
    }
    line
}

fn word<T: Copy>(
    cell: Option<&str>,
    column: &str,
    words: &[(&'static str, T)],
    place: &Place,
    sink: &mut Sink,
) -> Option<T> {
    let cell = cell?;
    let found = words.iter().find(|(name, _)| name.eq_ignore_ascii_case(cell));
    if found.is_none() {
        sink.error(place, "unknown-value", format!("`{column}` cannot be `{cell}`"))
            .help(suggest(cell, words.iter().map(|(name, _)| *name)));
    }
    found.map(|(_, value)| *value)
}

/// The moment a day starts in UTC; also accepts a full date-time with offset.
pub(crate) fn day(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(moment.as_second()));
    }
    // Spreadsheets like to write 2027/1/31.
    let mut parts = text.split(['-', '/']).map(str::parse::<i16>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let zoned = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(zoned.timestamp().as_second()))
}

/// The text of a file of a rule directory: UTF-8, or GB18030 with a notice. A byte order mark is
/// dropped.
pub(crate) fn decode(file: &Arc<str>, bytes: &[u8], sink: &mut Sink) -> Arc<str> {
    let (text, encoding) = text(bytes);
    let place = Place::new(file, 0..0);
    match encoding {
        Encoding::Utf8 => {}
        Encoding::Gb18030 => {
            let what = "the file is not UTF-8; it was read as GB18030".to_owned();
            sink.note(&place, "encoding", what).help("save it as UTF-8 to be sure");
        }
        Encoding::Unknown => {
            let what = "the file is neither UTF-8 nor GB18030".to_owned();
            sink.error(&place, "encoding", what).help("save it as UTF-8");
        }
    }
    Arc::from(text)
}

/// How the bytes of a file are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Gb18030,
    Unknown,
}

/// The text that bytes stand for: offsets of diagnostics count in this.
pub(crate) fn text(bytes: &[u8]) -> (Cow<'_, str>, Encoding) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return (Cow::Borrowed(text), Encoding::Utf8);
    }
    let (text, malformed) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
    (text, if malformed { Encoding::Unknown } else { Encoding::Gb18030 })
}
