//! Scripts as parts of rules: compiled with the rulebook, fed with what was found, benched when
//! they keep failing.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::book::Book;
use super::compile::{Compiler, has_extension};
use super::condition::Unmet;
use super::diagnostic::{Place, suggest, suggest_path};
use super::entry::{id, ix};
use super::judge::Trial;
use super::rule::Rule;
use super::script::breaker::{Breaker, State, Transition};
use super::script::input::{Input, ListHits};
use super::script::{Budget, Decision, Engine, Lib, Outcome, Script, ScriptError};
use super::source::Action;
use super::table::At;
use crate::verdict::{Fault, Firing};

/// The functions that every script of a directory may call stand here.
const LIB: &str = "lib.rhai";

/// A script of the rule directory.
#[derive(Debug)]
pub(crate) struct CompiledScript {
    path: Arc<str>,
    script: Script,
    /// The lists it asks about.
    lists: Vec<u32>,
    /// The patterns it asks about, with the names it knows them by.
    patterns: Vec<(Arc<str>, u32)>,
}

/// The engine, the scripts and the breakers of the rules that run them.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    engine: Option<Engine>,
    clock: Option<fn() -> u64>,
    compiled: Vec<CompiledScript>,
    lib: Option<Lib>,
    /// By rule; empty where no rule has a script.
    breakers: Vec<Breaker>,
    /// When the next benched rule may be tried again, whichever it is.
    next_retry: AtomicU64,
}

/// Benched rules are tried again one after another: a hundred of them at once would hold up
/// everybody else's messages. In nanoseconds.
const RETRY_EVERY: u64 = 1_000_000_000;

impl Compiler<'_> {
    /// Compiles `lib.rhai`, if there is one.
    pub(crate) fn script_lib(&mut self) {
        let found = self.texts.iter().find(|(path, _)| is_lib(path));
        let Some((path, text)) = found.map(|(path, text)| (Arc::clone(path), Arc::clone(text)))
        else {
            return;
        };
        match self.engine().compile_lib(&text) {
            Ok(lib) => {
                // What it names is checked here, where the places are those of its file.
                for (name, at) in lib.lists_named() {
                    self.list_id(&At { value: name.clone(), place: named(&path, name, *at) });
                }
                for (name, at) in lib.patterns_named() {
                    self.pattern_id(name, &named(&path, name, *at));
                }
                self.book.scripts.lib = Some(lib);
            }
            Err(errors) => self.script_errors(&path, &text, &errors),
        }
    }

    fn engine(&mut self) -> &Engine {
        let options = self.options;
        self.book.scripts.clock = Some(options.clock);
        self.book
            .scripts
            .engine
            .get_or_insert_with(|| Engine::new(options.script_limits.clone(), options.clock))
    }

    /// The compiled script of this path.
    pub(crate) fn script_id(&mut self, at: &At<String>) -> Option<u32> {
        if let Some(known) = self.script_ids.get(&at.value) {
            return Some(*known);
        }
        let found = self.texts.get_key_value(at.value.as_str());
        let Some((path, text)) = found.map(|(path, text)| (Arc::clone(path), Arc::clone(text)))
        else {
            let known: Vec<&str> = self
                .texts
                .keys()
                .map(|path| &**path)
                .filter(|p| has_extension(p, "rhai"))
                .collect();
            let help = suggest_path(&at.value, &known);
            let what = format!("there is no script `{}`", at.value);
            self.sink
                .error(&at.place, "missing-file", what)
                .help(format!("{help} (paths start at the rule directory; scripts end in .rhai)"));
            return None;
        };
        let lib = self.book.scripts.lib.clone();
        let script = match self.engine().compile(&text, lib.as_ref()) {
            Ok(script) => script,
            Err(errors) => {
                self.script_errors(&path, &text, &errors);
                // Known from now on, so that a second rule does not report the same again.
                self.script_ids.insert(at.value.clone(), u32::MAX);
                return None;
            }
        };
        let lists = self.script_lists(&path, &script);
        self.book.uses_links |= script.needs_links();
        let patterns = self.script_patterns(&path, &script);
        let index = id(self.book.scripts.compiled.len());
        self.book.scripts.compiled.push(CompiledScript { path, script, lists, patterns });
        self.script_ids.insert(at.value.clone(), index);
        Some(index)
    }

    fn script_lists(&mut self, path: &Arc<str>, script: &Script) -> Vec<u32> {
        if script.names_lists_freely() {
            let all: Vec<u32> = self.list_ids.values().copied().collect();
            for list in &all {
                *self.list_uses.entry(*list).or_default() += 1;
            }
            return all;
        }
        let named_lists = script.lists_named().iter();
        named_lists
            .filter_map(|(name, at)| match at.line {
                0 => self.list_ids.get(name).copied(),
                _ => self.list_id(&At { value: name.clone(), place: named(path, name, *at) }),
            })
            .collect()
    }

    fn script_patterns(&mut self, path: &Arc<str>, script: &Script) -> Vec<(Arc<str>, u32)> {
        if script.names_patterns_freely() {
            let all = self.pattern_ids.iter();
            return all.map(|(name, id)| (Arc::from(name.as_str()), *id)).collect();
        }
        let mut patterns = Vec::new();
        for (name, at) in script.patterns_named() {
            let id = match at.line {
                0 => self.pattern_ids.get(name).copied(),
                _ => self.pattern_id(name, &named(path, name, *at)),
            };
            patterns.extend(id.map(|id| (Arc::from(name.as_str()), id)));
        }
        patterns
    }

    /// The pattern of this name; an error if there is none.
    fn pattern_id(&mut self, name: &str, place: &Place) -> Option<u32> {
        let id = self.pattern_ids.get(name).copied();
        if id.is_none() {
            let help = suggest(name, self.pattern_ids.keys().map(String::as_str));
            self.sink
                .error(place, "unknown-pattern", format!("there is no pattern `{name}`"))
                .help(format!("{help} (declare it as [pattern.NAME] with regex = '…')"));
        }
        id
    }

    fn script_errors(&mut self, path: &Arc<str>, text: &str, errors: &[ScriptError]) {
        for error in errors {
            // Past the end there is nothing to point at; the last character is near enough.
            let last = text.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
            let start = error.place.offset.min(last);
            let rest = text.get(start..).unwrap_or_default();
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let place = Place::new(path, start..start + word.max(1).min(rest.len()));
            let found = self.sink.error(&place, "script", error.message.clone());
            found.help(error.help.clone().unwrap_or_else(|| {
                "check the brackets, quotes and semicolons at this place and before it".to_owned()
            }));
        }
    }
}

/// The place of a name in a script. What only the lib names has line 0, and was checked there.
fn named(path: &Arc<str>, name: &str, at: super::script::Place) -> Place {
    Place::new(path, at.offset..at.offset + name.len())
}

/// Is this the file of shared functions?
pub(crate) fn is_lib(path: &str) -> bool {
    path == LIB || path.ends_with("/lib.rhai")
}

impl Scripts {
    /// Gives each of `rules` a breaker.
    pub(crate) fn finish(&mut self, rules: usize) {
        if !self.compiled.is_empty() {
            self.breakers.resize_with(rules, Breaker::default);
        }
    }

    /// The file of a script.
    pub(crate) fn path(&self, script: u32) -> Option<Arc<str>> {
        self.compiled.get(ix(script)).map(|compiled| Arc::clone(&compiled.path))
    }

    /// Does any script ask for this pattern?
    pub(crate) fn asks_for_pattern(&self, name: &str) -> bool {
        self.compiled.iter().any(|script| script.patterns.iter().any(|(known, _)| **known == *name))
    }

    /// May a rule's script be run now?
    fn admits(&self, breaker: &Breaker, now: u64) -> bool {
        match breaker.is_due(now) {
            None => true,
            Some(false) => false,
            Some(true) => {
                let next = self.next_retry.load(Ordering::Relaxed);
                let later = now.saturating_add(RETRY_EVERY);
                let order = Ordering::Relaxed;
                now >= next
                    && self.next_retry.compare_exchange(next, later, order, order).is_ok()
                    && breaker.allow(now)
            }
        }
    }

    /// Is the rule's script out of service?
    pub(crate) fn benched(&self, rule: usize) -> bool {
        self.breakers.get(rule).is_some_and(|breaker| breaker.state() != State::Serving)
    }

    /// The time one message's scripts may take together.
    pub(crate) fn budget(&self) -> Budget {
        self.engine.as_ref().map_or_else(Budget::timeless, |engine| Budget::new(engine.limits()))
    }
}

impl Book {
    fn breaker(&self, rule: &Rule) -> Option<&Breaker> {
        let index = self.rules.binary_search_by(|other| other.id.cmp(&rule.id)).ok()?;
        self.scripts.breakers.get(index)
    }
}

impl Trial<'_> {
    /// Runs a script; what it says beyond yes goes into `firing`.
    pub(crate) fn script(
        &mut self,
        rule: &Rule,
        script: u32,
        firing: &mut Firing,
    ) -> Result<(), Unmet> {
        let book = self.book;
        let scripts = &book.scripts;
        let (Some(engine), Some(clock)) = (&scripts.engine, scripts.clock) else {
            return Err(Unmet::Script);
        };
        let Some(compiled) = scripts.compiled.get(ix(script)) else { return Err(Unmet::Script) };
        let breaker = match &self.live {
            Some(_) => book.breaker(rule),
            None => None,
        };
        if breaker.is_some_and(|breaker| !scripts.admits(breaker, clock())) {
            return Err(self.fault(rule, "the script is benched after repeated failures", false));
        }
        let outcome = self.evaluate(engine, compiled);
        // That a retry failed is no news; only the first time is told.
        let serving = outcome.is_err() && breaker.is_some_and(|b| b.state() == State::Serving);
        let transition = breaker.and_then(|breaker| breaker.record(outcome.is_ok(), clock()));
        match outcome {
            Ok(outcome) => self.follow(rule, compiled, outcome, firing),
            Err(fault) => {
                let what = format!("{}: {fault}", compiled.path);
                let benched = serving && matches!(transition, Some(Transition::Benched { .. }));
                Err(self.fault(rule, &what, benched))
            }
        }
    }

    fn fault(&mut self, rule: &Rule, what: &str, benched: bool) -> Unmet {
        let what: Arc<str> = Arc::from(what);
        self.faults.push(Fault { rule: Arc::clone(&rule.id), what: Arc::clone(&what), benched });
        Unmet::Fault(what)
    }

    /// Shows the script what was found and runs it.
    fn evaluate(
        &mut self,
        engine: &Engine,
        compiled: &CompiledScript,
    ) -> Result<Outcome, super::script::ScriptFault> {
        let mut texts: Vec<(u32, Vec<&str>)> = Vec::new();
        for list in &compiled.lists {
            let hits = self.found.of_list(*list).iter().filter(|hit| hit.cancelled.is_none());
            let spans = hits.flat_map(|hit| self.found.view.spans(ix(hit.start)..ix(hit.end)));
            let found = spans.filter_map(|span| {
                self.message.fields.get(span.field)?.text.get(span.range.clone())
            });
            texts.push((*list, found.collect()));
        }
        let names: Vec<Arc<str>> =
            texts.iter().map(|(list, _)| self.book.list_name(*list)).collect();
        let hits: Vec<ListHits<'_>> =
            texts.iter().zip(&names).map(|((_, texts), list)| ListHits { list, texts }).collect();
        let patterns: Vec<&str> = compiled
            .patterns
            .iter()
            .filter(|(_, pattern)| self.matches(*pattern))
            .map(|(name, _)| &**name)
            .collect();
        let mut input = Input::new(self.message, self.facts);
        input.hits = &hits;
        input.patterns = &patterns;
        let links: Vec<Cow<'_, str>> =
            self.found.links.iter().map(|link| Cow::Borrowed(link.host.as_str())).collect();
        input.links = &links;
        match &mut self.live {
            Some(budget) => engine.run(&compiled.script, &input, budget),
            None => engine.run(&compiled.script, &input, &mut Budget::timeless()),
        }
    }

    fn follow(
        &self,
        rule: &Rule,
        compiled: &CompiledScript,
        outcome: Outcome,
        firing: &mut Firing,
    ) -> Result<(), Unmet> {
        match outcome.decision {
            Decision::Fired(false) => return Err(Unmet::Script),
            Decision::Fired(true) => {}
            Decision::Score(score) => firing.score = firing.score.saturating_add(score),
            Decision::Verdict { verdict, list } => {
                // An exemption has no verdict that a script could change.
                if rule.action != Action::Exempt {
                    firing.verdict = Some(verdict);
                }
                let masked = list.and_then(|name| {
                    let position = self.book.lists.iter().position(|list| list.name == name)?;
                    self.lists(&Arc::from([id(position)]), rule.on, firing).ok()
                });
                let _ = masked;
            }
        }
        let line = outcome.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = format!("{}{line}", compiled.path);
        firing.reason = Some(match outcome.reason {
            Some(reason) => format!("{reason} ({place})").into(),
            None => place.into(),
        });
        Ok(())
    }
}
