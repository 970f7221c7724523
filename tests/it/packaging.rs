//! What is deployed agrees with the program: settings, ports, paths and probes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use quell::config::{Config, Input, settings};
use regex::Regex;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)).unwrap()
}

/// The configuration that this file and these variables make.
fn resolve(file: Option<&str>, environment: &[(String, String)]) -> Config {
    let environment: BTreeMap<String, String> = environment.iter().cloned().collect();
    Config::resolve(&Input {
        file: file.map(|text| ("/etc/quell/quell.toml".into(), text.to_owned())),
        environment: &environment,
        flags: Vec::new(),
        cores: 1,
        read: &|_| Ok("a secret".to_owned()),
    })
    .unwrap()
}

#[test]
fn the_sample_configuration_is_good_with_and_without_its_comments() {
    let sample = read("systemd/quell.toml");
    let config = resolve(Some(&sample), &[]);
    assert_eq!(config.rules, Path::new("/etc/quell/rules"));
    assert!(!config.signed());
    let on = Regex::new(r"(?m)^#(\w|\[)").unwrap().replace_all(&sample, "$1").into_owned();
    assert!(resolve(Some(&on), &[]).signed());
}

#[test]
fn the_container_is_configured_by_settings_there_are() {
    let compose = read("compose.yaml");
    let variables: Vec<(String, String)> = Regex::new(r#"(QUELL_\w+): "?([^"\n]+)"#)
        .unwrap()
        .captures_iter(&compose)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    assert!(variables.len() > 3);
    let known: Vec<String> = settings::ALL.iter().map(settings::Setting::variable).collect();
    let unknown: Vec<_> = variables.iter().filter(|(name, _)| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "there are no such settings: {unknown:?}");
    let config = resolve(None, &variables);
    let dockerfile = read("Dockerfile");
    for port in [config.listen.callbacks.port(), config.listen.operator.port()] {
        assert!(dockerfile.contains(&port.to_string()), "the image exposes {port}");
        // Unsigned as it is, it is for this machine alone.
        assert!(compose.contains(&format!("- 127.0.0.1:{port}:{port}")), "{port} is published");
    }
    assert!(compose.contains(&format!("quell:{}", config.listen.operator.port())));
    for found in Regex::new(r"- \./([\w./]+):").unwrap().captures_iter(&compose) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(&found[1]);
        // These two are the user's own.
        assert!(["quell.toml", "rules"].contains(&&found[1]) || path.exists(), "{path:?}");
    }
}

#[test]
fn the_cluster_asks_where_the_node_answers() {
    let manifest = read("kubernetes/quell.yaml");
    let text = manifest.split("quell.toml: |\n").nth(1).unwrap().split("---").next().unwrap();
    let config = resolve(Some(text), &[]);
    assert!(config.signed());
    let own = format!("COPY rules {}\n", config.rules.display());
    assert!(read("Dockerfile").contains(&own), "the rules are in the image");
    for (name, port) in
        [("callbacks", config.listen.callbacks.port()), ("operator", config.listen.operator.port())]
    {
        assert!(manifest.contains(&format!("name: {name}, containerPort: {port}")), "{name}");
    }
    let quell = crate::harness::Quell::start(&[]);
    let paths = Regex::new(r"path: (/\w+), port: operator").unwrap();
    let probes: Vec<_> = paths.captures_iter(&manifest).map(|found| found[1].to_owned()).collect();
    assert_eq!(probes.len(), 3);
    for path in probes {
        assert_eq!(quell.get(&path).status, 200, "{path}");
    }
}

#[test]
fn the_cluster_waits_for_a_pod_to_end() {
    let manifest = read("kubernetes/quell.yaml");
    let seconds = |pattern: &str| {
        let found = Regex::new(pattern).unwrap().captures(&manifest).unwrap();
        Duration::from_secs(found[1].parse().unwrap())
    };
    let drain = resolve(None, &[]).limits.drain_timeout;
    let before = seconds(r"preStop: \{ sleep: \{ seconds: (\d+)");
    let grace = seconds(r"terminationGracePeriodSeconds: (\d+)");
    assert!(grace > before + drain + Duration::from_secs(1), "{grace:?}");
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = read("systemd/quell.service");
    assert!(unit.contains("ExecStart=/usr/bin/quell serve --config /etc/quell/quell.toml"));
    assert!(unit.contains("Type=notify") && unit.contains("WatchdogSec="));
}

#[test]
fn the_unit_lets_restarts_be_seen() {
    // When a process began is counted from the boot, and that is in /proc/stat: hidden, the metric
    // `process_start_time_seconds` is 0 for ever.
    assert!(!read("systemd/quell.service").contains("ProcSubset="));
}

#[test]
fn the_unit_is_started_again_for_as_long_as_it_takes() {
    let unit = read("systemd/quell.service");
    let (head, service) = unit.split_once("[Service]").unwrap();
    assert!(service.contains("Restart=always"));
    // Where it stands under [Service], systemd passes over it.
    assert!(head.contains("StartLimitIntervalSec=0"));
}

#[test]
fn the_debian_package_holds_what_there_is_and_a_user_needs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table =
        fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    let sources = assets.iter().map(|asset| asset[0].as_str().unwrap());
    let deployed: Vec<&str> = sources.filter(|source| source.starts_with("deploy/")).collect();
    assert!(deployed.contains(&"deploy/prometheus/quell.rules.yaml"));
    for source in deployed {
        // Not by a pattern, which takes tests and tools along.
        assert!(root.join(source).is_file(), "{source}");
    }
}
