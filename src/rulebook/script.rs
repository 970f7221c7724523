//! Scripts of the rulebook: compiled at load, run under limits, given values only.
//!
//! A script is a file of functions; `fn judge(message, facts)` is the one that is called. It sees
//! copies of what it names and nothing else: no files, no clock, no randomness, no output. The
//! vocabulary is a closed list (`vocabulary`), checked when the script is compiled, so that a
//! function nobody vetted cannot be reached and a typing mistake shows before the rule goes live.
//!
//! Every evaluation is bounded four ways. Operations and wall-clock are counted by `meter`.
//! Sizes of single values are checked by the interpreter, and by our own functions where the
//! interpreter forgets to. How many values can be alive at once is bounded by the variables of
//! one function, the half-finished expressions of one function (`check`), and the depth of
//! calls. [`Limits::memory_bytes`] is the product.

pub mod breaker;
mod check;
pub mod input;
mod meter;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use rhai::{AST, CallFnOptions, Dynamic, EvalAltResult, OptimizationLevel, Position, Scope};

use crate::verdict::Verdict;
use input::Input;

/// What one evaluation of a script may use. All of it holds at once; whichever is reached first
/// ends the evaluation with a [`ScriptFault`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the interpreter.
    pub operations: u64,
    /// Time for one script.
    pub wall: Duration,
    /// Time for all scripts of one message: what [`Budget::new`] starts with.
    pub message_wall: Duration,
    /// Functions that are inside one another, `judge` included.
    pub call_depth: usize,
    /// Levels of nesting of expressions and blocks in one function; checked when compiling.
    pub expression_depth: usize,
    /// Variables alive at once in one function, parameters included.
    pub variables: usize,
    /// Values that one function may hold unfinished while it computes the next one, as the
    /// arguments of a call are; checked when compiling.
    pub held: usize,
    /// Bytes of all strings in one value. A third of it is what a script sees of the text of a
    /// long message.
    pub string_bytes: usize,
    /// Items of all arrays in one value.
    pub array_items: usize,
    /// Entries of all maps in one value.
    pub map_entries: usize,
    /// Bytes of one script's source.
    pub source_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 100_000,
            wall: Duration::from_millis(5),
            message_wall: Duration::from_millis(20),
            call_depth: 8,
            expression_depth: 64,
            variables: 26,
            held: 8,
            string_bytes: 24 << 10,
            array_items: 512,
            map_entries: 192,
            source_bytes: 32 << 10,
        }
    }
}

impl Limits {
    /// An upper bound, in bytes, of the memory that values of one evaluation can occupy.
    ///
    /// It pretends that every variable and every unfinished value of every level of calls is as
    /// large as a value may be, and shares nothing. Under 16 MiB for the defaults.
    pub fn memory_bytes(&self) -> usize {
        // A value takes 16 bytes; a map entry keeps its key (24 bytes, and `KEY_BYTES` beside it
        // when it is long) in nodes that may be half empty.
        let entry = 2 * (16 + 24) + vocabulary::KEY_BYTES;
        let value = self
            .string_bytes
            .saturating_add(self.array_items.saturating_mul(16))
            .saturating_add(self.map_entries.saturating_mul(entry));
        // Two more for what a native function builds before it is checked.
        let values = self.variables.saturating_add(self.held).saturating_add(2);
        value.saturating_mul(values).saturating_mul(self.call_depth)
    }
}

/// Compiles and runs scripts under one set of [`Limits`]. Costly to build, cheap to share.
pub struct Engine {
    inner: rhai::Engine,
    limits: Limits,
    clock: fn() -> u64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Functions that every script of a rule directory may call.
#[derive(Debug, Clone)]
pub struct Lib {
    ast: AST,
    needs: check::Needs,
}

impl Lib {
    /// The keyword lists it names literally, with where, for checking that they exist.
    pub fn lists_named(&self) -> &[(String, Place)] {
        &self.needs.lists.literally
    }

    /// The patterns it names literally, with where.
    pub fn patterns_named(&self) -> &[(String, Place)] {
        &self.needs.patterns.literally
    }

    /// The facts it names as `facts.name`, with where.
    pub fn facts_named(&self) -> &[(String, Place)] {
        &self.needs.facts.literally
    }
}

/// One compiled script, the lib's functions included. What only the lib names has
/// [`Place::default`]: its place is for [`Lib`] to tell.
#[derive(Debug, Clone)]
pub struct Script {
    ast: AST,
    needs: check::Needs,
}

impl Script {
    /// The keyword lists it names literally, with where.
    pub fn lists_named(&self) -> &[(String, Place)] {
        &self.needs.lists.literally
    }

    /// The patterns it names literally, with where.
    pub fn patterns_named(&self) -> &[(String, Place)] {
        &self.needs.patterns.literally
    }

    /// The facts it names as `facts.name`, with where.
    pub fn facts_named(&self) -> &[(String, Place)] {
        &self.needs.facts.literally
    }

    /// Does it compute names of facts? Then it may mean any.
    pub fn names_facts_freely(&self) -> bool {
        self.needs.facts.freely
    }

    /// Does it ask for hits of lists whose names it computes? Then it needs those of every list.
    pub fn names_lists_freely(&self) -> bool {
        self.needs.lists.freely
    }

    /// Does it call `links()`? Only then need [`Input::links`] be filled.
    pub fn needs_links(&self) -> bool {
        self.needs.links
    }
}

/// A place in a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Byte offset.
    pub offset: usize,
    /// Line, from 1; 0 where the place is not known.
    pub line: usize,
    /// Column in characters, from 1; 0 where the place is not known.
    pub column: usize,
}

impl Place {
    pub(super) fn find(source: &str, position: Position) -> Self {
        let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else {
            return Self::default();
        };
        let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let within: usize = source.split_inclusive('\n').nth(line - 1).map_or(0, |text| {
            text.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum()
        });
        Self { offset: before + within, line, column }
    }
}

/// Why a script is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScriptError {
    /// What is wrong, the author's words in backticks.
    pub message: String,
    /// Where.
    pub place: Place,
    /// How to mend it.
    pub help: Option<String>,
}

/// What a script answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The answer.
    pub decision: Decision,
    /// What it said for it, at most 200 bytes.
    pub reason: Option<Arc<str>>,
    /// The line of the call that made the answer, where it was made by one.
    pub line: Option<usize>,
}

/// The answer itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The rule's condition holds, or not; the rule says what follows. No answer is `false`.
    Fired(bool),
    /// The condition holds and this is the verdict, whatever the rule says.
    Verdict {
        /// The verdict.
        verdict: Verdict,
        /// For [`Verdict::Mask`]: the list whose hits are blanked out.
        list: Option<Arc<str>>,
    },
    /// The condition holds and adds this to the score.
    Score(i64),
}

/// Why an evaluation gave no answer. Holds nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptFault {
    /// More steps than [`Limits::operations`].
    #[error("too many operations")]
    Operations,
    /// More time than [`Limits::wall`], or than was left in the [`Budget`].
    #[error("out of time")]
    WallClock,
    /// Calls nested deeper than [`Limits::call_depth`].
    #[error("calls nested too deep")]
    Depth,
    /// More variables than [`Limits::variables`].
    #[error("too many variables")]
    Variables,
    /// A value larger than a value may be.
    #[error("a string, array or map grew too large")]
    Size,
    /// The script went wrong.
    #[error("{what}{}{}", in_function(function.as_deref()), at_line(*line))]
    Runtime {
        /// What happened; names from the script's source may occur in it, values do not.
        what: String,
        /// The innermost function, where it was not `judge`.
        function: Option<String>,
        /// The line, in the script or in the lib, whichever the function is from.
        line: Option<usize>,
    },
    /// It answered with something that is no answer.
    #[error("`judge` returned {0}, not true, false or a verdict")]
    WrongResult(&'static str),
    /// The interpreter itself failed.
    #[error("the script interpreter failed")]
    Panicked,
}

fn in_function(name: Option<&str>) -> String {
    name.map(|name| format!(" in `{name}`")).unwrap_or_default()
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(", line {line}")).unwrap_or_default()
}

/// The time left for the scripts of one message.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Nanoseconds; `None` where time does not count.
    left: Option<u64>,
}

impl Budget {
    /// A fresh one: [`Limits::message_wall`].
    pub fn new(limits: &Limits) -> Self {
        Self { left: Some(nanos(limits.message_wall)) }
    }

    /// One that never runs out. A replay uses it: its answers then depend on operations only,
    /// which are the same everywhere.
    pub fn timeless() -> Self {
        Self { left: None }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Engine {
    /// An engine with these limits. `clock` gives monotonic nanoseconds.
    pub fn new(limits: Limits, clock: fn() -> u64) -> Self {
        let mut inner = rhai::Engine::new_raw();
        vocabulary::register(&mut inner, &limits);
        // A shared table of strings would be a lock between threads, and keep messages' words.
        inner
            .set_max_strings_interned(0)
            .set_optimization_level(OptimizationLevel::None)
            .set_strict_variables(true)
            .set_max_operations(0) // Counted by the meter, across closures too.
            .set_max_call_levels(limits.call_depth)
            .set_max_expr_depths(limits.expression_depth, limits.expression_depth)
            .set_max_variables(limits.variables)
            .set_max_string_size(limits.string_bytes)
            .set_max_array_size(limits.array_items)
            .set_max_map_size(limits.map_entries)
            .on_print(|_| {})
            .on_debug(|_, _, _| {});
        inner.on_progress(|_| meter::tick());
        Self { inner, limits, clock }
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Compiles the shared functions of a rule directory.
    pub fn compile_lib(&self, source: &str) -> Result<Lib, Vec<ScriptError>> {
        let ast = self.parse(source)?;
        let needs = check::check(&ast, source, None, &self.limits)?;
        Ok(Lib { ast: self.optimize(ast)?, needs })
    }

    /// Compiles a script, together with the functions of `lib`.
    ///
    /// Gives all that is wrong with it, or the first thing only where it is not even a script.
    pub fn compile(&self, source: &str, lib: Option<&Lib>) -> Result<Script, Vec<ScriptError>> {
        let ast = self.parse(source)?;
        let mut needs = check::check(&ast, source, lib.map(|lib| &lib.ast), &self.limits)?;
        check::entry_point(&ast, source).map_err(|error| vec![error])?;
        let mut ast = self.optimize(ast)?;
        if let Some(lib) = lib {
            ast = lib.ast.merge(&ast);
            needs.include(&lib.needs);
        }
        Ok(Script { ast, needs })
    }

    fn parse(&self, source: &str) -> Result<AST, Vec<ScriptError>> {
        if source.len() > self.limits.source_bytes {
            return Err(vec![ScriptError {
                message: format!(
                    "the script is {} bytes long, {} are allowed",
                    source.len(),
                    self.limits.source_bytes
                ),
                place: Place::default(),
                help: Some(
                    "move words into keyword lists, shared functions into `lib.rhai`".into(),
                ),
            }]);
        }
        fenced(|| self.inner.compile(source))?.map_err(|error| {
            vec![ScriptError {
                message: check::syntax_message(error.err_type()),
                place: Place::find(source, error.position()),
                help: check::syntax_help(error.err_type()),
            }]
        })
    }

    // Only after checking: the optimiser drops what it can prove to be dead, and a mistake in a
    // dead branch is a mistake still.
    fn optimize(&self, ast: AST) -> Result<AST, Vec<ScriptError>> {
        fenced(|| self.inner.optimize_ast(&Scope::new(), ast, OptimizationLevel::Simple))
    }

    /// Runs `judge` of `script` on `input`, and takes the time it needs from `budget`.
    pub fn run(
        &self,
        script: &Script,
        input: &Input<'_>,
        budget: &mut Budget,
    ) -> Result<Outcome, ScriptFault> {
        let Some(left) = budget.left else {
            return self.evaluate(script, input, meter::Fuse::timeless(self.limits.operations));
        };
        let wall = nanos(self.limits.wall).min(left);
        if wall == 0 {
            return Err(ScriptFault::WallClock);
        }
        let start = (self.clock)();
        let deadline = start.saturating_add(wall);
        let outcome = self.evaluate(
            script,
            input,
            meter::Fuse { operations: self.limits.operations, deadline, clock: self.clock },
        );
        budget.left = Some(left.saturating_sub((self.clock)().saturating_sub(start)));
        outcome
    }

    fn evaluate(
        &self,
        script: &Script,
        input: &Input<'_>,
        fuse: meter::Fuse,
    ) -> Result<Outcome, ScriptFault> {
        let message = input.message(&script.needs, &self.limits);
        let facts = input.facts(&script.needs, &self.limits);
        let _host = vocabulary::Host::lend(input, &script.needs, &self.limits);
        meter::start(fuse);
        // Functions only, so there is nothing at the top level to evaluate first.
        let options = CallFnOptions::new().eval_ast(false);
        let mut scope = Scope::new();
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.inner.call_fn_with_options::<Dynamic>(
                options,
                &mut scope,
                &script.ast,
                check::ENTRY,
                (message, facts),
            )
        }));
        match result {
            Ok(Ok(value)) => match meter::blown() {
                Some(fault) => Err(fault),
                None => vocabulary::outcome(value),
            },
            Ok(Err(error)) => Err(meter::blown().unwrap_or_else(|| fault(&error))),
            Err(_) => Err(ScriptFault::Panicked),
        }
    }
}

// The parser is other people's code and the text is anyone's; a panic in it must not take the
// reload down.
fn fenced<T>(step: impl FnOnce() -> T) -> Result<T, Vec<ScriptError>> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|_| {
        vec![ScriptError {
            message: "the script cannot be parsed".into(),
            place: Place::default(),
            help: None,
        }]
    })
}

/// The fault an interpreter's error stands for, without the values that it may quote.
fn fault(error: &EvalAltResult) -> ScriptFault {
    let (mut inner, mut function, mut position) = (error, None, error.position());
    while let EvalAltResult::ErrorInFunctionCall(name, _, cause, _) = inner {
        function = Some(name.as_str());
        inner = cause;
        if !cause.position().is_none() {
            position = cause.position();
        }
    }
    let what = match inner {
        EvalAltResult::ErrorTooManyOperations(..) => return ScriptFault::Operations,
        EvalAltResult::ErrorStackOverflow(..) => return ScriptFault::Depth,
        EvalAltResult::ErrorTooManyVariables(..) => return ScriptFault::Variables,
        EvalAltResult::ErrorDataTooLarge(..) => return ScriptFault::Size,
        // Names and types, both from the source.
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            format!("no function fits `{signature}`")
        }
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("no variable `{name}`"),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            let (found, wanted) = (vocabulary::kind_of(found), vocabulary::kind_of(wanted));
            format!("a value is {found} where {wanted} is needed")
        }
        EvalAltResult::ErrorDotExpr(..) => "a value has no such property".into(),
        EvalAltResult::ErrorIndexingType(..) => "a value cannot be indexed so".into(),
        EvalAltResult::ErrorArrayBounds(..) => "an array index is out of bounds".into(),
        EvalAltResult::ErrorStringBounds(..) => "a text index is out of bounds".into(),
        EvalAltResult::ErrorArithmetic(..) => "a number overflowed or was divided by zero".into(),
        EvalAltResult::ErrorFor(..) => "`for` needs an array, a range or a text".into(),
        EvalAltResult::ErrorAssignmentToConstant(..) => "a constant was assigned to".into(),
        EvalAltResult::ErrorRuntime(..) => "an error was thrown".into(),
        _ => "the script went wrong".into(),
    };
    let function = function.filter(|name| *name != check::ENTRY && !name.starts_with("anon$"));
    ScriptFault::Runtime { what, function: function.map(str::to_owned), line: position.line() }
}
