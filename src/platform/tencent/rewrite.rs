//! The rewritten parts of a masked message.
//!
//! The body is gone through again, counting string values as [`super::elements`] does; those that
//! are masked are replaced, and every byte beside them stays as it was sent.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use super::elements::REST;
use super::wire;
use crate::message::{Field, Kind, KindSet, Message};
use crate::verdict::Span;

/// The leaves of media elements that the platform does not let a reply change.
const FIXED: [&str; 7] = ["Url", "URL", "UUID", "VideoUrl", "VideoUUID", "ThumbUrl", "ThumbUUID"];

/// The parts of a reply that rewrite a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// The whole `MsgBody`, if anything in it changed.
    pub(super) body: Option<String>,
    /// `CloudCustomData` as a JSON string, if it changed.
    pub(super) custom: Option<String>,
}

/// The message cannot be delivered with everything masked that must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unmaskable;

/// What to do with one string value.
struct Edit {
    element: Option<u32>,
    ordinal: u32,
    text: String,
}

/// Everything a rewrite goes by, each list in order of element and ordinal.
struct Plan {
    edits: Vec<Edit>,
    opened: Vec<(Option<u32>, u32)>,
}

/// Masks `masks` in `message`, which was read from `body`.
pub(super) fn rewrite(
    body: &str,
    message: &Message<'_>,
    opened: &[(Option<u32>, u32)],
    masks: &[Span],
    mask: char,
) -> Result<Rewritten, Unmaskable> {
    let mut plan = Plan { edits: edits(message, masks, mask)?, opened: opened.to_vec() };
    let mut rewritten = Rewritten::default();
    if plan.edits.is_empty() {
        return Ok(rewritten);
    }
    plan.edits.sort_unstable_by_key(|edit| (edit.element, edit.ordinal));
    plan.opened.sort_unstable();
    let entries = wire::lenient::object(body).map_err(|_| Unmaskable)?;
    if plan.edits.iter().any(|edit| edit.element.is_some()) {
        let raw = only(&entries, "MsgBody")?;
        rewritten.body = Some(elements(raw, &plan).ok_or(Unmaskable)?);
    }
    if plan.edits.iter().any(|edit| edit.element.is_none()) {
        let raw = only(&entries, "CloudCustomData")?;
        if !raw.get().starts_with('"') {
            return Err(Unmaskable);
        }
        let mut out = String::new();
        splice(raw.get(), None, &plan, &mut 0, &mut out).ok_or(Unmaskable)?;
        rewritten.custom = Some(out);
    }
    Ok(rewritten)
}

/// The value of a key that stands only once: of several, it is not known which one is delivered.
fn only<'a>(
    entries: &[(Cow<'_, str>, &'a RawValue)],
    key: &str,
) -> Result<&'a RawValue, Unmaskable> {
    let mut values = entries.iter().filter(|(name, _)| name == key).map(|(_, raw)| *raw);
    match (values.next(), values.next()) {
        (Some(raw), None) => Ok(raw),
        _ => Err(Unmaskable),
    }
}

/// The new text of each masked field.
fn edits(message: &Message<'_>, masks: &[Span], mask: char) -> Result<Vec<Edit>, Unmaskable> {
    let mut edits = Vec::new();
    for spans in masks.chunk_by(|a, b| a.field == b.field) {
        let Some(field) = spans.first().and_then(|span| message.fields.get(span.field)) else {
            continue;
        };
        if field.ordinal == REST {
            return Err(Unmaskable);
        }
        if is_fixed(field) {
            continue;
        }
        edits.push(Edit {
            element: field.element,
            ordinal: field.ordinal,
            text: mask_text(&field.text, spans.iter().map(|span| span.range.clone()), mask),
        });
    }
    Ok(edits)
}

fn is_fixed(field: &Field<'_>) -> bool {
    let media =
        [Kind::Sound, Kind::Image, Kind::File, Kind::Video].into_iter().collect::<KindSet>();
    let key = field.path.rsplit('.').next().unwrap_or_default();
    field.kinds.meets(media) && FIXED.contains(&key)
}

/// Rewrites the elements of a `MsgBody`.
fn elements(raw: &RawValue, plan: &Plan) -> Option<String> {
    let json = raw.get();
    let mut out = String::with_capacity(json.len());
    if !json.starts_with('[') {
        splice(json, Some(0), plan, &mut 0, &mut out)?;
        return Some(out);
    }
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    for (index, element) in (0u32..).zip(elements) {
        out.push(if index == 0 { '[' } else { ',' });
        if plan.edits.iter().any(|edit| edit.element == Some(index)) {
            splice(element.get(), Some(index), plan, &mut 0, &mut out)?;
        } else {
            out.push_str(element.get());
        }
    }
    out.push(']');
    Some(out)
}

/// Copies `json` with its string values replaced as planned; `ordinal` is the number of the first.
/// Says whether anything was replaced; `None` if `json` is not what was read.
fn splice(
    json: &str,
    element: Option<u32>,
    plan: &Plan,
    ordinal: &mut u32,
    out: &mut String,
) -> Option<bool> {
    let mut changed = false;
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let (literal, after) = from.split_at_checked(string_end(from)?)?;
        rest = after;
        if after.trim_ascii_start().starts_with(':') {
            out.push_str(literal);
            continue;
        }
        let number = *ordinal;
        *ordinal += 1;
        if plan.opened.binary_search(&(element, number)).is_ok() {
            let inside: Cow<'_, str> = serde_json::from_str(literal).ok()?;
            let mut new = String::with_capacity(inside.len());
            if splice(&inside, element, plan, ordinal, &mut new)? {
                out.push_str(&serde_json::to_string(&new).ok()?);
                changed = true;
                continue;
            }
        }
        let edit = plan
            .edits
            .binary_search_by_key(&(element, number), |edit| (edit.element, edit.ordinal))
            .ok()
            .and_then(|at| plan.edits.get(at));
        match edit {
            Some(edit) => {
                out.push_str(&serde_json::to_string(&edit.text).ok()?);
                changed = true;
            }
            None => out.push_str(literal),
        }
    }
    out.push_str(rest);
    Some(changed)
}

/// The length of the string literal that begins `json`, quotes and all.
fn string_end(json: &str) -> Option<usize> {
    let mut escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

/// Puts `mask` in place of each character in `ranges`, sorted and not overlapping; what is drawn
/// onto or between characters goes with them.
fn mask_text(text: &str, ranges: impl Iterator<Item = Range<usize>>, mask: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        let (start, end) = (range.start.max(at), range.end);
        let (Some(before), Some(inside)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        out.push_str(before);
        out.extend(inside.chars().filter(|c| !is_attached(*c)).map(|_| mask));
        // A mark on the last masked character would otherwise land on the mask.
        let after = text.get(end..).unwrap_or_default();
        at = text.len() - after.trim_start_matches(is_attached).len();
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Is `c` drawn onto another character, or not at all?
fn is_attached(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5BD}'
        | '\u{64B}'..='\u{65F}' | '\u{E31}' | '\u{E34}'..='\u{E3A}' | '\u{E47}'..='\u{E4E}'
        | '\u{180B}'..='\u{180F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{20D0}'..='\u{20FF}' | '\u{302A}'..='\u{302F}' | '\u{3099}' | '\u{309A}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{FEFF}'
        | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0000}'..='\u{E0FFF}')
}
