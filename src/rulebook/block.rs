//! Compiling `when`: names are looked up, patterns compiled, parts put in order of their cost.

use std::collections::BTreeSet;

use super::calendar::Window;
use super::compile::Compiler;
use super::condition::{Block, Bounds, Hosts, Part};
use super::diagnostic::{Place, Sink};
use super::json::JsonTest;
use super::list;
use super::source::{BlockSource, BoundsSource, LinksSource};
use super::table::At;
use crate::message::KindSet;

/// At most so many patterns in one rule.
pub(super) const REGEXES_MAX: usize = 100;

/// Compiles a block and those in it.
pub(crate) fn compile(compiler: &mut Compiler<'_>, source: &BlockSource) -> Block {
    let mut block = Block::default();
    let parts = &mut block.parts;
    // Cheap parts first: they decide whether the dear ones run.
    if let Some(at) = &source.length {
        parts.push(Part::Length(bounds(at)));
    }
    if let Some(at) = &source.elements {
        let kinds = if at.kinds.is_empty() { KindSet::ALL } else { compiler.kinds(&at.kinds) };
        parts.push(Part::Elements(kinds, bounds(at)));
    }
    if let Some(window) =
        source.time.as_ref().and_then(|at| Window::compile(at, &mut compiler.sink))
    {
        parts.push(Part::Time(window));
    }
    if !source.lists.is_empty() {
        let lists = source.lists.iter().filter_map(|name| compiler.list_id(name)).collect();
        parts.push(Part::Lists(lists));
    }
    if let Some(at) = &source.contact_number {
        compiler.book.uses_contacts = true;
        parts.push(Part::ContactNumber(at.value));
    }
    if let Some(at) = &source.links {
        parts.push(links(compiler, at));
    }
    if let Some(at) = &source.mentions {
        parts.push(Part::Mentions(bounds(at)));
    }
    if source.regex.len() > REGEXES_MAX {
        let what =
            format!("{} patterns in one rule; {REGEXES_MAX} is the most", source.regex.len());
        compiler.sink.error(&source.place, "too-many", what).help("words belong into a list");
    } else if !source.regex.is_empty() {
        let regexes = source.regex.iter().filter_map(|at| compiler.regex_id(at)).collect();
        parts.push(Part::Regex(regexes));
    }
    if !source.writing.is_empty() {
        parts.push(Part::Writing(
            source.writing.iter().filter_map(|at| writing(compiler, at)).collect(),
        ));
    }
    if !source.json.is_empty() {
        let tests = source.json.iter().filter_map(|test| {
            let raw = compiler.texts.get(&test.place.file).cloned().unwrap_or_default();
            JsonTest::compile(test, &raw, &mut compiler.sink)
        });
        parts.push(Part::Json(tests.collect()));
    }
    let mut tables = |sources: &[BlockSource]| -> Option<Vec<Block>> {
        let blocks = sources.iter().map(|source| compile(compiler, source));
        (!sources.is_empty()).then(|| blocks.collect())
    };
    parts.extend(tables(&source.all).map(Part::All));
    parts.extend(tables(&source.any).map(Part::Any));
    parts.extend(tables(&source.unless).map(Part::Unless));
    if let Some(at) = &source.script
        && let Some(script) = compiler.script_id(at)
    {
        parts.push(Part::Script(script));
    }
    if parts.is_empty() && !compiler.sink.has_errors() {
        compiler
            .sink
            .error(&source.place, "empty", "this condition says nothing".to_owned())
            .help("name what to look for, such as lists = [\"…\"], or leave it out");
    }
    block
}

fn links(compiler: &mut Compiler<'_>, source: &LinksSource) -> Part {
    compiler.book.uses_links = true;
    let only = hosts(compiler, &source.hosts, &source.hosts_files);
    let except = hosts(compiler, &source.except_hosts, &source.except_hosts_files);
    let all = source.hosts.is_empty() && source.hosts_files.is_empty();
    Part::Links(Hosts { only: (!all).then_some(only), except })
}

/// A set of hosts, from the rule itself and from files with one host a line.
fn hosts(
    compiler: &mut Compiler<'_>,
    inline: &[At<String>],
    files: &[At<String>],
) -> BTreeSet<Box<str>> {
    let mut hosts = BTreeSet::new();
    for at in inline {
        add_host(&mut hosts, &at.value, &at.place, &mut compiler.sink);
    }
    for at in files {
        let Some((file, text)) = compiler.list_file(at) else { continue };
        for entry in list::read_text(&text) {
            let place = entry.place(&file);
            add_host(&mut hosts, &entry.text, &place, &mut compiler.sink);
        }
    }
    hosts
}

fn add_host(hosts: &mut BTreeSet<Box<str>>, host: &str, place: &Place, sink: &mut Sink) {
    let name = host.trim().trim_start_matches("*.").trim_end_matches('.').to_lowercase();
    if name.is_empty() || name.contains(['/', ':', ' ', '*']) {
        sink.error(place, "bad-host", format!("`{host}` is not a host"))
            .help("write the bare name, such as example.com; it stands for all hosts below it too");
        return;
    }
    hosts.insert(name.into());
}

fn bounds(source: &BoundsSource) -> Bounds {
    let number = |bound: Option<i64>| bound.and_then(|bound| usize::try_from(bound).ok());
    Bounds { min: number(source.min).unwrap_or(0), max: number(source.max).unwrap_or(usize::MAX) }
}

/// A writing system by its Unicode name: the regex crate knows them all.
fn writing(compiler: &mut Compiler<'_>, at: &At<String>) -> Option<(Box<str>, regex::Regex)> {
    let plain =
        !at.value.is_empty() && at.value.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    let regex = plain.then(|| regex::Regex::new(&format!(r"\p{{Script={}}}", at.value)).ok());
    let Some(regex) = regex.flatten() else {
        compiler
            .sink
            .error(&at.place, "unknown-value", format!("there is no writing system `{}`", at.value))
            .help(
                "use a Unicode script name, such as Han, Latin, Cyrillic, Arabic, Thai or Hangul",
            );
        return None;
    };
    Some((at.value.as_str().into(), regex))
}
