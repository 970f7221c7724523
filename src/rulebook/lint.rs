//! What is not wrong, but probably not meant.

use std::sync::Arc;

use super::compile::{Compiler, has_extension};
use super::diagnostic::Place;
use super::source::{Action, BlockSource, FileSource, RuleSource, ScopeSource};
use crate::verdict::Verdict;

/// Warns about what is probably not meant.
pub(crate) fn lint(compiler: &mut Compiler<'_>, files: &[(Arc<str>, FileSource)]) {
    for (_, file) in files {
        for rule in &file.rules {
            examples(compiler, rule);
            outcome(compiler, rule);
        }
        for list in &file.lists {
            let used = compiler
                .list_ids
                .get(&list.name.value)
                .is_some_and(|id| compiler.list_uses.contains_key(id));
            if !used {
                let what = format!("no rule uses list `{}`", list.name.value);
                compiler.sink.warn(&list.name.place, "unused-list", what);
            }
        }
    }
    unused_files(compiler, files);
}

fn examples(compiler: &mut Compiler<'_>, rule: &RuleSource) {
    let id = &rule.id;
    let exempts = rule.then.action == Action::Exempt;
    let records = rule.then.action == Action::Verdict(Verdict::Allow);
    if exempts || records {
        return;
    }
    let fires = |example: &&super::source::ExampleSource| {
        example.verdict.as_ref().is_some_and(|at| at.value != Verdict::Allow)
    };
    let hits = rule.examples.iter().filter(fires).count();
    if hits == 0 {
        compiler
            .sink
            .warn(&id.place, "no-example", format!("rule `{}` has no example it fires on", id.value))
            .help("add [[rule.example]] with text and verdict, so that the rule is tested on every edit");
    }
    if hits == rule.examples.len() && hits > 0 {
        compiler
            .sink
            .warn(
                &id.place,
                "no-example",
                format!("rule `{}` has no example it must let pass", id.value),
            )
            .help("add an ordinary message that is close to it, with verdict = \"allow\"");
    }
}

fn outcome(compiler: &mut Compiler<'_>, rule: &RuleSource) {
    let looks_at_text = rule.when.as_ref().is_some_and(finds_text);
    if rule.then.action == Action::Verdict(Verdict::Mask) && !looks_at_text {
        compiler
            .sink
            .error(
                &rule.id.place,
                "nothing-to-mask",
                "this rule masks, but finds no words".to_owned(),
            )
            .help("give it `lists` or `regex`: what they find is blanked out");
    }
    if rule.when.is_none() && is_open(&rule.scope) && rule.on.is_none() {
        compiler
            .sink
            .warn(
                &rule.id.place,
                "always-fires",
                format!("rule `{}` fires on every message", rule.id.value),
            )
            .help("limit it with `when`, `scope` or `on`");
    }
}

fn is_open(scope: &ScopeSource) -> bool {
    let ScopeSource {
        conversations,
        group_types,
        except_group_types,
        groups,
        except_groups,
        senders,
        except_senders,
        operators,
        except_operators,
        platforms,
        except_platforms,
        networks,
        except_networks,
    } = scope;
    [
        conversations,
        group_types,
        except_group_types,
        groups,
        except_groups,
        senders,
        except_senders,
        operators,
        except_operators,
        platforms,
        except_platforms,
        networks,
        except_networks,
    ]
    .iter()
    .all(|names| names.is_empty())
}

fn finds_text(block: &BlockSource) -> bool {
    !block.lists.is_empty()
        || !block.regex.is_empty()
        || block.contact_number.as_ref().is_some_and(|at| at.value)
        || block.links.is_some()
        || block.script.is_some()
        || block.any.iter().chain(&block.all).any(finds_text)
}

fn unused_files(compiler: &mut Compiler<'_>, files: &[(Arc<str>, FileSource)]) {
    let named = |path: &str| {
        compiler.files_used.contains(path)
            || compiler.script_ids.contains_key(path)
            || super::scripts::is_lib(path)
    };
    let unused: Vec<Arc<str>> = compiler
        .texts
        .keys()
        .filter(|path| !has_extension(path, "toml") && !named(path))
        .cloned()
        .collect();
    for file in unused {
        let place = Place::new(&file, 0..0);
        compiler.sink.warn(&place, "unused-file", format!("no rule uses `{file}`"));
    }
}
