//! From the text of a dirty list to its entries, as written.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::rulebook::stray_quote;

/// One entry as it was read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) term: String,
    /// From 1.
    pub(super) line: usize,
    pub(super) columns: Columns,
    /// Why the line is no row of Quell's own format; `term` is then all of it.
    pub(super) fault: Option<String>,
}

/// What else a list in Quell's own format says about an entry, as written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) matching: String,
    pub(super) view: String,
    pub(super) unless: String,
    pub(super) expires: String,
    pub(super) owner: String,
    pub(super) note: String,
}

/// What is in one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) entries: Vec<Raw>,
    pub(super) blank_lines: usize,
    pub(super) comment_lines: usize,
    /// Cells that repeat down a column, such as a category: kept as the note of their entry.
    pub(super) label_cells: usize,
    /// It is a list in Quell's own format.
    pub(super) own: bool,
}

/// How the parts of a line are set apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One entry a line, or several.
    Text,
    /// Comma-separated, perhaps with quotes and a header.
    Csv,
    /// The same with tabs.
    Tsv,
}

/// Names of the column with the entries, beside `term`.
const TERM_NAMES: [&str; 14] = [
    "word",
    "words",
    "keyword",
    "keywords",
    "text",
    "entry",
    "phrase",
    "词",
    "词语",
    "词条",
    "词汇",
    "敏感词",
    "关键词",
    "关键字",
];
/// Names of columns that may stand beside it in a header.
const LABEL_NAMES: [&str; 16] = [
    "id", "category", "type", "level", "label", "severity", "score", "weight", "class", "tag",
    "分类", "类别", "类型", "级别", "等级", "标签",
];
/// A column repeats itself when at most one row in five brings something new.
const ROWS_PER_LABEL: usize = 5;
/// Fewer rows do not show what a column is.
const LABELLED_ROWS_MIN: usize = 10;

#[derive(Debug)]
struct Row {
    line: usize,
    cells: Vec<String>,
    /// It has a quote that is not closed.
    stray_quote: bool,
}

/// Reads a list.
pub(super) fn read(text: &str, format: Format) -> Content {
    let blank_lines = text.lines().filter(|line| line.trim().is_empty()).count();
    let mut content = Content { blank_lines, ..Content::default() };
    let mut rows = match format {
        Format::Text => text_rows(text),
        Format::Csv => table_rows(text, b','),
        Format::Tsv => table_rows(text, b'\t'),
    };
    rows.retain(|row| {
        let comment = row.cells.first().is_some_and(|first| is_comment(first));
        content.comment_lines += usize::from(comment);
        !comment
    });
    let Some(header) = rows.first().and_then(Header::read) else {
        let labels = label_columns(&rows);
        for row in &rows {
            plain_row(row, &labels, &mut content);
        }
        return content;
    };
    content.own = header.own;
    for row in rows.iter().skip(1) {
        header.row(row, &mut content);
    }
    content
}

/// `#!`, `# words`, `## words` and `// words`; but `#tag` and `//host` are entries.
fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    let rest = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#'));
    rest.or_else(|| line.strip_prefix("//"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '!', '-', '=']))
}

fn text_rows(text: &str) -> Vec<Row> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let whole = is_comment(line) || looks_like_regex(line);
            let cells = if whole {
                vec![line.to_owned()]
            } else {
                line.split([',', '\t']).map(str::to_owned).collect()
            };
            Row { line: index + 1, cells, stray_quote: false }
        })
        .collect()
}

/// A quote that is not closed would swallow the lines after it: its line is read as it stands.
fn table_rows(text: &str, delimiter: u8) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(at) = stray_quote(rest, delimiter) {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = after.find('\n').map_or(rest.len(), |end| at + end + 1);
        line = records(rest.get(..start).unwrap_or_default(), delimiter, true, line, &mut rows);
        line = records(rest.get(start..end).unwrap_or_default(), delimiter, false, line, &mut rows);
        rest = rest.get(end..).unwrap_or_default();
    }
    records(rest, delimiter, true, line, &mut rows);
    rows
}

/// Reads the rows of a text that begins on this line, and says on which line it ends.
fn records(
    text: &str,
    delimiter: u8,
    quoting: bool,
    mut line: usize,
    rows: &mut Vec<Row>,
) -> usize {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .quoting(quoting)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let lines = |range: Range<usize>| text.get(range).unwrap_or_default().matches('\n').count();
    let mut counted = 0;
    for record in reader.records().filter_map(Result::ok) {
        // Where the reader stands still lies before blank lines, and before the second half of a
        // line end; its own count of lines lags as much.
        let byte = record.position().map_or(0, csv::Position::byte);
        let byte = usize::try_from(byte).unwrap_or(text.len());
        let rest = text.get(byte..).unwrap_or_default();
        let start = text.len() - rest.trim_start_matches(['\r', '\n']).len();
        line += lines(counted..start);
        counted = start;
        if record.iter().any(|cell| !cell.trim().is_empty()) {
            let cells = record.iter().map(str::to_owned).collect();
            rows.push(Row { line, cells, stray_quote: !quoting });
        }
    }
    line + lines(counted..text.len())
}

/// Takes apart what several entries in one cell are set apart with.
fn pieces(cell: &str) -> Vec<&str> {
    if looks_like_regex(cell) {
        return vec![cell];
    }
    let mut pieces = Vec::new();
    for piece in cell.split('|') {
        // 真、善、忍 is one entry; of more than single characters it is several.
        let parts: Vec<&str> = piece.split(['、', '，', ';', '；']).map(str::trim).collect();
        let single = |part: &&str| !part.is_empty() && part.chars().nth(1).is_none();
        if !piece.contains("://") && !is_entity_list(piece) && !parts.iter().any(single) {
            pieces.extend(parts);
        } else {
            pieces.push(piece);
        }
    }
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

/// `&#20013;&#22269;` ends in semicolons that set nothing apart.
fn is_entity_list(piece: &str) -> bool {
    piece.contains('&') && piece.contains(';')
}

/// Something only a regular expression has.
pub(super) fn looks_like_regex(text: &str) -> bool {
    let escaped = ["\\d", "\\w", "\\s", "\\b", "\\S", "\\D", "\\W", "\\."];
    let marks = [".*", ".+", ".?", "(?", "[^", "]+", "]*", "){", "]{", ".{"];
    let group = text.contains('(') && text.contains('|') && text.contains(')');
    let class =
        text.find('[').is_some_and(|from| text.get(from..).is_some_and(|t| t.contains(']')));
    group || class || escaped.iter().chain(&marks).any(|mark| text.contains(mark))
}

fn plain_row(row: &Row, labels: &BTreeSet<usize>, content: &mut Content) {
    let is_label = |index: usize| labels.contains(&index);
    let note: Vec<&str> = row
        .cells
        .iter()
        .enumerate()
        .filter(|(index, cell)| is_label(*index) && !cell.trim().is_empty())
        .map(|(_, cell)| cell.trim())
        .collect();
    content.label_cells += note.len();
    let note = note.join("; ");
    for (_, cell) in row.cells.iter().enumerate().filter(|(index, _)| !is_label(*index)) {
        for piece in pieces(cell) {
            let columns = Columns { note: note.clone(), ..Columns::default() };
            let entry = Raw { term: piece.to_owned(), line: row.line, columns, fault: None };
            content.entries.push(entry);
        }
    }
}

/// The columns after the first that repeat themselves, where nearly all rows are equally long.
fn label_columns(rows: &[Row]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let wide = rows.iter().map(filled).filter(|width| *width > 1).min().unwrap_or(0);
    let even = rows.iter().filter(|row| filled(row) == wide).count();
    if wide < 2 || rows.len() < LABELLED_ROWS_MIN || even * 10 < rows.len() * 9 {
        return found;
    }
    for index in 1..wide {
        let cells = || rows.iter().filter_map(|row| row.cells.get(index)).map(|cell| cell.trim());
        let different = cells().collect::<BTreeSet<_>>().len();
        let numbers = cells().all(|cell| cell.parse::<f64>().is_ok() || cell.is_empty());
        if numbers || different * ROWS_PER_LABEL <= rows.len() {
            found.insert(index);
        }
    }
    found
}

/// How many cells a row has, empty ones at its end left out.
fn filled(row: &Row) -> usize {
    row.cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
}

/// A first row that names its columns.
#[derive(Debug)]
struct Header {
    names: Vec<String>,
    term: usize,
    /// It is one of Quell's own lists: a cell is an entry, whatever is in it.
    own: bool,
}

impl Header {
    fn read(row: &Row) -> Option<Self> {
        let names: Vec<String> = row.cells.iter().map(|cell| cell.trim().to_lowercase()).collect();
        let own = names.iter().position(|name| name == "term");
        let term = own.or_else(|| foreign(&names))?;
        Some(Self { names, term, own: own.is_some() })
    }

    fn row(&self, row: &Row, content: &mut Content) {
        if let Some(fault) = self.fault(row) {
            let (term, fault) = (row.cells.join(","), Some(fault));
            let columns = Columns::default();
            content.entries.push(Raw { term, line: row.line, columns, fault });
            return;
        }
        let mut columns = Columns::default();
        let mut notes = Vec::new();
        for (index, (name, cell)) in self.names.iter().zip(&row.cells).enumerate() {
            // A note over several lines becomes one: what is written keeps one entry a line.
            let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
            if index == self.term || cell.is_empty() {
                continue;
            }
            // A column named again is not read as that.
            let own = self.own && self.names.iter().position(|first| first == name) == Some(index);
            match name.as_str() {
                "match" if own => columns.matching = cell,
                "view" if own => columns.view = cell,
                "unless" if own => columns.unless = cell,
                "expires" if own => columns.expires = cell,
                "owner" if own => columns.owner = cell,
                "note" if own => notes.push(cell),
                _ => {
                    content.label_cells += 1;
                    notes.push(format!("{name}: {cell}"));
                }
            }
        }
        columns.note = notes.join("; ");
        let Some(cell) = row.cells.get(self.term) else { return };
        let terms = if self.own { vec![cell.as_str()] } else { pieces(cell) };
        for piece in terms.into_iter().filter(|piece| !piece.trim().is_empty()) {
            let columns = columns.clone();
            let entry = Raw { term: piece.to_owned(), line: row.line, columns, fault: None };
            content.entries.push(entry);
        }
        // A row that is longer than the header: what is beyond it may be entries.
        for cell in row.cells.iter().skip(self.names.len()) {
            for piece in pieces(cell) {
                let columns = Columns::default();
                let entry = Raw { term: piece.to_owned(), line: row.line, columns, fault: None };
                content.entries.push(entry);
            }
        }
    }

    /// What keeps the cells of a row of one of Quell's own lists from being told apart.
    fn fault(&self, row: &Row) -> Option<String> {
        if !self.own {
            return None;
        }
        if row.stray_quote {
            return Some("a quote opens and is not closed at the end of a cell".to_owned());
        }
        let width = self.names.iter().rposition(|name| !name.is_empty()).map_or(0, |at| at + 1);
        let cells = filled(row);
        (cells > width).then(|| {
            format!(
                "it has {cells} cells, the first row names {width}; put a term with a comma in \
                 it between quotes"
            )
        })
    }
}

/// The column of the entries in a header that is not Quell's.
fn foreign(names: &[String]) -> Option<usize> {
    let term = |name: &String| TERM_NAMES.contains(&name.as_str());
    let header =
        |name: &String| term(name) || name.is_empty() || LABEL_NAMES.contains(&name.as_str());
    // A list may well begin with the entry `word`.
    let lone = names.len() < 2 && names.iter().all(|name| name.is_ascii());
    if lone || !names.iter().all(header) { None } else { names.iter().position(term) }
}
