//! The functions a script may call, and what they may touch.
//!
//! Of the interpreter's own functions only those are let through that cannot make a large value
//! in one step; text functions are all ours, so that their results are bounded before they exist.

use std::cell::RefCell;
use std::sync::Arc;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, Package,
};
use rhai::{
    Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map, NativeCallContext, Position,
};

use super::check::Needs;
use super::input::{Input, Purse};
use super::{Decision, Limits, Outcome, ScriptFault, meter};
use crate::verdict::Verdict;

/// The longest key of a map, in bytes.
pub(super) const KEY_BYTES: usize = 32;
/// The longest reason kept, in bytes.
const REASON_BYTES: usize = 200;

/// Functions and methods, by what they are for.
const KNOWN: &[&[&str]] = &[
    // Ours: answers and what the rulebook knows of the message.
    &["deny", "discard", "mask", "allow", "score"],
    &["hits", "hits_count", "matched", "links"],
    // Ours: text.
    &["contains", "starts_with", "ends_with", "index_of", "sub_string", "replace", "split", "trim"],
    &["to_upper", "to_lower", "count", "parse_int", "scripts"],
    // Text, arrays and maps alike.
    &["len", "is_empty", "to_string", "type_of", "get", "set", "remove"],
    // Arrays.
    &["push", "pop", "shift", "insert", "truncate", "clear", "extract", "reverse", "sort", "dedup"],
    &["filter", "map", "some", "all", "find", "reduce", "sum"],
    // Maps and ranges.
    &["keys", "values", "range"],
    // Numbers.
    &["abs", "sign", "min", "max", "floor", "ceiling", "round", "sqrt", "to_int", "to_float"],
    &["is_even", "is_odd", "is_zero"],
];

/// Those that make what they work on larger.
const GROWING: [&str; 3] = ["push", "insert", "set"];

/// Words people try, and why they are not there.
const FORBIDDEN: &[(&str, &str)] = &[
    ("eval", "a script runs as it was checked; write it out"),
    ("print", "to show something in the evidence, give a reason: `deny(\"…\")`"),
    ("debug", "to show something in the evidence, give a reason: `deny(\"…\")`"),
    ("import", "shared functions live in `lib.rhai`"),
    ("timestamp", "a script has no clock; counts over time are in `facts`"),
    ("sleep", "a script has no clock"),
    ("rand", "the same message always gets the same answer"),
    ("Fn", "call the function by its name"),
    ("call", "call the function by its name"),
    ("curry", "use a loop; `|x| …` sees its own parameters only"),
    ("pad", "texts are compared here, not laid out"),
];

/// Is this the name of a function that scripts may call?
pub(super) fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Does this function make what it works on larger?
pub(super) fn grows(name: &str) -> bool {
    GROWING.contains(&name)
}

/// All of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|group| group.iter().copied())
}

/// Why a script may not call this function, if people are known to try.
pub(super) fn forbidden(name: &str) -> Option<&'static str> {
    FORBIDDEN.iter().find(|(word, _)| *word == name).map(|(_, why)| *why)
}

/// What the functions of this thread's evaluation answer from.
#[derive(Default)]
pub(super) struct Host {
    lists: Vec<Found>,
    patterns: Vec<String>,
    links: Array,
}

/// What was found of one list: how many in all, and the first of them.
struct Found {
    list: String,
    count: usize,
    texts: Array,
}

thread_local! {
    static HOST: RefCell<Host> = const {
        RefCell::new(Host { lists: Vec::new(), patterns: Vec::new(), links: Array::new() })
    };
}

/// Takes the host back when the evaluation is over, so that no text outlives it.
pub(super) struct Lent(());

impl Drop for Lent {
    fn drop(&mut self) {
        HOST.take();
    }
}

impl Host {
    /// Lends what `needs` asks for to this thread's evaluation.
    pub(super) fn lend(input: &Input<'_>, needs: &Needs, limits: &Limits) -> Option<Lent> {
        if needs.lists.is_empty() && needs.patterns.is_empty() && !needs.links {
            return None;
        }
        let mut host = Self::default();
        for hits in input.hits.iter().filter(|hits| needs.lists.includes(hits.list)) {
            let mut purse = share(limits);
            let texts = hits.texts.iter().map_while(|text| purse.item(text)).collect();
            let count = hits.texts.len();
            host.lists.push(Found { list: hits.list.to_owned(), count, texts });
        }
        if !needs.patterns.is_empty() {
            host.patterns = input.patterns.iter().map(|&name| name.to_owned()).collect();
        }
        if needs.links {
            let mut purse = share(limits);
            host.links = input.links.iter().map_while(|link| purse.item(link)).collect();
        }
        HOST.set(host);
        Some(Lent(()))
    }
}

/// How much of one value what was found may fill: little enough that a script can put a few
/// together, however much a message holds.
fn share(limits: &Limits) -> Purse {
    Purse::new(limits.string_bytes / 8, limits.array_items / 8, 0)
}

fn with_host<T>(ask: impl FnOnce(&Host) -> T) -> T {
    HOST.with_borrow(ask)
}

/// Teaches the engine its vocabulary.
pub(super) fn register(engine: &mut rhai::Engine, limits: &Limits) {
    ArithmeticPackage::new().register_into_engine(engine);
    LogicPackage::new().register_into_engine(engine);
    BasicMathPackage::new().register_into_engine(engine);
    BasicStringPackage::new().register_into_engine(engine);
    BasicIteratorPackage::new().register_into_engine(engine);
    BasicArrayPackage::new().register_into_engine(engine);
    BasicMapPackage::new().register_into_engine(engine);
    for word in ["eval", "Fn"] {
        engine.disable_symbol(word);
    }
    answers(engine);
    knowledge(engine);
    text(engine);
    large_text(engine, limits);
    collections(engine, limits);
}

fn answers(engine: &mut rhai::Engine) {
    for verdict in [Verdict::Deny, Verdict::Discard, Verdict::Allow] {
        engine.register_fn(verdict.name(), move |call: NativeCallContext<'_>| {
            answer(&call, "verdict", verdict.name().into(), None)
        });
        engine.register_fn(verdict.name(), move |call: NativeCallContext<'_>, reason: &str| {
            answer(&call, "verdict", verdict.name().into(), Some(reason))
        });
    }
    engine.register_fn("score", |call: NativeCallContext<'_>, points: i64| {
        answer(&call, "score", points.into(), None)
    });
    engine.register_fn("score", |call: NativeCallContext<'_>, points: i64, reason: &str| {
        answer(&call, "score", points.into(), Some(reason))
    });
    let mask = |call: &NativeCallContext<'_>, list: ImmutableString, reason: Option<&str>| {
        let mut map = answer(call, "verdict", Verdict::Mask.name().into(), reason);
        map.insert("list".into(), list.into());
        map
    };
    engine.register_fn("mask", move |call: NativeCallContext<'_>, list: ImmutableString| {
        mask(&call, list, None)
    });
    engine.register_fn(
        "mask",
        move |call: NativeCallContext<'_>, list: ImmutableString, reason: &str| {
            mask(&call, list, Some(reason))
        },
    );
}

// An answer is a map like any other, so that what a script piles up of them is counted like any
// other value.
fn answer(call: &NativeCallContext<'_>, key: &str, value: Dynamic, reason: Option<&str>) -> Map {
    let mut map = Map::from([(key.into(), value)]);
    if let Some(reason) = reason {
        map.insert("reason".into(), cut(reason, REASON_BYTES).into());
    }
    if let Some(line) = call.call_position().line().and_then(|line| i64::try_from(line).ok()) {
        map.insert("line".into(), line.into());
    }
    map
}

/// What people call values of the interpreter's type of this name.
pub(super) fn kind_of(type_name: &str) -> &'static str {
    match type_name {
        "i64" => "a whole number",
        "f64" => "a number",
        "string" | "char" => "a text",
        "bool" => "true or false",
        "()" => "nothing",
        "array" => "an array",
        "map" => "a map",
        _ => "something else",
    }
}

/// Reads what `judge` returned.
pub(super) fn outcome(value: Dynamic) -> Result<Outcome, ScriptFault> {
    let plain = |decision| Ok(Outcome { decision, reason: None, line: None });
    if value.is_unit() {
        return plain(Decision::Fired(false));
    }
    if let Ok(fired) = value.as_bool() {
        return plain(Decision::Fired(fired));
    }
    let kind = kind_of(value.type_name());
    let Some(map) = value.try_cast::<Map>() else {
        return Err(ScriptFault::WrongResult(kind));
    };
    let text = |key: &str| {
        map.get(key).and_then(|value| value.as_immutable_string_ref().ok()?.parse::<String>().ok())
    };
    let verdict = text("verdict");
    let verdict = Verdict::ALL.into_iter().find(|known| verdict.as_deref() == Some(known.name()));
    let decision = match (verdict, map.get("score").and_then(|score| score.as_int().ok())) {
        (Some(verdict), _) => Decision::Verdict { verdict, list: text("list").map(Arc::from) },
        (None, Some(points)) => Decision::Score(points),
        (None, None) => return Err(ScriptFault::WrongResult("a map")),
    };
    let line = map.get("line").and_then(|line| usize::try_from(line.as_int().ok()?).ok());
    Ok(Outcome { decision, reason: text("reason").map(Arc::from), line })
}

fn knowledge(engine: &mut rhai::Engine) {
    let hits = |list: &str| {
        with_host(|host| {
            host.lists.iter().find(|found| found.list == list).map(|found| found.texts.clone())
        })
        .unwrap_or_default()
    };
    engine.register_fn("hits", hits);
    engine.register_fn("hits_count", |list: &str| {
        number(with_host(|host| {
            host.lists.iter().find(|found| found.list == list).map_or(0, |found| found.count)
        }))
    });
    engine.register_fn("matched", |pattern: &str| {
        with_host(|host| host.patterns.iter().any(|name| name == pattern))
    });
    engine.register_fn("links", || with_host(|host| host.links.clone()));
}

fn text(engine: &mut rhai::Engine) {
    let length = |text: &str| number(read(text).chars().count());
    engine.register_fn("len", length);
    engine.register_get("len", move |text: &mut ImmutableString| length(text));
    engine.register_fn("is_empty", str::is_empty);
    engine.register_fn("contains", |text: &str, part: &str| read(text).contains(part));
    engine.register_fn("contains", |text: &str, part: char| read(text).contains(part));
    engine.register_fn("starts_with", |text: &str, part: &str| text.starts_with(part));
    engine.register_fn("ends_with", |text: &str, part: &str| text.ends_with(part));
    engine.register_fn("index_of", |text: &str, part: &str| match read(text).split_once(part) {
        Some((before, _)) => number(before.chars().count()),
        None => -1,
    });
    engine.register_fn("count", |text: &str, part: &str| match part {
        "" => 0,
        part => number(read(text).matches(part).count()),
    });
    engine.register_fn("trim", |text: &str| ImmutableString::from(read(text).trim()));
    engine.register_fn("sub_string", |text: &str, start: i64| sub_string(text, start, i64::MAX));
    engine.register_fn("sub_string", sub_string);
    engine.register_fn("parse_int", |text: &str| match text.trim().parse::<i64>() {
        Ok(number) => Dynamic::from(number),
        Err(_) => Dynamic::UNIT,
    });
    engine.register_fn("scripts", |text: &str| -> Array {
        meter::spend(text.len().saturating_mul(SCRIPTS.len()));
        let present = |(_, holds): &&(&str, Holds)| text.chars().any(holds);
        SCRIPTS.iter().filter(present).map(|(name, _)| Dynamic::from(*name)).collect()
    });
}

/// Counts the work of going over `text`.
fn read(text: &str) -> &str {
    meter::spend(text.len());
    text
}

type Holds = fn(char) -> bool;

/// Letters of which script, for telling the scripts of a text. Names as in Unicode.
const SCRIPTS: [(&str, Holds); 11] = [
    ("Arabic", |c| matches!(c, '\u{620}'..='\u{64a}' | '\u{671}'..='\u{6d3}')),
    ("Cyrillic", |c| matches!(c, '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}')),
    ("Devanagari", |c| matches!(c, '\u{904}'..='\u{939}' | '\u{958}'..='\u{961}')),
    ("Greek", |c| matches!(c, '\u{370}'..='\u{3ff}') && c.is_alphabetic()),
    ("Han", |c| {
        matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}' | '々' | '〇')
    }),
    (
        "Hangul",
        |c| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7a3}'),
    ),
    ("Hebrew", |c| matches!(c, '\u{5d0}'..='\u{5ea}')),
    ("Hiragana", |c| matches!(c, '\u{3041}'..='\u{3096}')),
    ("Katakana", |c| matches!(c, '\u{30a1}'..='\u{30fa}' | '\u{ff66}'..='\u{ff9d}')),
    ("Latin", |c| {
        c.is_alphabetic()
            && matches!(c, 'A'..='z' | '\u{aa}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff21}'..='\u{ff5a}')
    }),
    ("Thai", |c| matches!(c, '\u{e01}'..='\u{e30}' | '\u{e40}'..='\u{e46}')),
];

/// Text functions whose result can be larger than what they are given.
fn large_text(engine: &mut rhai::Engine, limits: &Limits) {
    let (bytes, parts) = (limits.string_bytes, limits.array_items / 2);
    engine.register_fn("to_upper", |text: &str| ImmutableString::from(read(text).to_uppercase()));
    engine.register_fn("to_lower", |text: &str| ImmutableString::from(read(text).to_lowercase()));
    engine.register_fn("replace", move |text: &str, part: &str, by: &str| {
        let count = if part.is_empty() { 0 } else { read(text).matches(part).count() };
        if text.len().saturating_add(count.saturating_mul(by.len())) > bytes {
            return too_large();
        }
        Ok(ImmutableString::from(if count == 0 { text.to_owned() } else { text.replace(part, by) }))
    });
    // The last part keeps the rest, so that a long message is no fault of the script's.
    engine.register_fn("split", move |text: &str, by: &str| -> Array {
        if by.is_empty() {
            return vec![text.to_owned().into()];
        }
        read(text).splitn(parts, by).map(|part| part.to_owned().into()).collect()
    });
    engine.register_fn("+", |text: ImmutableString, value: i64| text + value.to_string());
    engine.register_fn("+", |value: i64, text: ImmutableString| {
        ImmutableString::from(value.to_string()) + text
    });
}

fn collections(engine: &mut rhai::Engine, limits: &Limits) {
    let entries = limits.map_entries;
    let bounds = limits.clone();
    engine.register_fn(
        "map",
        move |call: NativeCallContext<'_>, array: &mut Array, function: FnPtr| {
            map(&call, array, &function, &bounds)
        },
    );
    engine.register_fn("map", |_: &mut Map, _: FnPtr| -> Mapped {
        let (wanted, found) = ("array".to_owned(), "map".to_owned());
        Err(Box::new(EvalAltResult::ErrorMismatchDataType(wanted, found, Position::NONE)))
    });
    engine.register_fn("set", move |map: &mut Map, key: ImmutableString, value: Dynamic| {
        if key.len() > KEY_BYTES || (map.len() >= entries && !map.contains_key(key.as_str())) {
            return too_large();
        }
        map.insert(key.as_str().into(), value);
        Ok(())
    });
    engine.register_fn("sum", |array: &mut Array| {
        array.iter().try_fold(0_i64, |sum, item| sum.checked_add(item.as_int().ok()?)).ok_or_else(
            || {
                let what = "sum of no whole numbers, or too large a sum".into();
                Box::new(EvalAltResult::ErrorArithmetic(what, Position::NONE))
            },
        )
    });
}

/// `array.map(|item| …)`. The interpreter's own looks at the size of the result only when it is
/// complete, when it may be as many times too large as the array has items.
fn map(call: &NativeCallContext<'_>, array: &Array, function: &FnPtr, limits: &Limits) -> Mapped {
    let mut purse = Purse::new(limits.string_bytes, limits.array_items, limits.map_entries);
    let mut mapped = Array::with_capacity(array.len());
    for item in array {
        let value = function.call_within_context(call, (item.clone(),))?;
        if !purse.pays(&value) {
            return too_large();
        }
        mapped.push(value);
    }
    Ok(mapped)
}

type Mapped = Result<Array, Box<EvalAltResult>>;

fn sub_string(text: &str, start: i64, length: i64) -> ImmutableString {
    let skip = match usize::try_from(start) {
        Ok(skip) => skip,
        // Counted from the end.
        Err(_) => text
            .chars()
            .count()
            .saturating_sub(usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let take = usize::try_from(length).unwrap_or_default();
    read(text).chars().skip(skip).take(take).collect::<String>().into()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The longest beginning of at most so many bytes.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

fn too_large<T>() -> Result<T, Box<EvalAltResult>> {
    Err(Box::new(EvalAltResult::ErrorDataTooLarge(String::new(), Position::NONE)))
}

/// Is nothing lent to this thread?
#[cfg(test)]
pub(super) fn host_is_empty() -> bool {
    with_host(|host| host.lists.is_empty() && host.patterns.is_empty() && host.links.is_empty())
}
