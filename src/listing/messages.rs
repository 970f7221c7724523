//! The texts in a file of messages.

use super::Input;
use super::decode::decode;

/// A table in which no column is known to hold texts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no column is named `text`, `content` or `message`; its first row has: {0}")]
pub struct NoMessages(String);

/// Names of the column with the texts.
const NAMES: [&str; 12] = [
    "text", "content", "message", "msg", "body", "comment", "sentence", "文本", "内容", "消息",
    "评论", "正文",
];

/// The texts in a file: those in a column of a `.csv` or `.tsv` table with a header row, else one
/// a line. Blank ones are no messages.
pub fn messages(input: &Input) -> Result<Vec<String>, NoMessages> {
    let decoded = decode(&input.bytes);
    let filled = |text: &&str| !text.trim().is_empty();
    let delimiter = match input.extension().as_deref() {
        Some("csv") => b',',
        Some("tsv") => b'\t',
        _ => return Ok(decoded.text.lines().filter(filled).map(str::to_owned).collect()),
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(decoded.text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let is_text = |name: &str| NAMES.contains(&name.trim().to_lowercase().as_str());
    let Some(column) = header.iter().position(is_text) else {
        let names: Vec<&str> = header.iter().collect();
        return Err(NoMessages(names.join(", ")));
    };
    let records = reader.records().filter_map(Result::ok);
    let cells = records.filter_map(|record| record.get(column).map(str::to_owned));
    Ok(cells.filter(|cell| filled(&cell.as_str())).collect())
}
