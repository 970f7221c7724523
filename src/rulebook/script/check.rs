//! What is checked in a script before it is ever run.
//!
//! Besides mistakes, this finds what the script needs to see, so that nothing else is built for
//! it, and bounds how many values an expression holds while it is computed, which nothing at run
//! time counts.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, FnCallExpr, LexError, ParseErrorType, Position, Stmt};

use super::input::{MESSAGE_FIELDS, Show};
use super::vocabulary::{self, KEY_BYTES};
use super::{Limits, Place, ScriptError};

/// The function that a script is asked for its answer by.
pub(super) const ENTRY: &str = "judge";
const MESSAGE: &str = "message";
const FACTS: &str = "facts";

/// What a script may look at.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    /// Names of properties, and texts that could be used as one.
    names: BTreeSet<String>,
    /// The fields of `message` among `names`.
    pub(super) fields: Vec<(&'static str, Show)>,
    pub(super) lists: Named,
    pub(super) patterns: Named,
    pub(super) facts: Named,
    pub(super) links: bool,
}

/// What a script names of one sort of thing.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    /// Written out, each once.
    pub(super) literally: Vec<(String, Place)>,
    /// Some names are computed: it may be any.
    pub(super) freely: bool,
}

impl Named {
    pub(super) fn is_empty(&self) -> bool {
        self.literally.is_empty() && !self.freely
    }

    pub(super) fn includes(&self, name: &str) -> bool {
        self.freely || self.literally.iter().any(|(named, _)| named == name)
    }

    /// Adds what the lib names. Its places are in another file, and are checked there.
    fn include(&mut self, lib: &Self) {
        let names = lib.literally.iter().map(|(name, _)| (name.clone(), Place::default()));
        self.literally.extend(names);
        self.freely |= lib.freely;
    }

    fn settle(&mut self) {
        let mut seen = BTreeSet::new();
        self.literally.retain(|(name, _)| seen.insert(name.clone()));
    }
}

impl Needs {
    /// May the script look at the fact of this name? A helper function may know `facts` by
    /// another name, so that every property counts.
    pub(super) fn fact(&self, name: &str) -> bool {
        self.facts.freely || self.names.contains(name)
    }

    pub(super) fn include(&mut self, lib: &Self) {
        self.names.extend(lib.names.iter().cloned());
        self.lists.include(&lib.lists);
        self.patterns.include(&lib.patterns);
        self.facts.include(&lib.facts);
        self.links |= lib.links;
        self.settle();
    }

    /// Brings what was collected into the form that is looked at while judging.
    fn settle(&mut self) {
        let names = &self.names;
        self.fields =
            MESSAGE_FIELDS.into_iter().filter(|(name, _)| names.contains(*name)).collect();
        self.lists.settle();
        self.patterns.settle();
        self.facts.settle();
    }
}

/// Checks all of `ast`; `lib` holds the functions it may call besides its own.
pub(super) fn check(
    ast: &AST,
    source: &str,
    lib: Option<&AST>,
    limits: &Limits,
) -> Result<Needs, Vec<ScriptError>> {
    let functions = |ast: &AST| -> Vec<(String, usize)> {
        ast.iter_functions().map(|f| (f.name.to_owned(), f.params.len())).collect()
    };
    let shared: BTreeSet<_> = lib.map(functions).unwrap_or_default().into_iter().collect();
    let mut checker = Checker {
        source,
        limits,
        functions: shared.iter().cloned().chain(functions(ast)).collect(),
        needs: Needs::default(),
        errors: Vec::new(),
    };
    if let Some(statement) = ast.statements().first() {
        checker.error(
            statement.position(),
            "only functions may stand at the top level of a script".into(),
            Some("move it into `fn judge(message, facts) { … }`".into()),
        );
    }
    for (name, _) in functions(ast).into_iter().filter(|f| !f.0.starts_with("anon$")) {
        if vocabulary::is_known(&name) {
            checker.taken(&name, "the name of a built-in function");
        } else if shared.iter().any(|(theirs, _)| *theirs == name) {
            checker.taken(&name, "a function of `lib.rhai` already");
        }
    }
    ast.walk(&mut |path| {
        checker.node(path);
        true
    });
    let Checker { mut needs, mut errors, .. } = checker;
    if errors.is_empty() {
        needs.settle();
        return Ok(needs);
    }
    errors.sort_by_key(|error| error.place);
    Err(errors)
}

/// Is there a `judge` that can be called?
pub(super) fn entry_point(ast: &AST, source: &str) -> Result<(), ScriptError> {
    let found: Vec<usize> =
        ast.iter_functions().filter(|f| f.name == ENTRY).map(|f| f.params.len()).collect();
    if found.contains(&2) {
        return Ok(());
    }
    let message = match found.first() {
        Some(count) => format!("`fn judge` has {count} parameters, it needs two"),
        None => "there is no `fn judge`".into(),
    };
    Err(ScriptError {
        message,
        place: place_of_function(source, ENTRY),
        help: Some("write `fn judge(message, facts) { … }`".into()),
    })
}

/// The interpreter does not keep where functions begin.
fn place_of_function(source: &str, name: &str) -> Place {
    let offset = source.find(&format!("fn {name}")).unwrap_or_default();
    let before = source.get(..offset).unwrap_or_default();
    let column = before.rsplit('\n').next().map_or(1, |line| line.chars().count() + 1);
    Place { offset, line: before.matches('\n').count() + 1, column }
}

/// A parse error in the words of this project, where the parser's own would puzzle.
pub(super) fn syntax_message(error: &ParseErrorType) -> String {
    match error {
        ParseErrorType::ExprTooDeep => "expressions or blocks are nested too deep".into(),
        ParseErrorType::VariableUndefined(name) => format!("there is no variable `{name}`"),
        ParseErrorType::Reserved(word)
        | ParseErrorType::BadInput(LexError::ImproperSymbol(word, _))
            if vocabulary::forbidden(word).is_some() =>
        {
            format!("`{word}` is not available in scripts")
        }
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            // An acronym or a quotation keeps its capital.
            match (letters.next(), letters.next()) {
                (Some(first), Some(second)) if !second.is_uppercase() => {
                    first.to_lowercase().chain([second]).chain(letters).collect()
                }
                _ => text,
            }
        }
    }
}

/// How to mend a parse error.
pub(super) fn syntax_help(error: &ParseErrorType) -> Option<String> {
    let help = match error {
        ParseErrorType::Reserved(word)
        | ParseErrorType::BadInput(LexError::ImproperSymbol(word, _)) => {
            vocabulary::forbidden(word)?
        }
        ParseErrorType::ExprTooDeep => "split it up with `let`, or into functions",
        ParseErrorType::VariableUndefined(_) => {
            "a function, `|x| …` included, sees its own parameters and variables only"
        }
        _ => return None,
    };
    Some(help.into())
}

struct Checker<'a> {
    source: &'a str,
    limits: &'a Limits,
    functions: BTreeSet<(String, usize)>,
    needs: Needs,
    errors: Vec<ScriptError>,
}

impl Checker<'_> {
    fn error(&mut self, position: Position, message: String, help: Option<String>) {
        self.errors.push(ScriptError { message, place: self.place(position), help });
    }

    fn taken(&mut self, name: &str, by: &str) {
        self.errors.push(ScriptError {
            message: format!("`{name}` is {by}"),
            place: place_of_function(self.source, name),
            help: Some("call it something else".into()),
        });
    }

    fn place(&self, position: Position) -> Place {
        Place::find(self.source, position)
    }

    fn node(&mut self, path: &[ASTNode<'_>]) {
        self.held(path);
        self.growth(path);
        match path.last() {
            Some(ASTNode::Stmt(Stmt::Assignment(assignment))) => {
                self.assignment(&assignment.1.lhs);
            }
            Some(ASTNode::Stmt(Stmt::FnCall(call, position))) => self.call(call, *position),
            Some(ASTNode::Expr(expr)) => self.expression(expr),
            _ => {}
        }
    }

    fn expression(&mut self, expr: &Expr) {
        match expr {
            Expr::FnCall(call, position) | Expr::MethodCall(call, position) => {
                self.call(call, *position);
            }
            Expr::Property(property, position) => self.name(&property.2, *position),
            Expr::StringConstant(text, _) if text.len() <= KEY_BYTES => {
                self.needs.names.insert(text.to_string());
            }
            Expr::Map(map, _) => {
                for (key, _) in &map.0 {
                    self.name(&key.name, key.pos);
                }
            }
            Expr::Dot(chain, _, _) => self.root(&chain.lhs, &chain.rhs),
            Expr::Index(chain, _, position) => {
                let literal = first_step(&chain.rhs).get_literal_value(None).is_some();
                self.needs.facts.freely |= !literal;
                if !literal && is_variable(&chain.lhs, MESSAGE) {
                    self.error(
                        *position,
                        "the fields of `message` are named literally".into(),
                        Some("write `message.text`, for instance".into()),
                    );
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &str, position: Position) {
        if name.len() > KEY_BYTES {
            self.error(position, format!("a name has at most {KEY_BYTES} bytes"), None);
        }
        self.needs.names.insert(name.to_owned());
    }

    /// The start of `message.…` or `facts.…`.
    fn root(&mut self, variable: &Expr, rest: &Expr) {
        let Expr::Property(property, position) = first_step(rest) else {
            return;
        };
        let name = property.2.as_str();
        if is_variable(variable, FACTS) {
            self.needs.facts.literally.push((name.to_owned(), self.place(*position)));
        }
        let fields = MESSAGE_FIELDS.map(|(field, _)| field);
        if is_variable(variable, MESSAGE) && !fields.contains(&name) {
            let help = similar(name, fields.into_iter())
                .unwrap_or_else(|| format!("there are {}", fields.join(", ")));
            self.error(*position, format!("`message` has no `{name}`"), Some(help));
        }
    }

    fn call(&mut self, call: &FnCallExpr, position: Position) {
        if call.op_token.is_some() {
            return;
        }
        let name = call.name.as_str();
        if call.capture_parent_scope {
            self.error(position, format!("`{name}!(…)` is not available in scripts"), None);
        } else if let Some(why) = vocabulary::forbidden(name) {
            self.error(
                position,
                format!("`{name}` is not available in scripts"),
                Some(why.to_owned()),
            );
        } else if !vocabulary::is_known(name) && !self.functions.iter().any(|f| f.0 == name) {
            let mut words: Vec<&str> = vocabulary::names().collect();
            words.extend(self.functions.iter().map(|(own, _)| own.as_str()));
            let help = similar(name, words.into_iter());
            self.error(position, format!("there is no function `{name}`"), help);
        }
        self.reference(call, position);
    }

    fn reference(&mut self, call: &FnCallExpr, position: Position) {
        let literal = match call.args.first() {
            Some(Expr::StringConstant(text, at)) => Some((text.to_string(), self.place(*at))),
            _ => None,
        };
        match (call.name.as_str(), literal) {
            ("hits" | "hits_count" | "mask", Some(list)) => self.needs.lists.literally.push(list),
            ("hits" | "hits_count", None) => self.needs.lists.freely = true,
            ("mask", None) => self.error(
                position,
                "`mask` needs the name of a list, written out".into(),
                Some("write `mask(\"name-of-list\")`".into()),
            ),
            ("matched", Some(pattern)) => self.needs.patterns.literally.push(pattern),
            ("matched", None) => self.needs.patterns.freely = true,
            ("links", _) => self.needs.links = true,
            // These take their keys at run time.
            ("get" | "keys" | "values", _) => self.needs.facts.freely = true,
            _ => {}
        }
    }

    /// Values grow only where the interpreter, or we, look at the size of the whole: in a
    /// variable. After `map.key = value` or `map.key.push(value)` it looks at the part alone, and
    /// it lets `map[key] = value` add entries without end.
    fn assignment(&mut self, target: &Expr) {
        if !matches!(target, Expr::Variable(..)) {
            self.error(
                target.start_position(),
                "only whole variables can be assigned to".into(),
                Some("write `array.set(index, value)` or `map.set(key, value)`".into()),
            );
        }
    }

    fn growth(&mut self, path: &[ASTNode<'_>]) {
        let (call, position, grown) = match path {
            [
                ..,
                ASTNode::Expr(Expr::Dot(chain, ..)),
                ASTNode::Expr(Expr::MethodCall(call, at)),
            ] => (call, at, Some(&chain.lhs)),
            [.., ASTNode::Expr(Expr::MethodCall(call, at))] => (call, at, None),
            [.., ASTNode::Stmt(Stmt::FnCall(call, at)) | ASTNode::Expr(Expr::FnCall(call, at))] => {
                (call, at, call.args.first())
            }
            _ => return,
        };
        if vocabulary::grows(&call.name) && !matches!(grown, Some(Expr::Variable(..))) {
            self.error(
                *position,
                format!("`{}` needs a variable to work on", call.name),
                Some("take the part out with `let`, change it, put it back with `set`".into()),
            );
        }
    }

    fn held(&mut self, path: &[ASTNode<'_>]) {
        let Some(ASTNode::Expr(expr)) = path.last() else {
            return;
        };
        if held(path) > self.limits.held {
            let place = self.place(expr.start_position());
            if self.errors.iter().all(|error| error.place.line != place.line) {
                self.errors.push(ScriptError {
                    message: "an expression computes too many values at once".into(),
                    place,
                    help: Some("compute parts of it beforehand, with `let`".into()),
                });
            }
        }
    }
}

/// How many values are held, unfinished, while the last node of `path` is computed.
fn held(path: &[ASTNode<'_>]) -> usize {
    let mut held = 0;
    let mut within_chain = false;
    for (at, node) in path.iter().enumerate() {
        let child = path.get(at + 1);
        let before = |call: &FnCallExpr| match child {
            Some(ASTNode::Expr(child)) => {
                call.args.iter().position(|arg| std::ptr::eq(arg, *child)).unwrap_or_default()
            }
            _ => call.args.len(),
        };
        let mut is_chain = false;
        held += match node {
            ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _)) => {
                before(call)
            }
            // What a loop goes through, what a switch looks at, what a literal has so far.
            ASTNode::Stmt(Stmt::For(..) | Stmt::Switch(..))
            | ASTNode::Expr(Expr::Array(..) | Expr::Map(..) | Expr::InterpolatedString(..)) => 1,
            ASTNode::Expr(Expr::Dot(chain, ..) | Expr::Index(chain, ..)) => {
                is_chain = true;
                // All arguments of a chain are computed before its first step is taken.
                if within_chain { 0 } else { 1 + arguments(&chain.rhs) }
            }
            _ => 0,
        };
        within_chain = is_chain;
    }
    held
}

fn arguments(step: &Expr) -> usize {
    match step {
        Expr::Dot(chain, ..) | Expr::Index(chain, ..) => {
            arguments(&chain.lhs) + arguments(&chain.rhs)
        }
        Expr::MethodCall(call, _) => call.args.len(),
        Expr::Property(..) => 0,
        _ => 1,
    }
}

fn first_step(chain: &Expr) -> &Expr {
    match chain {
        Expr::Dot(inner, ..) | Expr::Index(inner, ..) => &inner.lhs,
        step => step,
    }
}

fn is_variable(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Variable(variable, ..) if variable.1 == name)
}

fn similar<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|word| (strsim::jaro_winkler(name, word), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| format!("did you mean `{word}`?"))
}
