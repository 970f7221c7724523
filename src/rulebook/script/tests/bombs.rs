//! Scripts that mean harm, or could not do more of it if they did: `tests/cases/bombs`. The first
//! line of each says what it must come to.

use std::fs;
use std::path::PathBuf;

use super::*;

#[test]
fn every_bomb_is_defused() {
    let directory: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/cases/bombs"].iter().collect();
    let mut failures = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        let expected = source.lines().next().and_then(|line| line.strip_prefix("// expect: "));
        let expected = expected.unwrap_or_else(|| panic!("{} expects nothing", path.display()));
        let found = on_small_stack(source.clone());
        if !fits(expected, &found) {
            failures.push(format!("{}: {found}, not {expected}", path.display()));
        }
        seen += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen >= 60, "only {seen} bombs were found");
}

/// Half the stack that threads have by default: running out of it would end the process.
fn on_small_stack(source: String) -> String {
    let small = std::thread::Builder::new().stack_size(1 << 20);
    small.spawn(move || defuse(&source)).unwrap().join().unwrap()
}

fn defuse(source: &str) -> String {
    let engine = engine();
    let script = match engine.compile(source, None) {
        Ok(script) => script,
        Err(errors) => return format!("refused: {}", errors[0].message),
    };
    let (message, facts) = (message(), Facts::default());
    let input = Input::new(&message, &facts);
    let result = engine.run(&script, &input, &mut Budget::timeless());
    // The largest single call of a native function is charged after it.
    let largest = engine.limits().operations + 50_000;
    assert!(meter::count() <= largest, "{} operations", meter::count());
    match result {
        Ok(outcome) if outcome.decision == Decision::Fired(true) => "fired".into(),
        Ok(outcome) => format!("{outcome:?}"),
        Err(ScriptFault::Operations) => "operations".into(),
        Err(ScriptFault::WallClock) => "wall-clock".into(),
        Err(ScriptFault::Depth) => "depth".into(),
        Err(ScriptFault::Variables) => "variables".into(),
        Err(ScriptFault::Size) => "size".into(),
        Err(ScriptFault::WrongResult(_)) => "wrong".into(),
        Err(ScriptFault::Panicked) => "panicked".into(),
        Err(ScriptFault::Runtime { what, .. }) => format!("runtime: {what}"),
    }
}

fn fits(expected: &str, found: &str) -> bool {
    match expected {
        "any" => found != "panicked",
        "fault" => !matches!(found, "panicked" | "fired") && !found.starts_with("refused"),
        "refused" => found.starts_with("refused") && found.contains('`'),
        expected => found == expected,
    }
}

#[test]
fn expressions_nested_without_end_are_refused() {
    let body = |body: String| format!("fn judge(message, facts) {{ {body} }}");
    for (what, source) in [
        ("parentheses", body(format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)))),
        ("brackets", body(format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)))),
        ("blocks", body(format!("{}1{}", "{".repeat(5_000), "}".repeat(5_000)))),
        ("negations", body(format!("{}true", "!".repeat(5_000)))),
        ("sums", body(format!("{}1 > 0", "1+".repeat(5_000)))),
        ("texts", body(format!("message.text{}.len > 0", ".trim()".repeat(2_000)))),
        ("indices", body(format!("let a = [1]; a{}", "[0]".repeat(5_000)))),
        ("else", body(format!("{}{{}}", "if false {} else ".repeat(1_500)))),
        ("closures", body(format!("{}{}", "[1].map(|x| ".repeat(1_000), ")".repeat(1_000)))),
        ("interpolations", body(format!("{}{}", "`${".repeat(1_000), "}`".repeat(1_000)))),
        ("comments", body(format!("{}{}", "/*".repeat(5_000), "*/".repeat(5_000)))),
        ("functions", "fn f(){".repeat(1_000)),
        ("nothing", String::new()),
        ("zeroes", "\0".repeat(1_000)),
        ("a quote", "fn judge(message, facts) { \"".into()),
    ] {
        let result = engine().compile(&source, None);
        if what == "comments" {
            assert!(result.is_ok(), "{what}");
        } else {
            assert!(!result.unwrap_err().is_empty(), "{what}");
        }
    }
}

#[test]
fn a_row_of_alternatives_is_fine() {
    let all: Vec<_> = (0..50).map(|n| format!("message.text == \"{n}\"")).collect();
    let decision = run_body(&all.join(" || ")).map(|outcome| outcome.decision);
    assert_eq!(decision, Ok(Decision::Fired(false)));
}

/// All depths used up at once.
#[test]
fn the_deepest_scripts_fit_the_stack() {
    for (open, close) in [("(1 + [", "].len)"), ("1 + [", "].len"), ("one([1].map(|x| ", "))")] {
        let deepest = (1..64).rev().find_map(|levels| {
            let nested = format!("{}dig(1){}", open.repeat(levels), close.repeat(levels));
            let source = format!(
                "fn one(n) {{ 1 }} fn dig(n) {{ {nested} }} fn judge(message, facts) {{ dig(0) }}"
            );
            engine().compile(&source, None).is_ok().then_some(source)
        });
        let source = deepest.unwrap();
        assert_eq!(on_small_stack(source), "depth", "{open}");
    }
}

const PIECES: [&str; 40] = [
    "message",
    ".text",
    ".fields",
    "facts",
    ".x",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "|x|",
    "#{",
    "a:",
    "1",
    "\"s\"",
    "'c'",
    "`${",
    "}`",
    "+",
    "-",
    "==",
    "&&",
    "||",
    "!",
    "in",
    "..",
    "=",
    "+=",
    ";",
    ",",
    "let a",
    "if ",
    "else",
    "for i in",
    "return",
    "hits(\"l\")",
    ".map(",
    ".len",
    "switch",
];

proptest::proptest! {
    /// Whatever is written, compiling and running it ends with an answer or an error.
    #[test]
    fn no_soup_of_pieces_breaks_the_engine(picks in proptest::collection::vec(0..PIECES.len(), 0..24)) {
        let soup: Vec<_> = picks.into_iter().map(|pick| PIECES[pick]).collect();
        let limits = Limits { operations: 2_000, ..Limits::default() };
        let engine = Engine::new(limits, || 0);
        let source = format!("fn judge(message, facts) {{ let a = [1, 2]; {} }}", soup.join(" "));
        if let Ok(script) = engine.compile(&source, None) {
            let (message, facts) = (message(), Facts::default());
            let result = engine.run(&script, &Input::new(&message, &facts), &mut Budget::timeless());
            proptest::prop_assert_ne!(result, Err(ScriptFault::Panicked), "{}", source);
        } else {
            let text: String = soup.concat();
            proptest::prop_assert!(engine.compile(&text, None).is_err());
        }
    }
}
