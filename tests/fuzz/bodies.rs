//! What the fuzz targets do with their bytes.
//!
//! The targets hand it what the fuzzer makes up, the test `it::corpora` what was kept of that. A
//! body returns when nothing went wrong and panics otherwise.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Instant;

use quell::message::{ConversationKind, Field, Kind, KindSet, Message};
use quell::platform::tencent::{App, GROUP_CODES, Query, Secret, Settings, answer, verify};
use quell::rulebook::script::input::{Input, ListHits};
use quell::rulebook::script::{Budget, Engine, Limits};
use quell::rulebook::{CodeRange, Facts, Options, Rulebook, Scratch, Sources, Timestamp};
use quell::text::{self, Sound, Suspects, Technique, Tight, TightEntry, View, fold};
use quell::verdict::{Firing, Judgement};

const NOW: Timestamp = Timestamp(1_795_392_000);

/// Longer inputs show nothing that shorter ones do not.
const TEXT_MAX: usize = 4_096;

/// Every verdict, view and matcher.
const RULES: &str = r#"
[list.masked]
allow = ["fine"]
entries = ["badword", "微信", "㎏", "ab c", "กำ"]
[list.tight]
entries = ["wechat", "加微信", "Straße"]
view = "tight"
severe = true
always = true
[list.sound]
entries = ["加微信", "澳门新葡京"]
view = "sound"
variants = ["pinyin", "parts", "reversed"]
[list.fine]
entries = ["微信支付", "badword pun"]
[list.dropped]
entries = ["casino*", "A & B ~ C"]

[[rule]]
id = "masked"
title = "Masks words"
category = "test"
when.lists = ["masked", "tight", "sound"]
then.verdict = "mask"

[[rule]]
id = "dropped"
title = "Drops"
category = "test"
when.lists = "dropped"
then.verdict = "discard"

[[rule]]
id = "called"
title = "Contact numbers and links"
category = "test"
when.any = [{ contact_number = true }, { links = true }, { regex = ['\bxyz+\b'] }]
then.verdict = "deny"
then.code = 10130
then.notice = "no"

[[rule]]
id = "scripted"
title = "A script"
category = "test"
mode = "shadow"
when.script = "a.rhai"
then.verdict = "deny"
"#;

const SCRIPT: &str = r#"fn judge(message, facts) {
    hits("masked").len > 1 || links().len > 2 || message.text.len() > 100 && message.custom != ()
}"#;

/// Nanoseconds since the first call.
fn clock() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn options() -> Options {
    Options {
        clock,
        now: NOW,
        codes: vec![CodeRange {
            what: "a group message",
            conversation: ConversationKind::Group,
            codes: GROUP_CODES,
        }],
        script_limits: Limits::default(),
        read_sample: quell::sample::read_sample,
    }
}

fn compile(files: &[(&str, &[u8])]) -> Option<Rulebook> {
    let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
    let (rulebook, report) = Rulebook::compile(&Sources { files: files.collect() }, &options());
    for diagnostic in &report.diagnostics {
        assert!(!diagnostic.to_string().is_empty());
    }
    rulebook
}

fn message<'a>(texts: &[(&'a str, bool)]) -> Message<'a> {
    let kinds = KindSet::of(Kind::Text);
    let field = |(index, &(text, joined)): (usize, &(&'a str, bool))| Field {
        element: u32::try_from(index).ok(),
        ordinal: 0,
        kinds,
        path: "Text".into(),
        text: text.into(),
        joined,
    };
    Message {
        sender: "someone".into(),
        elements: vec![Kind::Text; texts.len()],
        kinds,
        fields: texts.iter().enumerate().map(field).collect(),
        ..Message::default()
    }
}

/// Judges twice and checks that the spans lie on characters of the fields they name.
fn judge(rulebook: &Rulebook, message: &Message<'_>, scratch: &mut Scratch) -> Judgement {
    let facts = Facts { numbers: BTreeMap::from([("sent_60s".to_owned(), 3)]) };
    let judgement = rulebook.judge(message, &facts, NOW, scratch);
    let firings = || judgement.fired.iter().chain(&judgement.shadow);
    let of = |firing: &Firing| firing.hits.iter().map(|hit| hit.span.clone()).collect::<Vec<_>>();
    for span in firings().flat_map(of).chain(judgement.masks.iter().cloned()) {
        let typed = message.fields.get(span.field).and_then(|f| f.text.get(span.range.clone()));
        assert!(typed.is_some_and(|typed| !typed.is_empty()), "{span:?} in {message:?}");
    }
    for two in judgement.masks.windows(2) {
        let [a, b] = two else { continue };
        assert!((a.field, a.range.end) < (b.field, b.range.start), "{two:?}");
    }
    assert_eq!(judgement, rulebook.judge(message, &facts, NOW, &mut Scratch::default()));
    judgement
}

/// A callback's body, perhaps with a first line `?query`.
pub fn callback(data: &[u8]) {
    static RULEBOOK: LazyLock<Rulebook> = LazyLock::new(|| {
        compile(&[("rules.toml", RULES.as_bytes()), ("a.rhai", SCRIPT.as_bytes())]).unwrap()
    });
    let (query, body) = match data.strip_prefix(b"?") {
        Some(rest) => {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            rest.split_at(end)
        }
        None => (&b""[..], data),
    };
    let Ok(query) = str::from_utf8(query) else { return };
    let query = Query::parse(query);
    let settings = Settings::default();
    let mut scratch = Scratch::default();
    let mut first = None;
    for _ in 0..2 {
        let seen = &mut |message: &Message<'_>| judge(&RULEBOOK, message, &mut scratch);
        let Ok(answer) = answer(&query, body, &settings, seen) else { return };
        let reply: serde_json::Value = serde_json::from_slice(&answer.reply).unwrap();
        assert_eq!(reply["ActionStatus"], "OK");
        assert!(reply["ErrorInfo"].is_string() && reply["ErrorCode"].is_u64(), "{reply}");
        let reply = answer.reply;
        assert_eq!(first.get_or_insert_with(|| reply.clone()), &reply);
    }
}

/// A URL's query.
pub fn query(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let query = Query::parse(&text);
    assert_eq!(query.raw, text);
    let app = |tokens: &[&str]| App {
        sdk_app_id: 1_400_000_001,
        tokens: tokens.iter().map(|token| Secret::new(*token)).collect(),
    };
    assert!(matches!(verify(&query, &[], NOW, 60), Ok(None)));
    let open = [app(&[])];
    let named = query.sdk_app_id == Some(1_400_000_001);
    assert_eq!(verify(&query, &open, NOW, 60).is_ok(), named);
    let closed = [app(&["a token"]), app(&["another"])];
    if verify(&query, &closed, NOW, 60).is_ok() {
        // Only what the seeds hold is signed.
        assert!(named && data.windows(4).any(|window| window == b"Sign"));
    }
    assert!(!format!("{query:?}").is_empty());
    let _command = query.command();
}

/// A rule file beside a few lists and a script.
pub fn rules(data: &[u8]) {
    let files: [(&str, &[u8]); 5] = [
        ("rules.toml", data),
        ("lists/a.txt", "badword\n加微信\nA & B ~ C\n".as_bytes()),
        ("lists/a.csv", b"term,match,unless\nbad,word,bad luck\nworse,,\n"),
        ("a.rhai", SCRIPT.as_bytes()),
        ("lib.rhai", b"fn twice(x) { x * 2 }"),
    ];
    let Some(rulebook) = compile(&files) else { return };
    let mut scratch = Scratch::default();
    for text in ["badword 加微信 bad A B", "ＢＡＤ ｗｏｒｄ 138 0013 8000 a.example.com", ""]
    {
        judge(&rulebook, &message(&[(text, false), (text, true)]), &mut scratch);
    }
    assert_eq!(rulebook.rules().len(), rulebook.size().rules);
}

/// A list, read as `.txt` and as `.csv`, in every view; its own text is then judged by it.
pub fn lists(data: &[u8]) {
    const LISTS: &str = r#"
[list.a]
file = ["a.txt", "a.csv"]
[list.b]
file = ["a.txt", "a.csv"]
view = "tight"
severe = true
always = true
allow = ["a"]
[list.c]
file = "a.txt"
view = "sound"
match = "anywhere"
variants = ["pinyin", "parts", "reversed"]
[[rule]]
id = "r"
title = "r"
category = "r"
when.lists = ["a", "b", "c"]
then.verdict = "mask"
"#;
    let text = String::from_utf8_lossy(data);
    let text = text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default();
    let lines: Vec<(&str, bool)> = text.split('\n').map(|line| (line, true)).collect();
    let mut scratch = Scratch::default();
    for csv in [data, b"term\nx\n"] {
        let files = [("rules.toml", LISTS.as_bytes()), ("a.txt", data), ("a.csv", csv)];
        if let Some(rulebook) = compile(&files) {
            judge(&rulebook, &message(&lines), &mut scratch);
            judge(&rulebook, &message(&[(text, false)]), &mut scratch);
        }
    }
    if let Some(rulebook) = compile(&[
        ("rules.toml", LISTS.replace("\"a.txt\"", "\"a.csv\"").as_bytes()),
        ("a.csv", data),
    ]) {
        judge(&rulebook, &message(&[(text, false)]), &mut scratch);
    }
}

/// A script.
pub fn script(data: &[u8]) {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        // So that the fuzzer gets somewhere.
        Engine::new(Limits { operations: 20_000, ..Limits::default() }, clock)
    });
    let Ok(source) = str::from_utf8(data) else { return };
    let script = match ENGINE.compile(source, None) {
        Ok(script) => script,
        Err(errors) => {
            for error in errors {
                assert!(!error.message.is_empty() && error.place.offset <= source.len());
            }
            return;
        }
    };
    let message = message(&[("加我 vx 12 ＡＢＣ", false), ("gift", false)]);
    let facts = Facts { numbers: BTreeMap::from([("sent_60s".to_owned(), 25)]) };
    let mut input = Input::new(&message, &facts);
    input.hits = &[ListHits { list: "ads", texts: &["vx", "加我"] }];
    input.patterns = &["wechat-id"];
    let links = ["https://example.com/a".into()];
    input.links = &links;
    let first = ENGINE.run(&script, &input, &mut Budget::timeless());
    assert_eq!(first, ENGINE.run(&script, &input, &mut Budget::timeless()));
}

/// A text: `U+001E` parts it into joined fields, `U+001F` into fields apart.
pub fn views(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let text = text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default();
    let mut fields: Vec<(&str, bool)> = Vec::new();
    let mut joined = false;
    for part in text.split_inclusive(['\u{1e}', '\u{1f}']) {
        fields.push((part.trim_end_matches(['\u{1e}', '\u{1f}']), joined));
        joined = part.ends_with('\u{1e}');
    }
    let mut view = View::default();
    for (index, (text, joined)) in fields.iter().enumerate() {
        view.push(index, text, *joined);
    }
    let texts: Vec<&str> = fields.iter().map(|(text, _)| *text).collect();
    check_plain(&view, &texts);
    check_finders(&view, &texts);
    check_tight_and_sound(&view);
}

/// Spans lie on characters, in order and without gaps; folding again changes nothing.
fn check_plain(view: &View, texts: &[&str]) {
    let folded = view.text();
    let mut last: Option<(usize, Range<usize>)> = None;
    for (at, char) in folded.char_indices().filter(|(_, char)| *char != '\u{1}') {
        let spans: Vec<_> = view.spans(at..at + char.len_utf8()).collect();
        let [span] = spans.as_slice() else { panic!("{spans:?}") };
        assert_eq!(span.field, view.field_at(at));
        let text = texts.get(span.field).copied().unwrap_or_default();
        assert!(text.get(span.range.clone()).is_some_and(|typed| !typed.is_empty()), "{span:?}");
        if let Some((_, last)) = last.filter(|(field, _)| *field == span.field) {
            let meets = span.range.start == last.end || span.range == last;
            assert!(meets, "{last:?} {span:?}");
        }
        last = Some((span.field, span.range.clone()));
    }
    for text in texts {
        let once = fold(text);
        assert_eq!(fold(&once), once, "{text:?}");
    }
}

/// Contact numbers and links lie on characters, are announced by the signs, and can be masked.
fn check_finders(view: &View, texts: &[&str]) {
    let signs = view.signs(&Suspects::default());
    let contacts = text::contacts(view);
    let links = text::links(view);
    assert!(contacts.is_empty() || signs.call_for_contacts(), "{:?}", view.text());
    assert!(links.is_empty() || signs.call_for_links(), "{:?} {links:?}", view.text());
    let mut ranges: Vec<Range<usize>> = links.iter().map(|link| link.range.clone()).collect();
    ranges.extend(contacts);
    for range in &ranges {
        assert!(view.text().get(range.clone()).is_some_and(|found| !found.is_empty()));
    }
    for link in &links {
        assert_eq!(text::domains(&link.host).next(), Some(link.host.as_str()));
    }
    // And some more, so that there is something to mask.
    let starts = view.text().char_indices().map(|(at, _)| at);
    ranges.extend(starts.step_by(5).map(|at| at..at + 3));
    for (index, text) in texts.iter().enumerate() {
        let mut spans: Vec<Range<usize>> = ranges
            .iter()
            .flat_map(|range| view.spans(range.clone()))
            .filter(|span| span.field == index)
            .map(|span| span.range)
            .collect();
        spans.sort_by_key(|range| (range.start, range.end));
        check_mask(text, &spans);
    }
}

/// Of what is printable ASCII, exactly that outside the ranges stays, and spaces.
fn check_mask(text: &str, ranges: &[Range<usize>]) {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range.clone()),
        }
    }
    let masked = text::mask(text, merged.iter().cloned(), '█');
    let stays = |(at, char): (usize, char)| {
        let covered = merged.iter().any(|range| range.contains(&at));
        (matches!(char, '!'..='~') && !covered || char == ' ').then_some(char)
    };
    let stay = text.char_indices().filter_map(stays);
    assert!(stay.eq(masked.chars().filter(|char| matches!(char, ' '..='~'))), "{text:?}");
}

/// What is verified lies on characters; the sound view has the offsets of the plain one.
fn check_tight_and_sound(view: &View) {
    let plain = view.text();
    let mut tight = Tight::default();
    tight.fold(view, true);
    let mut sound = Sound::default();
    sound.fold(view);
    assert_eq!(sound.text().len(), plain.len());
    assert!(plain.char_indices().all(|(at, _)| sound.text().is_char_boundary(at)));
    let tokens = plain.split([' ', '\u{1}']).chain(["wechat", "加微信", "scum"]).take(12);
    for token in tokens {
        for severe in [false, true] {
            let Some(entry) = TightEntry::new(token, severe) else { continue };
            for form in entry.starred().into_iter().chain([entry]).take(6) {
                for (at, found) in tight.text().match_indices(form.pattern()).take(20) {
                    if let Some(range) = tight.verify(view, at..at + found.len(), &form) {
                        assert!(plain.get(range).is_some_and(|typed| !typed.is_empty()));
                    }
                }
            }
        }
        if let Ok(entry) = Sound::entry(token) {
            assert!(sound.text().contains(&entry) || !plain.contains(token), "{token}");
        }
        for technique in [Technique::Pinyin, Technique::Parts, Technique::Reversed] {
            for variant in text::variants(token, technique).unwrap_or_default() {
                assert_eq!(fold(&variant), variant);
            }
        }
    }
}
