//! What is not wrong, but probably not meant.
//!
//! A lint never guesses: it warns where the sources alone decide that something has no effect, or
//! always has the same.

mod condition;
mod cover;
mod list;
mod outcome;
mod place;
pub(crate) mod spelling;

use std::sync::Arc;

use super::compile::{Compiler, has_extension};
use super::diagnostic::{Place, Sink};
use super::source::FileSource;
use super::table::At;

pub(crate) use list::lint as lint_lists;

/// Warns about what is probably not meant.
pub(crate) fn lint(compiler: &mut Compiler<'_>, files: &[(Arc<str>, FileSource)]) {
    let mut sink = std::mem::take(&mut compiler.sink);
    let gated = |pattern: &str| {
        let id = compiler.regex_ids.get(pattern).map(|id| super::entry::ix(*id));
        let regex = id.and_then(|id| compiler.book.regexes.get(id));
        regex.is_none_or(|regex| regex.gates.is_some())
    };
    // With errors about, what looks odd may only be misspelt.
    if sink.has_errors() {
        sink.hush();
    }
    for (_, file) in files {
        for rule in &file.rules {
            outcome::lint(rule, compiler.options.now, &mut sink);
            place::lint(rule, &mut sink);
            condition::lint(rule, &gated, &mut sink);
        }
        for list in &file.lists {
            twice(&list.files, "file", &mut sink);
            twice(&list.allow, "list", &mut sink);
            for own in list.allow.iter().filter(|allow| allow.value == list.name.value) {
                let what = format!("list `{}` is its own allow list", own.value);
                sink.error(&own.place, "never-fires", what)
                    .help("every entry would cancel itself; name another list");
            }
        }
    }
    outcome::scores(files, &mut sink);
    cover::lint(files, compiler.options.now, &mut sink);
    unused(compiler, files, &mut sink);
    unused_files(compiler, &mut sink);
    compiler.sink = sink;
}

/// Warns about names that stand in one list more than once.
fn twice(names: &[At<String>], what: &str, sink: &mut Sink) {
    for (index, at) in names.iter().enumerate() {
        if names.iter().take(index).any(|earlier| earlier.value == at.value) {
            let message = format!("{what} `{}` is named twice", at.value);
            sink.warn(&at.place, "duplicate", message)
                .label("again")
                .help("once is enough; remove this one");
        }
    }
}

fn unused(compiler: &Compiler<'_>, files: &[(Arc<str>, FileSource)], sink: &mut Sink) {
    for list in files.iter().flat_map(|(_, file)| &file.lists) {
        let id = compiler.list_ids.get(&list.name.value);
        if !id.is_some_and(|id| compiler.list_uses.contains_key(id)) {
            let what = format!("no rule uses list `{}`", list.name.value);
            sink.warn(&list.name.place, "unused-list", what)
                .help("name it in `when.lists` of a rule, or remove it");
        }
    }
    for pattern in files.iter().flat_map(|(_, file)| &file.patterns) {
        if !compiler.book.scripts.asks_for_pattern(&pattern.name.value) {
            let what = format!("no script uses pattern `{}`", pattern.name.value);
            sink.warn(&pattern.name.place, "unused-pattern", what)
                .help("scripts ask with matched(\"NAME\"); rules have `when.regex` of their own");
        }
    }
}

fn unused_files(compiler: &Compiler<'_>, sink: &mut Sink) {
    let named = |path: &str| {
        compiler.files_used.contains(path)
            || compiler.script_ids.contains_key(path)
            || super::scripts::is_lib(path)
    };
    for file in compiler.texts.keys().filter(|path| !has_extension(path, "toml") && !named(path)) {
        sink.warn(&Place::new(file, 0..0), "unused-file", format!("no rule uses `{file}`"))
            .help("name it in `file` of a [list.NAME] or in `when.script`, or remove it");
    }
}
