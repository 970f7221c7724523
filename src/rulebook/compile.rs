//! From sources to a rulebook, or to everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::book::{Book, Threshold};
use super::condition::Block;
use super::diagnostic::{Lines, Place, Report, Sink, suggest};
use super::entry::id;
use super::list;
use super::regexes;
use super::rule::Rule;
use super::scope::Scope;
use super::source::{self, FileSource, Mode, RuleSource, StrictnessSource};
use super::table::At;
use super::{Options, Rulebook, Sources, block, example, lint};
use crate::message::{Kind, KindSet};
use crate::verdict::Verdict;

/// At most so many rules in one rulebook.
pub const RULES_MAX: usize = 20_000;
/// At most so many entries in all lists together.
pub const ENTRIES_MAX: usize = 4_000_000;
/// An id may be so long, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// A notice for the client may be so long, in characters.
pub const NOTICE_CHARS_MAX: usize = 200;

/// What is known while compiling.
pub(crate) struct Compiler<'s> {
    pub(crate) options: &'s Options,
    pub(crate) sink: Sink,
    pub(crate) texts: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) book: Book,
    pub(crate) list_ids: BTreeMap<String, u32>,
    pub(crate) files_used: BTreeSet<Arc<str>>,
    pub(crate) list_uses: BTreeMap<u32, usize>,
    pub(crate) regex_ids: BTreeMap<String, u32>,
    pub(crate) pattern_ids: BTreeMap<String, u32>,
    pub(crate) script_ids: BTreeMap<String, u32>,
}

/// Compiles everything and runs the examples.
pub(crate) fn compile(sources: &Sources, options: &Options) -> (Option<Rulebook>, Report) {
    let mut compiler = Compiler::new(options);
    for (path, bytes) in &sources.files {
        let file: Arc<str> = Arc::from(path.as_str());
        let text = list::decode(&file, bytes, &mut compiler.sink);
        compiler.texts.insert(file, text);
    }
    let files = compiler.read_files();
    compiler.lists(&files);
    compiler.patterns(&files);
    compiler.script_lib();
    compiler.rules(&files);
    compiler.thresholds(&files);
    lint::lint(&mut compiler, &files);
    let mut book = std::mem::take(&mut compiler.book);
    book.finish(&mut compiler.sink);
    let rulebook = Rulebook::new(book, revision(sources));
    let mut coverage = None;
    if !compiler.sink.has_errors() {
        lint::lint_lists(&rulebook.book, &mut compiler, &files);
        coverage = Some(example::run(&rulebook, &files, options, &mut compiler.sink));
    }
    let report = Report { coverage, ..compiler.sink.report(&compiler.texts) };
    ((!report.has_errors()).then_some(rulebook), report)
}

/// The digest of everything a rulebook is compiled from: the first 16 hex digits of SHA-256.
fn revision(sources: &Sources) -> Arc<str> {
    let mut hash = Sha256::new();
    for (path, bytes) in &sources.files {
        for part in [path.as_bytes(), bytes.as_slice()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
    }
    let (head, _) = hash.finalize().split::<sha2::digest::consts::U8>();
    format!("{:016x}", u64::from_be_bytes(head.into())).into()
}

impl<'s> Compiler<'s> {
    fn new(options: &'s Options) -> Self {
        Self {
            options,
            sink: Sink::default(),
            texts: BTreeMap::new(),
            book: Book::default(),
            list_ids: BTreeMap::new(),
            files_used: BTreeSet::new(),
            list_uses: BTreeMap::new(),
            regex_ids: BTreeMap::new(),
            pattern_ids: BTreeMap::new(),
            script_ids: BTreeMap::new(),
        }
    }

    /// Every `.toml` file, by path.
    fn read_files(&mut self) -> Vec<(Arc<str>, FileSource)> {
        let mut files = Vec::new();
        for (file, text) in &self.texts {
            if has_extension(file, "toml") {
                files.push((Arc::clone(file), source::read(file, text, &mut self.sink)));
            }
        }
        if files.is_empty() {
            let place = Place::new(&Arc::from("."), 0..0);
            self.sink
                .error(&place, "no-rules", "there is no rule file here".to_owned())
                .help("a rule directory holds at least one .toml file with a [[rule]]");
        }
        files
    }

    /// The compiled form of a pattern; equal ones are compiled once.
    pub(crate) fn regex_id(&mut self, at: &At<String>) -> Option<u32> {
        if let Some(known) = self.regex_ids.get(&at.value) {
            return Some(*known);
        }
        let raw = self.texts.get(&at.place.file).cloned().unwrap_or_default();
        let pattern = regexes::compile(at, &raw, &mut self.sink)?;
        let index = id(self.book.regexes.len());
        self.book.regexes.push(pattern);
        self.regex_ids.insert(at.value.clone(), index);
        Some(index)
    }

    fn patterns(&mut self, files: &[(Arc<str>, FileSource)]) {
        for source in files.iter().flat_map(|(_, file)| &file.patterns) {
            let raw = self.texts.get(&source.name.place.file);
            check_id(&source.name, "pattern", raw, &mut self.sink);
            let Some(regex) = self.regex_id(&source.regex) else { continue };
            if self.pattern_ids.insert(source.name.value.clone(), regex).is_some() {
                let what = format!("pattern `{}` is declared twice", source.name.value);
                self.sink
                    .error(&source.name.place, "duplicate-pattern", what)
                    .help("rename one of them");
            }
        }
    }

    fn rules(&mut self, files: &[(Arc<str>, FileSource)]) {
        let strictness = self.strictness(files);
        // The file and line of each id.
        let mut seen: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
        for (file, FileSource { rules, .. }) in files {
            let text = self.texts.get(file).cloned().unwrap_or_default();
            let lines = Lines::of(&text);
            for source in rules {
                check_id(&source.id, "rule", Some(&text), &mut self.sink);
                let (line, _) = lines.at(source.id.place.span.start);
                if let Some((other, line)) = seen.insert(&source.id.value, (file, line)) {
                    let what = format!("rule `{}` is declared twice", source.id.value);
                    let help = format!("the other one is in {other} line {line}; ids must differ");
                    self.sink.error(&source.id.place, "duplicate-rule", what).help(help);
                }
                let rule = self.rule(file, line, source, strictness);
                self.book.rules.push(rule);
            }
        }
        if self.book.rules.len() > RULES_MAX {
            let place = Place::new(&Arc::from("."), 0..0);
            let what = format!("{} rules are more than {RULES_MAX}", self.book.rules.len());
            self.sink.error(&place, "too-many", what).help("split the directory, or remove some");
        }
        // The order of files and of rules in them must not matter.
        self.book.rules.sort_by(|a, b| a.id.cmp(&b.id));
    }

    fn strictness(&mut self, files: &[(Arc<str>, FileSource)]) -> (u8, u8) {
        let mut all = files.iter().filter_map(|(_, file)| file.strictness.as_ref());
        let first = all.next();
        for StrictnessSource { place, .. } in all {
            self.sink
                .error(place, "duplicate-key", "`strictness` is set twice".to_owned())
                .help("keep one of the two; by custom it stands in rulebook.toml");
        }
        first.map_or((4, 4), |source| (source.enforce, source.shadow))
    }

    fn rule(
        &mut self,
        file: &Arc<str>,
        line: usize,
        source: &RuleSource,
        (enforce, shadow): (u8, u8),
    ) -> Rule {
        let when = match &source.when {
            Some(when) => block::compile(self, when),
            None => Block::default(),
        };
        let scope = Scope::compile(&source.scope, &mut self.sink);
        let on = match &source.on {
            Some(on) => self.kinds(on),
            None if when.has_hits() => KindSet::ALL,
            // What looks at no text is meant for messages, not for gifts or people who join.
            None => Kind::MESSAGE,
        };
        let code = source.then.code.as_ref().and_then(|code| self.code(code, &scope));
        let notice = source.then.notice.as_ref().map(|notice| self.notice(notice));
        let until = source.until.as_ref().and_then(|at| {
            let day = list::day(&at.value);
            if day.is_none() {
                self.sink
                    .error(&at.place, "bad-date", format!("`{}` is not a date", at.value))
                    .help("write it as until = 2027-01-31");
            }
            day
        });
        let mode = match source.mode {
            Mode::Off => Mode::Off,
            _ if source.level > shadow => Mode::Off,
            _ if source.level > enforce => Mode::Shadow,
            mode => mode,
        };
        Rule {
            id: Arc::from(source.id.value.as_str()),
            title: Arc::from(source.title.as_str()),
            category: Arc::from(source.category.as_str()),
            file: Arc::clone(file),
            line,
            on,
            scope,
            mode,
            rollout: source.rollout,
            until,
            when,
            action: source.then.action,
            code,
            notice,
            score: source.then.score,
            flag: source.then.flag,
            on_fault: source.on_fault,
        }
    }

    /// The kinds of these names.
    pub(crate) fn kinds(&mut self, on: &[At<String>]) -> KindSet {
        on.iter()
            .filter_map(|at| {
                let kind = Kind::from_name(&at.value);
                if kind.is_none() {
                    let names = Kind::ALL.iter().map(|(_, name)| *name);
                    self.sink
                        .error(&at.place, "unknown-value", format!("there is no `{}`", at.value))
                        .help(suggest(&at.value, names));
                }
                kind
            })
            .collect()
    }

    fn code(&mut self, at: &At<i64>, scope: &Scope) -> Option<u32> {
        let code = u32::try_from(at.value).ok()?;
        let fits = code == 1
            || self.options.codes.iter().any(|range| {
                range.codes.contains(&code)
                    && (scope.conversations().is_empty()
                        || scope.conversations().contains(&range.conversation))
            });
        if fits {
            return Some(code);
        }
        let known: Vec<String> = self
            .options
            .codes
            .iter()
            .map(|r| format!("{} to {} for {}", r.codes.start(), r.codes.end(), r.what))
            .collect();
        self.sink
            .error(&at.place, "bad-code", format!("the platform does not accept code {code} here"))
            .label(if scope.conversations().is_empty() { "" } else { "not in this rule's `scope`" })
            .help(format!("use 1, or a code of your own: {}", known.join(", ")));
        None
    }

    fn notice(&mut self, at: &At<String>) -> Arc<str> {
        let length = at.value.chars().count();
        if length > NOTICE_CHARS_MAX {
            let what = format!("this notice has {length} characters");
            self.sink
                .error(&at.place, "too-long", what)
                .help(format!("the client shows a line; keep it under {NOTICE_CHARS_MAX}"));
        }
        Arc::from(at.value.as_str())
    }

    fn thresholds(&mut self, files: &[(Arc<str>, FileSource)]) {
        let everywhere = Scope::default();
        for source in files.iter().flat_map(|(_, file)| &file.thresholds) {
            let code = source.code.as_ref().and_then(|code| self.code(code, &everywhere));
            if let Some(at) = &source.code
                && source.verdict != Verdict::Deny
            {
                let what = "`code` needs verdict = \"deny\"".to_owned();
                self.sink
                    .error(&at.place, "useless-key", what)
                    .help("only a refusal carries a code to the client; leave it out");
            }
            let notice = source.notice.as_ref().map(|notice| self.notice(notice));
            if source.verdict == Verdict::Mask {
                let what = "a threshold cannot mask".to_owned();
                self.sink
                    .error(&source.score.place, "unknown-value", what)
                    .help("a sum of scores has no words to blank out; use deny or discard");
            }
            if self.book.thresholds.iter().any(|t| t.score == source.score.value) {
                let what = format!("there are two thresholds for {}", source.score.value);
                self.sink
                    .error(&source.score.place, "duplicate-key", what)
                    .help("keep one of the two");
            }
            let score = source.score.value;
            self.book.thresholds.push(Threshold { score, verdict: source.verdict, code, notice });
        }
        self.book.thresholds.sort_by_key(|threshold| threshold.score);
    }
}

/// Does a path end in this extension?
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(extension))
}

pub(crate) fn check_id(at: &At<String>, what: &str, raw: Option<&Arc<str>>, sink: &mut Sink) {
    let fine =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    let bytes = at.value.len();
    if bytes == 0 || bytes > ID_BYTES_MAX {
        let message =
            format!("the name of a {what} has 1 to {ID_BYTES_MAX} characters, not {bytes}");
        sink.error(&at.place, "bad-id", message)
            .help("give it a short name of its own, such as \"ads.off-platform\"");
    } else if let Some((start, odd)) = at.value.char_indices().find(|(_, c)| !fine(*c)) {
        let raw = raw.map_or("", |raw| raw);
        let place = at.place.part(raw, &at.value, start..start + odd.len_utf8());
        let shown = match odd {
            ' ' => "a space".to_owned(),
            odd if odd.is_ascii_graphic() => format!("`{odd}`"),
            odd if odd.is_alphanumeric() => format!("`{odd}` ({})", odd.escape_unicode()),
            odd => format!("the character {}", odd.escape_unicode()),
        };
        sink.error(&place, "bad-id", format!("the name of a {what} cannot hold {shown}"))
            .help("use a-z, 0-9, `.`, `-` and `_`, such as \"ads.off-platform\"");
    }
}
