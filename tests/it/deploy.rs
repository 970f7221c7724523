//! What operators get: alerts that fire when they should, about metrics that exist, with a word on
//! what to do.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use regex::Regex;

use crate::harness::{BEFORE, Quell, SIGNED, config, message, signature, signed_callback, unix_s};

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(deploy(path)).unwrap()
}

/// This machine's promtool; where it has none, that of Debian's package, unpacked under `target`
/// so that nothing else of the machine changes.
fn promtool_path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if Command::new("promtool").arg("--version").output().is_ok() {
            return PathBuf::from("promtool");
        }
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
        let promtool = tools.join("promtool");
        if !promtool.exists() {
            fs::create_dir_all(&tools).unwrap();
            let folder = tempfile::tempdir_in(&tools).unwrap();
            let fetch = "get() { apt-get download -qq prometheus; }; \
                         get || { apt-get update -qq && get; } && dpkg-deb -x prometheus_*.deb .";
            let fetched =
                Command::new("sh").args(["-c", fetch]).current_dir(folder.path()).status().unwrap();
            assert!(
                fetched.success(),
                "promtool is missing: install Debian's package `prometheus`"
            );
            // Whole at once: another test process may be looking for it.
            fs::rename(folder.path().join("usr/bin/promtool"), &promtool).unwrap();
        }
        promtool
    })
}

#[track_caller]
fn promtool(arguments: &[&str]) {
    let mut command = Command::new(promtool_path());
    let output = command.args(arguments).current_dir(deploy("prometheus")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

fn names(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn alerts_fire_when_they_should_and_not_on_a_calm_day() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["test", "rules", "quell.rules.test.yaml"]);
    let alerts = names(r"- alert: (\w+)", &read("prometheus/quell.rules.yaml"));
    let tested = names(r"(?m)^  - name: (Quell\w+)", &read("prometheus/quell.rules.test.yaml"));
    assert_eq!(alerts, tested, "each alert has a day on which it fires");
}

#[test]
fn each_alert_has_its_place_in_the_runbook() {
    let rules = read("prometheus/quell.rules.yaml");
    let alerts = names(r"- alert: (\w+)", &rules);
    assert_eq!(alerts, names(r"(?m)^## (\w+)", &read("runbook.md")));
    let anchors = names(r"runbook: deploy/runbook\.md#(\w+)", &rules);
    assert_eq!(alerts.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>(), anchors);
}

#[test]
fn a_clock_is_warned_of_at_half_of_what_a_signature_may_age() {
    let half = config(&[]).unwrap().limits.signature_age_max.as_secs() / 2;
    let expression = format!("abs(quell_signature_skew_seconds) > {half}\n");
    assert!(read("prometheus/quell.rules.yaml").contains(&expression), "{expression}");
}

/// What a node exports that has answered a signed callback.
fn metrics() -> String {
    let quell = Quell::start(&SIGNED);
    let callback = signed_callback(BEFORE, &signature(unix_s()), &message("badword"));
    assert_eq!(quell.connect().ask(&callback).status, 200);
    quell.get("/metrics").body
}

/// The names of those metrics, and of those of TLS.
fn exported() -> BTreeSet<String> {
    let mut names = names(r"(?m)^# TYPE (\w+) ", &metrics());
    // Those that a node without TLS does not have.
    let tls = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics/tls.rs"));
    names.extend(self::names(r#""(quell_tls_\w+)""#, &tls.unwrap()));
    names
}

#[test]
fn alerts_and_dashboards_ask_for_metrics_that_exist_and_leave_none_out() {
    let exported = exported();
    let asked = names(
        r"\b((?:quell|process)_\w+?)(?:_bucket|_count|_sum)?\b[^:\w]",
        &[read("prometheus/quell.rules.yaml"), read("grafana/quell.json")].concat(),
    );
    let missing: Vec<_> = asked.difference(&exported).collect();
    assert!(missing.is_empty(), "no node exports {missing:?}");
    let unused: Vec<_> =
        exported.difference(&asked).filter(|name| name.starts_with("quell_")).collect();
    assert!(unused.is_empty(), "neither an alert nor the dashboard uses {unused:?}");
}

/// The page of metrics: what each counts, its labels, and what looks at it.
fn page() -> String {
    let text = metrics();
    let (alerts, dashboard) = (read("prometheus/quell.rules.yaml"), read("grafana/quell.json"));
    let mut page = String::from(
        "# Metrics\n\nWhat `GET /metrics` of the operator API exports, besides the metrics of TLS \
         (`quell_tls_*`, there only where TLS is spoken) and of the process. Times are in seconds.\n\n\
         | metric | type | labels | what it says | used by |\n| --- | --- | --- | --- | --- |\n",
    );
    let help = Regex::new(r"(?m)^# HELP (quell_\w+) (.*)\n# TYPE \w+ (\w+)\n(\S+)").unwrap();
    let label = Regex::new(r#"(\w+)=""#).unwrap();
    for found in help.captures_iter(&text) {
        let name = &found[1];
        let labels: Vec<String> = label
            .captures_iter(&found[4])
            .map(|label| format!("`{}`", &label[1]))
            .filter(|label| label != "`le`")
            .collect();
        let used: Vec<&str> = [("alerts", &alerts), ("dashboard", &dashboard)]
            .into_iter()
            .filter(|(_, text)| text.contains(name))
            .map(|(who, _)| who)
            .collect();
        let (kind, labels, used) = (&found[3], labels.join(", "), used.join(", "));
        writeln!(page, "| `{name}` | {kind} | {labels} | {} | {used} |", &found[2]).unwrap();
    }
    page
}

#[test]
fn the_page_of_metrics_is_what_a_node_exports() {
    let page = page();
    if std::env::var_os("QUELL_WRITE_TABLES").is_some() {
        fs::write(deploy("metrics.md"), &page).unwrap();
    }
    assert!(page.lines().count() > 20, "{page}");
    assert!(read("metrics.md") == page, "write it anew with QUELL_WRITE_TABLES=1 cargo test");
}

#[test]
fn prometheus_understands_every_panel() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("grafana/quell.json")).unwrap();
    let mut rules = String::from("groups:\n- name: panels\n  rules:\n");
    let panels = dashboard["panels"].as_array().unwrap();
    let queries = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let mut count = 0;
    for query in queries {
        count += 1;
        let query = query["expr"].as_str().unwrap();
        let expression = query.replace("$__rate_interval", "5m").replace("$instance", ".*");
        let quoted = serde_json::to_string(&expression).unwrap();
        rules.push_str(
            &["  - record: panel:p", &count.to_string(), "\n    expr: ", &quoted, "\n"].concat(),
        );
    }
    assert!(count >= panels.len() - 8, "most panels ask for something");
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("panels.yaml");
    fs::write(&file, rules).unwrap();
    promtool(&["check", "rules", file.to_str().unwrap()]);
}
