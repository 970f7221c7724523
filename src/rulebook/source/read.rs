//! From TOML to sources. Every mistake is reported; what could be read is returned.

use std::sync::Arc;

use toml::de::DeTable;

use super::{
    ACTIONS, Action, BlockSource, BoundsSource, ExampleSource, FileSource, JsonSource, LinksSource,
    ListSource, MATCHINGS, MODES, Matching, Mode, PatternSource, RuleSource, ScopeSource,
    StrictnessSource, ThenSource, ThresholdSource, TimeSource, VERDICTS, VIEWS,
};
use crate::rulebook::Facts;
use crate::rulebook::diagnostic::{Place, Sink};
use crate::rulebook::example::Sample;
use crate::rulebook::syntax;
use crate::rulebook::table::{At, Table};
use crate::verdict::{Verdict, ViewKind};

/// Reads one rule file. Whatever is wrong with it goes to `sink`; what could be read is returned.
pub(crate) fn read(file: &Arc<str>, text: &str, sink: &mut Sink) -> FileSource {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let place = Place::new(file, error.span().unwrap_or(0..0));
        syntax::error(error.message(), &place, text, sink);
    }
    let span = document.span();
    let mut table = Table::new(file, document.get_ref(), span, "a rule file");
    let mut source = FileSource::default();
    for (name, table) in table.named_tables(sink, "list", "a list") {
        source.lists.push(list(name, table, sink));
    }
    for (name, table) in table.named_tables(sink, "pattern", "a pattern") {
        source.patterns.extend(pattern(name, table, sink));
    }
    for rule_table in table.tables(sink, "rule", "a rule") {
        source.rules.extend(rule(rule_table, sink));
    }
    for table in table.tables(sink, "example", "an example") {
        source.examples.push(example(table, sink));
    }
    for table in table.tables(sink, "threshold", "a threshold") {
        source.thresholds.extend(threshold(table, sink));
    }
    if let Some(table) = table.table(sink, "strictness", "`strictness`") {
        source.strictness = Some(strictness(table, sink));
    }
    // After a syntax error the parser guesses where things belong; unknown keys would be noise.
    if errors.is_empty() {
        table.finish(sink);
    }
    source
}

fn list(name: At<String>, mut table: Table<'_>, sink: &mut Sink) -> ListSource {
    let files = table.strings(sink, "file").unwrap_or_default();
    let entries = table.strings(sink, "entries").unwrap_or_default();
    let view = table.one_of(sink, "view", &VIEWS).map_or(ViewKind::Plain, |at| at.value);
    let matching = table.one_of(sink, "match", &MATCHINGS).map_or(Matching::Auto, |at| at.value);
    let list = ListSource {
        files,
        entries,
        view,
        matching,
        always: table.boolean(sink, "always").is_some_and(|at| at.value),
        severe: table.boolean(sink, "severe").is_some_and(|at| at.value),
        variants: table.strings(sink, "variants").unwrap_or_default(),
        allow: table.strings(sink, "allow").unwrap_or_default(),
        name,
    };
    if !table.has("file") && !table.has("entries") && !table.has_unknown() {
        let what = format!("list `{}` has no entries", list.name.value);
        sink.error(&list.name.place, "empty-list", what)
            .help("give it `file = \"lists/NAME.txt\"` or `entries = [\"…\"]`");
    }
    table.finish(sink);
    list
}

fn pattern(name: At<String>, mut table: Table<'_>, sink: &mut Sink) -> Option<PatternSource> {
    let regex = table.string(sink, "regex");
    if regex.is_none() && !table.has("regex") {
        sink.error(table.place(), "missing-key", "this pattern has no `regex`".to_owned())
            .help("write it as regex = '…'");
    }
    table.finish(sink);
    Some(PatternSource { name, regex: regex? })
}

fn rule(mut table: Table<'_>, sink: &mut Sink) -> Option<RuleSource> {
    let place = table.place().clone();
    let id = table.string(sink, "id");
    if let Some(at) = id.as_ref().filter(|at| at.value.is_empty()) {
        sink.error(&at.place, "bad-id", "this `id` is empty".to_owned())
            .help("give the rule a name of its own, such as id = \"ads.links\"");
    } else if id.is_none() && !table.has("id") {
        sink.error(&place, "missing-key", "this rule has no `id`".to_owned())
            .help("give it a name of its own, such as id = \"ads.links\"");
    }
    let scope_table = table.table(sink, "scope", "`scope`");
    let when_table = table.table(sink, "when", "`when`");
    let then_table = table.table(sink, "then", "`then`");
    if then_table.is_none() && !table.has("then") {
        sink.error(&place, "missing-key", "this rule has no `then`".to_owned())
            .help("say what happens, such as then.verdict = \"deny\"");
    }
    let rule = RuleSource {
        id: id.unwrap_or_else(|| At { value: String::new(), place: table.place().clone() }),
        title: text_of(table.string(sink, "title")),
        category: text_of(table.string(sink, "category")),
        on: table.strings(sink, "on"),
        scope: scope_table.map(|table| scope(table, sink)).unwrap_or_default(),
        mode: table.one_of(sink, "mode", &MODES).map_or(Mode::Enforce, |at| at.value),
        rollout: small(table.integer(sink, "rollout", 0..=100), 100),
        until: table.date(sink, "until"),
        level: small(table.integer(sink, "level", 1..=4), 1),
        when: when_table.map(|table| block(table, sink, true)),
        then: then_table.map_or_else(ThenSource::none, |table| then(table, sink)),
        on_fault: table.one_of(sink, "on_fault", &VERDICTS).map_or(Verdict::Allow, |at| at.value),
        examples: table
            .tables(sink, "example", "an example")
            .into_iter()
            .map(|table| example(table, sink))
            .collect(),
    };
    table.finish(sink);
    (!rule.id.value.is_empty()).then_some(rule)
}

fn text_of(at: Option<At<String>>) -> String {
    at.map(|at| at.value).unwrap_or_default()
}

fn small(at: Option<At<i64>>, default: u8) -> u8 {
    at.and_then(|at| u8::try_from(at.value).ok()).unwrap_or(default)
}

fn scope(mut table: Table<'_>, sink: &mut Sink) -> ScopeSource {
    let mut strings = |key| table.strings(sink, key).unwrap_or_default();
    let scope = ScopeSource {
        conversations: strings("conversations"),
        group_types: strings("group_types"),
        except_group_types: strings("except_group_types"),
        groups: strings("groups"),
        except_groups: strings("except_groups"),
        senders: strings("senders"),
        except_senders: strings("except_senders"),
        operators: strings("operators"),
        except_operators: strings("except_operators"),
        platforms: strings("platforms"),
        except_platforms: strings("except_platforms"),
        networks: strings("networks"),
        except_networks: strings("except_networks"),
    };
    table.finish(sink);
    scope
}

/// Reads a block; only the outermost may hold other blocks.
fn block(mut table: Table<'_>, sink: &mut Sink, outermost: bool) -> BlockSource {
    if table.keys().next().is_none() {
        sink.error(table.place(), "empty", "this condition says nothing".to_owned())
            .help("name what to look for, such as lists = [\"…\"], or leave it out");
    }
    let inner = |table: &mut Table<'_>, sink: &mut Sink, key, what| -> Vec<BlockSource> {
        if !outermost {
            return Vec::new();
        }
        table.tables(sink, key, what).into_iter().map(|table| block(table, sink, false)).collect()
    };
    let source = BlockSource {
        place: table.place().clone(),
        all: inner(&mut table, sink, "all", "a table of `all`"),
        any: inner(&mut table, sink, "any", "a table of `any`"),
        unless: inner(&mut table, sink, "unless", "`unless`"),
        lists: table.strings(sink, "lists").unwrap_or_default(),
        regex: table.strings(sink, "regex").unwrap_or_default(),
        contact_number: table.boolean(sink, "contact_number"),
        links: links(&mut table, sink),
        length: bounds(&mut table, sink, "length", false),
        elements: bounds(&mut table, sink, "elements", true),
        mentions: bounds(&mut table, sink, "mentions", false),
        writing: table.strings(sink, "writing").unwrap_or_default(),
        time: table.table(sink, "time", "`time`").map(|table| time(table, sink)),
        json: table
            .tables(sink, "json", "`json`")
            .into_iter()
            .filter_map(|table| json(table, sink))
            .collect(),
        script: table.string(sink, "script"),
    };
    table.finish(sink);
    source
}

fn links(table: &mut Table<'_>, sink: &mut Sink) -> Option<LinksSource> {
    if table.is_boolean("links") {
        let at = table.boolean(sink, "links")?;
        if !at.value {
            sink.error(&at.place, "unknown-value", "`links = false` says nothing".to_owned())
                .help("to exclude messages with links write `unless.links = true`");
        }
        return Some(LinksSource {
            hosts: Vec::new(),
            hosts_files: Vec::new(),
            except_hosts: Vec::new(),
            except_hosts_files: Vec::new(),
        });
    }
    let mut table = table.table(sink, "links", "`links`")?;
    let source = LinksSource {
        hosts: table.strings(sink, "hosts").unwrap_or_default(),
        hosts_files: table.strings(sink, "hosts_file").unwrap_or_default(),
        except_hosts: table.strings(sink, "except_hosts").unwrap_or_default(),
        except_hosts_files: table.strings(sink, "except_hosts_file").unwrap_or_default(),
    };
    table.finish(sink);
    Some(source)
}

fn bounds(
    table: &mut Table<'_>,
    sink: &mut Sink,
    key: &'static str,
    kinds: bool,
) -> Option<BoundsSource> {
    let what = match key {
        "length" => "`length`",
        "elements" => "`elements`",
        _ => "`mentions`",
    };
    let mut table = table.table(sink, key, what)?;
    let bounds = BoundsSource {
        place: table.place().clone(),
        min: table.integer(sink, "min", 0..=1_000_000).map(|at| at.value),
        max: table.integer(sink, "max", 0..=1_000_000).map(|at| at.value),
        kinds: if kinds { table.strings(sink, "kinds").unwrap_or_default() } else { Vec::new() },
    };
    if bounds.min.is_none() && bounds.max.is_none() {
        sink.error(&bounds.place, "missing-key", format!("`{key}` needs `min`, `max` or both"))
            .help(format!("write it as {key} = {{ min = 10 }}"));
    }
    if bounds.min > bounds.max && bounds.max.is_some() {
        sink.error(&bounds.place, "never-fires", format!("`{key}` has a `min` above its `max`"))
            .help("no message can be both; swap them");
    }
    table.finish(sink);
    Some(bounds)
}

fn time(mut table: Table<'_>, sink: &mut Sink) -> TimeSource {
    let source = TimeSource {
        place: table.place().clone(),
        from: table.string(sink, "from"),
        to: table.string(sink, "to"),
        days: table.strings(sink, "days").unwrap_or_default(),
        zone: table.string(sink, "zone"),
    };
    table.finish(sink);
    source
}

fn json(mut table: Table<'_>, sink: &mut Sink) -> Option<JsonSource> {
    let place = table.place().clone();
    let path = table.string(sink, "path");
    if path.is_none() && !table.has("path") {
        sink.error(&place, "missing-key", "`json` needs a `path`".to_owned())
            .help("name the value, such as path = \"Data.gift.price\"");
    }
    let source = JsonSource {
        path: path.unwrap_or_else(|| At { value: String::new(), place: place.clone() }),
        place,
        is: table.strings(sink, "is").unwrap_or_default(),
        regex: table.string(sink, "regex"),
        above: table.number(sink, "above").filter(|_| table.has("above")),
        below: table.number(sink, "below").filter(|_| table.has("below")),
    };
    table.finish(sink);
    (!source.path.value.is_empty()).then_some(source)
}

impl ThenSource {
    const fn none() -> Self {
        Self {
            action: Action::Verdict(Verdict::Allow),
            code: None,
            notice: None,
            score: 0,
            flag: false,
        }
    }
}

fn then(mut table: Table<'_>, sink: &mut Sink) -> ThenSource {
    let place = table.place().clone();
    let action = table.one_of(sink, "verdict", &ACTIONS);
    let score = table.integer(sink, "score", -1_000..=1_000);
    let flag = table.boolean(sink, "flag");
    let then = ThenSource {
        action: action.map_or(Action::Verdict(Verdict::Allow), |at| at.value),
        code: table.integer(sink, "code", 1..=1_000_000),
        notice: table.string(sink, "notice"),
        score: score.map_or(0, |at| at.value),
        flag: flag.is_some_and(|at| at.value),
    };
    if !table.has("verdict") && !table.has("score") && !table.has("flag") && !table.has_unknown() {
        sink.error(&place, "missing-key", "`then` does nothing".to_owned())
            .help("add `verdict`, `score` or `flag`; verdict = \"allow\" only records");
    }
    if let Some(code) = &then.code
        && !matches!(then.action, Action::Verdict(Verdict::Deny))
    {
        sink.error(&code.place, "useless-key", "`code` needs verdict = \"deny\"".to_owned())
            .help("only a refusal carries a code to the client; leave it out");
    }
    table.finish(sink);
    then
}

fn threshold(mut table: Table<'_>, sink: &mut Sink) -> Option<ThresholdSource> {
    let place = table.place().clone();
    let score = table.integer(sink, "score", 1..=1_000_000);
    let verdict = table.one_of(sink, "verdict", &VERDICTS);
    for key in ["score", "verdict"] {
        if !table.has(key) {
            sink.error(&place, "missing-key", format!("this threshold has no `{key}`")).help(
                "a threshold is a score and a verdict, as in score = 5 and verdict = \"deny\"",
            );
        }
    }
    let code = table.integer(sink, "code", 1..=1_000_000);
    let notice = table.string(sink, "notice");
    table.finish(sink);
    Some(ThresholdSource { score: score?, verdict: verdict?.value, code, notice })
}

fn strictness(mut table: Table<'_>, sink: &mut Sink) -> StrictnessSource {
    let source = StrictnessSource {
        place: table.place().clone(),
        enforce: small(table.integer(sink, "enforce", 1..=4), 4),
        shadow: small(table.integer(sink, "shadow", 1..=4), 4),
    };
    if source.shadow < source.enforce {
        sink.error(&source.place, "out-of-range", "`shadow` is below `enforce`".to_owned()).help(
            "rules up to `enforce` act; those above it and up to `shadow` only leave evidence",
        );
    }
    table.finish(sink);
    source
}

fn example(mut table: Table<'_>, sink: &mut Sink) -> ExampleSource {
    let mut facts = Facts::default();
    if let Some(inner) = table.table(sink, "facts", "`facts`") {
        for key in inner.keys() {
            if let Some(number) = inner.fact(sink, key.value) {
                facts.numbers.insert(key.value.to_owned(), number);
            }
        }
    }
    let place = table.place().clone();
    let texts = table.strings(sink, "text").unwrap_or_default();
    let mut word = |key| table.string(sink, key).map(|at| at.value);
    let sample = Sample {
        texts: texts.into_iter().map(|at| at.value).collect(),
        data: word("data"),
        message: word("message"),
        msg_type: word("msg_type"),
        sender: word("sender"),
        operator: word("operator"),
        group: word("group"),
        group_type: word("group_type"),
        to: word("to"),
        platform: word("platform"),
        address: word("address"),
    };
    if sample.texts.is_empty() && sample.data.is_none() && sample.message.is_none() {
        sink.error(&place, "missing-key", "this example has no `text`".to_owned())
            .help("give it `text`, `data` (of a TIMCustomElem) or a whole `message`");
    }
    let source = ExampleSource {
        place,
        sample,
        at: table.date(sink, "at"),
        facts,
        verdict: table.one_of(sink, "verdict", &VERDICTS),
        exempt: table.boolean(sink, "exempt").map(|at| at.value),
        rules: ids(&mut table, sink),
        masked: table.string(sink, "masked"),
    };
    if source.verdict.is_none() && source.exempt.is_none() && !table.has("verdict") {
        sink.error(&source.place, "missing-key", "this example has no `verdict`".to_owned())
            .help("say what should happen: \"allow\", \"mask\", \"deny\" or \"discard\"");
    }
    table.finish(sink);
    source
}

/// Rule ids; an empty list is meant: no rule fires.
fn ids(table: &mut Table<'_>, sink: &mut Sink) -> Option<Vec<At<String>>> {
    if table.is_empty_array("rules") {
        return Some(Vec::new());
    }
    table.strings(sink, "rules")
}
