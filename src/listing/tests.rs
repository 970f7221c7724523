use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use proptest::prelude::*;

use super::{
    Budget, Fate, Import, Input, ORDINARY_MIN, Outcome, Reason, Side, decode, host, messages,
    screen,
};
use crate::rulebook::{Options, Timestamp, script};

fn options() -> Options {
    Options {
        clock: || 0,
        now: Timestamp(1_800_000_000),
        codes: Vec::new(),
        script_limits: script::Limits::default(),
        read_sample: |_, _| Ok(()),
    }
}

fn import(name: &str, bytes: &[u8]) -> Import {
    let mut import = Import::default();
    import.read(&Input { name: name.to_owned(), bytes: bytes.to_vec() }).unwrap();
    import
}

fn outcome(import: Import, ordinary: &[String], abusive: &[String], budget: &str) -> Outcome {
    let mut weighing = import.weigh(&options()).unwrap();
    for text in ordinary {
        weighing.text(Side::Ordinary, text);
    }
    for text in abusive {
        weighing.text(Side::Abusive, text);
    }
    weighing.finish(budget.parse().unwrap())
}

/// Every entry is in exactly one place, and the files hold what the report says.
#[track_caller]
fn check_totals(outcome: &Outcome) {
    let report = outcome.report();
    let sum = report.kept + report.hosts + report.merged + report.review;
    assert_eq!(report.entries, sum);
    assert_eq!(report.entries, outcome.fates().count());
    assert_eq!(report.review, report.reasons.values().sum::<usize>());
    let rows = |text: &str| csv::Reader::from_reader(text.as_bytes()).records().count();
    assert_eq!(report.kept, rows(&outcome.list()));
    assert_eq!(report.review, rows(&outcome.review()));
    assert_eq!(report.hosts, outcome.hosts().lines().count());
    assert_eq!(report.entries - report.kept, outcome.findings().count());
}

fn cases() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/listing")
}

/// Each file of the cases, against what is expected of each of its entries.
#[test]
fn dirty_files() {
    let mut seen = 0;
    for entry in fs::read_dir(cases()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".expected") {
            continue;
        }
        seen += 1;
        let outcome = outcome(import(&name, &fs::read(&path).unwrap()), &[], &[], "0.5");
        check_totals(&outcome);
        let codes: BTreeMap<(usize, String), String> = outcome
            .findings()
            .map(|finding| ((finding.line, finding.term.clone()), finding.why))
            .collect();
        let mut got = String::new();
        for entry in &outcome.import.entries {
            let key = (entry.line, entry.raw.trim().to_owned());
            let fate = match &entry.fate {
                Fate::Kept => format!("kept `{}`", entry.text),
                Fate::Host(host) => format!("host {host}"),
                _ => codes[&key].clone(),
            };
            writeln!(got, "{}: {} -> {fate}", entry.line, key.1.escape_debug()).unwrap();
        }
        let expected = cases().join(format!("{name}.expected"));
        if env::var_os("QUELL_UPDATE_CASES").is_some() {
            fs::write(&expected, &got).unwrap();
        }
        assert_eq!(got, fs::read_to_string(&expected).unwrap(), "{name}");
    }
    assert!(seen >= 5, "{seen}");
}

/// The lines told are those that an editor shows.
#[test]
fn lines_of_a_table_are_counted_as_editors_do() {
    let lines = |text: &str| -> Vec<usize> {
        import("a.csv", text.as_bytes()).entries.iter().map(|entry| entry.line).collect()
    };
    let unix = "term,note\n\nfirst one,\n\"second one\",\"two\nlines\"\n\n\nthird one,\n";
    assert_eq!(lines(unix), [3, 4, 8]);
    assert_eq!(lines(&unix.replace('\n', "\r\n")), [3, 4, 8]);
    assert_eq!(lines("\n\r\nfirst one,x\r\nsecond one,\"y\r\nthird one,z\r\n"), [3, 3, 4, 4, 5, 5]);
}

#[test]
fn a_column_named_twice_is_read_once_and_kept_as_a_note() {
    let csv = "term,match,note,match\nfree coins,word,old,anywhere\n";
    let list = outcome(import("a.csv", csv.as_bytes()), &[], &[], "0.5").list();
    assert!(list.ends_with("free coins,word,,,,,old; match: anywhere\n"), "{list}");
}

/// The clean list is one that a rulebook takes without a word, and nothing more to find in it.
#[test]
fn what_is_clean_stays_clean() {
    let bytes = fs::read(cases().join("dirty.txt")).unwrap();
    let first = outcome(import("dirty.txt", &bytes), &[], &[], "0.5");
    let again = outcome(import("list.csv", first.list().as_bytes()), &[], &[], "0.5");
    assert_eq!(again.report().kept, first.report().kept);
    assert_eq!(again.findings().count(), 0);
    assert_eq!(again.list(), first.list());
    let review = outcome(import("review.csv", first.review().as_bytes()), &[], &[], "0.5");
    assert_eq!(review.report().entries, first.report().review);
}

#[test]
fn encodings() {
    let text = "代开发票\r\n办理证件\r\n联通\r\n";
    let utf_16: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = utf_16.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = utf_16.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let (gb, _, _) = encoding_rs::GB18030.encode(text);
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    let mixed = [&gb[..], "薅羊毛线报\n刷单兼职\n高薪日结\n".as_bytes()].concat();
    for (bytes, encoding, expected) in [
        (text.as_bytes().to_vec(), None, text),
        (marked(b"\xEF\xBB\xBF", text.as_bytes()), None, text),
        (gb.to_vec(), Some("GB18030"), text),
        (marked(b"\xFF\xFE", &little), Some("UTF-16LE"), text),
        (little, Some("UTF-16LE"), text),
        (marked(b"\xFE\xFF", &big), Some("UTF-16BE"), text),
        (big, Some("UTF-16BE"), text),
    ] {
        let decoded = decode::decode(&bytes);
        assert_eq!((&*decoded.text, decoded.encoding), (expected, encoding));
    }
    let decoded = decode::decode(&mixed);
    assert!(decoded.text.contains("办理证件") && decoded.text.contains("刷单兼职"));
}

#[test]
fn hosts() {
    use host::Link::{Host, Page, Suffix};
    for (term, expected) in [
        ("lucky-slots.test", Some(Host("lucky-slots.test".into()))),
        ("HTTPS://www.Lucky.example.com:8080/", Some(Host("lucky.example.com".into()))),
        ("ｌｕｃｋｙ．ｃｏｍ", Some(Host("lucky.com".into()))),
        ("10.0.0.1", Some(Host("10.0.0.1".into()))),
        ("xn--fiq228c.xn--fiqs8s", Some(Host("xn--fiq228c.xn--fiqs8s".into()))),
        ("彩票.中国", Some(Host("彩票.中国".into()))),
        ("lucky.com/win", Some(Page("lucky.com".into()))),
        ("com.cn", Some(Suffix("com.cn".into()))),
        ("3.14", None),
        ("v2.0", None),
        ("a.b.c", None),
        ("someone@lucky.com", None),
        ("等等...", None),
        ("-x.com", None),
        ("ftp://", None),
        ("word", None),
    ] {
        assert_eq!(host::read(term), expected, "{term}");
    }
}

#[test]
fn cleaning() {
    for (dirty, clean) in [
        ("  刷\u{200b}单\u{feff}兼职，", "刷单兼职"),
        ("&lt;b&gt;", "<b>"),
        ("&#x5237;&#21333;", "刷单"),
        ("AT&T", "AT&T"),
        ("a & b", "a & b"),
        ("&#xffffff;", "&#xffffff"),
        ("\"in quotes\"", "in quotes"),
        ("\u{7}bell", "bell"),
    ] {
        assert_eq!(screen::clean(dirty), clean, "{dirty:?}");
    }
}

#[test]
fn budgets() {
    let percent = |text: &str| text.parse::<Budget>().ok().map(Budget::percent);
    assert_eq!(percent("0.5"), Some(0.5));
    assert_eq!(percent("2%"), Some(2.0));
    assert_eq!(percent("100"), Some(100.0));
    assert_eq!(percent("0.0001"), Some(0.0001));
    for bad in ["", "-1", "101", "0.00001", "1e3", "½", ".5", "99999999999"] {
        assert_eq!(percent(bad), None, "{bad}");
    }
}

fn texts(parts: &[(&str, usize)]) -> Vec<String> {
    let all = parts.iter().flat_map(|(text, times)| std::iter::repeat_n(*text, *times));
    all.enumerate().map(|(number, text)| format!("{text} {number}")).collect()
}

#[track_caller]
fn fate(outcome: &Outcome, term: &str) -> Option<Reason> {
    let entries = &outcome.import.entries;
    match &entries.iter().find(|entry| entry.text == term).unwrap().fate {
        Fate::Review { reason, .. } => Some(*reason),
        _ => None,
    }
}

#[test]
fn the_budget_holds_and_the_worst_go_first() {
    let ordinary = texts(&[
        ("今天天气不错", 1_900),
        ("公司的网络很慢", 60),
        ("投资需要谨慎", 8),
        ("借钱要还", 3),
        ("Class starts at nine", 29),
    ]);
    let list = "网络\n投资需要\n借钱\nclass\n稳赚不赔\n带你上岸\n";
    let outcome = outcome(import("a.txt", list.as_bytes()), &ordinary, &[], "0.5");
    check_totals(&outcome);
    let shares = outcome.report().ordinary.unwrap();
    assert_eq!(shares.messages, 2_000);
    assert_eq!(shares.before.matched, 100);
    // Naive filters do not fold the capital.
    assert_eq!(shares.before.naive, 71);
    assert_eq!(shares.after, 3);
    assert_eq!(fate(&outcome, "网络"), Some(Reason::Ordinary));
    assert_eq!(fate(&outcome, "class"), Some(Reason::Ordinary));
    assert_eq!(fate(&outcome, "投资需要"), Some(Reason::Budget));
    assert_eq!(fate(&outcome, "借钱"), None);
    assert_eq!(fate(&outcome, "稳赚不赔"), None);
    assert!(outcome.review().contains("hits 8 of 2000 ordinary messages"));
    assert_eq!(outcome.report().worst[0].term, "网络");
}

#[test]
fn abusive_messages_show_what_discriminates() {
    let ordinary = texts(&[("今天天气不错", 990), ("真讨厌啊", 5), ("隔壁班同学", 5)]);
    let abusive = texts(&[("你真讨厌滚开", 50), ("隔壁班同学", 1), ("走开", 49)]);
    let list = "真讨厌\n隔壁班\n滚开吧\n";
    let outcome = outcome(import("a.txt", list.as_bytes()), &ordinary, &abusive, "0.5");
    assert_eq!(fate(&outcome, "真讨厌"), None);
    // One in a hundred abusive, five in a thousand ordinary ones: better than chance, but no room.
    assert_eq!(fate(&outcome, "隔壁班"), Some(Reason::Budget));
    let report = outcome.report();
    assert_eq!(report.ordinary.unwrap().after, 5);
    assert_eq!(report.abusive.unwrap().before.matched, 51);
    assert_eq!(report.abusive.unwrap().after, 50);
}

#[test]
fn two_han_need_a_corpus() {
    let list = "刷单\n";
    let few = texts(&[("今天天气不错", ORDINARY_MIN - 1)]);
    let enough = texts(&[("今天天气不错", ORDINARY_MIN)]);
    let with = |texts: &[String]| {
        fate(&outcome(import("a.txt", list.as_bytes()), texts, &[], "0.5"), "刷单")
    };
    assert_eq!(with(&[]), Some(Reason::TwoHan));
    assert_eq!(with(&few), Some(Reason::TwoHan));
    assert_eq!(with(&enough), None);
}

/// Many entries that hit once each tell that those of their kind without a hit would hit, too.
#[test]
fn what_hits_nothing_is_trusted_only_as_far_as_its_like() {
    let han: Vec<char> = ('\u{4e00}'..'\u{4f00}').collect();
    let pairs: Vec<String> = han.chunks_exact(2).map(|pair| pair.iter().collect()).collect();
    let mut ordinary = texts(&[("今天天气不错", 1_000)]);
    ordinary.extend(pairs.iter().take(64).map(|pair| format!("说 {pair} 吧")));
    let list = format!("{}\nlong enough words\n", pairs.join("\n"));
    let outcome = outcome(import("a.txt", list.as_bytes()), &ordinary, &[], "0.5");
    check_totals(&outcome);
    assert_eq!(fate(&outcome, &pairs[100]), Some(Reason::Unproven));
    assert_eq!(fate(&outcome, "long enough words"), None);
    assert!(outcome.report().ordinary.unwrap().after <= 5);
}

#[test]
fn corpora() {
    let read = |name: &str, text: &str| {
        messages(&Input { name: name.to_owned(), bytes: text.as_bytes().to_vec() })
    };
    assert_eq!(read("a.txt", "one, two\n\n three\n").unwrap(), ["one, two", " three"]);
    let csv = "id,TEXT\n1,\"one, two\"\n2,\n3,three\n";
    assert_eq!(read("a.csv", csv).unwrap(), ["one, two", "three"]);
    assert_eq!(read("a.tsv", "text\tx\none\t1\n").unwrap(), ["one"]);
    let error = read("a.csv", "id,said\n1,one\n").unwrap_err();
    assert!(error.to_string().ends_with("id, said"), "{error}");
}

#[test]
fn the_report_reads_well() {
    let bytes = fs::read(cases().join("dirty.txt")).unwrap();
    let ordinary = texts(&[("今天天气不错", 1_000), ("代开发票是违法的", 3)]);
    let outcome = outcome(import("dirty.txt", &bytes), &ordinary, &[], "0.5");
    let text = outcome.report().to_string();
    for part in ["kept", "duplicates merged", "0.30 %", "after: what is kept", "one-character"] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
    let json = serde_json::to_value(outcome.report()).unwrap();
    assert_eq!(json["ordinary"]["messages"], 1_003);
    assert_eq!(json["reasons"]["one-character"], 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the bytes, every entry ends up somewhere.
    #[test]
    fn totals_add_up(
        bytes in prop::collection::vec(
            prop::sample::select(vec![
                "\n".as_bytes(), b",", b"|", b"\"", b"term,match", b"&#", b" & ", b" ~ ", b"*",
                b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xB4\xFA", "代".as_bytes(), "开票".as_bytes(),
                b"abcd", b".com", b"/", b"\t", b"\0", b"\xE2\x80\x8B", b"#", b"'", b"(",
            ]),
            0..60,
        ),
        name in prop_oneof![Just("a.txt"), Just("a.csv"), Just("a.tsv")],
    ) {
        let outcome = outcome(import(name, &bytes.concat()), &texts(&[("代开票", 3)]), &[], "0.5");
        check_totals(&outcome);
    }
}
