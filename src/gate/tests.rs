use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use hyper::{Method, StatusCode};

use super::{Fallback, Gate, Loaded, Options, Request, Worker};
use crate::metrics::Metrics;
use crate::platform::tencent::{App, Command, Secret, Settings};
use crate::reload::compile_options;
use crate::rulebook::script::Limits;
use crate::rulebook::{Rulebook, Sources, Timestamp};
use crate::server::BodyFault;
use crate::verdict::Verdict;

const RULES: &str = "
[[rule]]
id = 'test.bad'
title = 'Says badword'
when.regex = ['badword']
then.verdict = 'deny'

[[rule]]
id = 'test.mask'
title = 'Says rude'
when.regex = ['rude']
then.verdict = 'mask'
";

struct Bench {
    gate: Gate,
    worker: Worker,
    metrics: Arc<Metrics>,
}

impl Bench {
    fn new(apps: Vec<App>, fallback: Fallback) -> Self {
        let files = [("test.toml".to_owned(), RULES.as_bytes().to_vec())].into();
        let sources = Sources { files };
        let (rulebook, report) =
            Rulebook::compile(&sources, &compile_options(Timestamp(0), Limits::default()));
        let rulebook = rulebook.unwrap_or_else(|| panic!("{report:?}"));
        let names: Vec<_> =
            std::iter::once("unknown").chain(Command::all().map(Command::name)).collect();
        let metrics = Arc::new(Metrics::new(1, &names).unwrap());
        let rules = rulebook.rules();
        let modes = rules.iter().map(|rule| (&rule.id, crate::metrics::Mode::Enforce));
        let loaded = Loaded { meters: metrics.rules(modes), rulebook };
        let current = Arc::new(ArcSwap::from_pointee(loaded));
        let gate = Gate::new(Options {
            path: "/callback".to_owned(),
            apps,
            signature_age_max_s: 60,
            fallback,
            tencent: Settings::default(),
        });
        Self { gate, worker: Worker::new(0, metrics.shards(), &current), metrics }
    }

    fn ask(&mut self, command: &str, body: Result<&str, BodyFault>) -> (StatusCode, String, bool) {
        let query = format!("SdkAppid=1&CallbackCommand={command}&contenttype=json");
        let response = self.gate.handle(
            &mut self.worker,
            Request {
                method: &Method::POST,
                path: "/callback",
                query: &query,
                body: body.map(str::as_bytes),
                begun: Instant::now(),
            },
        );
        (response.status, String::from_utf8(response.body.to_vec()).unwrap(), response.close)
    }

    fn code(&mut self, command: &str, body: Result<&str, BodyFault>) -> u64 {
        let (status, body, _) = self.ask(command, body);
        assert_eq!(status, StatusCode::OK);
        let reply: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(reply["ActionStatus"], "OK");
        reply["ErrorCode"].as_u64().unwrap()
    }

    fn counts(&self, line: &str) -> bool {
        let text = String::from_utf8(self.metrics.render().unwrap()).unwrap();
        text.lines().any(|found| found == line)
    }
}

const FALLBACK: Fallback =
    Fallback { message: Verdict::Allow, gift: Verdict::Deny, admission: Verdict::Allow };
const GROUP: &str = "Group.CallbackBeforeSendMsg";

fn group_message(text: &str) -> String {
    let element = serde_json::json!({ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } });
    serde_json::json!({ "CallbackCommand": GROUP, "Type": "Public", "MsgBody": [element] })
        .to_string()
}

#[test]
fn verdicts_reach_the_reply() {
    let mut bench = Bench::new(Vec::new(), FALLBACK);
    assert_eq!(bench.code(GROUP, Ok(&group_message("hello"))), 0);
    assert_eq!(bench.code(GROUP, Ok(&group_message("badword"))), 1);
    let (_, body, close) = bench.ask(GROUP, Ok(&group_message("so rude")));
    assert!(body.contains("so ****") && !close, "{body}");
    assert!(bench.counts("quell_verdicts_total{verdict=\"mask\"} 1"));
    assert!(bench.counts("quell_rule_hits_total{rule=\"test.mask\",mode=\"enforce\"} 1"));
}

#[test]
fn every_class_has_its_fallback() {
    let classes = [
        (GROUP, "message"),
        ("Live.CallbackBeforeSendGift", "gift"),
        ("Group.CallbackBeforeApplyJoinGroup", "admission"),
    ];
    for (denied, _) in classes {
        let verdict = |command| if command == denied { Verdict::Deny } else { Verdict::Allow };
        let fallback = Fallback {
            message: verdict(classes[0].0),
            gift: verdict(classes[1].0),
            admission: verdict(classes[2].0),
        };
        let mut bench = Bench::new(Vec::new(), fallback);
        for (command, class) in classes {
            for fault in [BodyFault::TooLarge, BodyFault::Late, BodyFault::Broken] {
                let refused = bench.code(command, Err(fault)) != 0;
                assert_eq!(refused, command == denied, "{command}");
            }
            assert_eq!(bench.code(command, Ok("[]")) != 0, command == denied, "{command}");
            assert!(bench.counts(&format!("quell_fallbacks_total{{class=\"{class}\"}} 4")));
        }
        assert!(bench.counts("quell_faults_total{stage=\"body\"} 9"));
        assert!(bench.counts("quell_faults_total{stage=\"decode\"} 3"));
    }
}

#[test]
fn events_and_unknown_commands_get_the_neutral_reply() {
    let deny = Fallback { message: Verdict::Deny, gift: Verdict::Deny, admission: Verdict::Deny };
    let mut bench = Bench::new(Vec::new(), deny);
    for command in ["Group.CallbackAfterSendMsg", "State.StateChange", "Some.NewCommand", ""] {
        for body in [Ok("{}"), Ok("no JSON"), Err(BodyFault::Late)] {
            assert_eq!(bench.code(command, body), 0, "{command} {body:?}");
        }
    }
    assert!(bench.counts("quell_callbacks_total{command=\"unknown\",outcome=\"observed\"} 2"));
}

#[test]
fn a_missing_signature_comes_before_the_body() {
    let apps = vec![App { sdk_app_id: 1, tokens: vec![Secret::new("token")] }];
    let mut bench = Bench::new(apps, FALLBACK);
    for body in [Ok("{}"), Err(BodyFault::TooLarge)] {
        assert_eq!(bench.ask(GROUP, body).0, StatusCode::FORBIDDEN);
    }
    assert!(bench.counts("quell_refused_total{reason=\"unsigned\"} 2"));
    assert!(bench.counts("quell_faults_total{stage=\"body\"} 0"));
}
