//! The alert rules, their tests and the dashboard in examples/ use metrics and labels that are exported.

#![allow(clippy::string_slice, reason = "the files are ASCII")]

use super::{METRICS, Metric, MetricType};
use std::collections::BTreeSet;

const RULES: &str = include_str!("../../../examples/monitoring/alerts.yml");
const RULE_TESTS: &str = include_str!("../../../examples/monitoring/alerts.test.yml");
const DASHBOARD: &str = include_str!("../../../examples/monitoring/grafana-dashboard.json");

/// Labels that Prometheus adds when it scrapes, by examples/monitoring/prometheus.yml.
const OF_THE_SCRAPE: [&str; 3] = ["service", "job", "instance"];

/// A use of a metric in a query.
#[derive(Debug, PartialEq)]
struct Use {
    metric: &'static Metric,
    labels: Vec<String>,
}

/// The metric that a sample's name belongs to.
fn metric_of(sample: &str) -> Option<&'static Metric> {
    let named = |name: &str| METRICS.iter().find(|metric| metric.name == name);
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
        named(sample.strip_suffix(suffix)?).filter(|metric| metric.kind == MetricType::Histogram)
    });
    of_histogram.or_else(|| named(sample).filter(|metric| metric.kind != MetricType::Histogram))
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Every use of a metric in a text, with the labels in the braces behind it.
fn uses(text: &str) -> Vec<Use> {
    let found = text.match_indices("evergraph_").filter(|(at, _)| {
        !text[..*at].ends_with(|before: char| is_of_name(before) || before == ':')
    });
    let uses = found.map(|(at, _)| {
        let end = text[at..].find(|next| !is_of_name(next)).map_or(text.len(), |end| at + end);
        let name = &text[at..end];
        let metric = metric_of(name).unwrap_or_else(|| panic!("{name} is not exported"));
        Use { metric, labels: labels(&text[end..]) }
    });
    uses.collect()
}

/// The names of labels in braces at the beginning of a text.
fn labels(text: &str) -> Vec<String> {
    let Some(mut rest) = text.strip_prefix('{') else { return Vec::new() };
    let mut labels = Vec::new();
    while !rest.starts_with('}') {
        rest = rest.trim_start_matches([',', ' ']);
        let end = rest.find(|next| !is_of_name(next)).unwrap();
        labels.push(rest[..end].to_owned());
        rest = &rest[rest.find('"').unwrap() + 1..];
        rest = &rest[rest.find('"').unwrap() + 1..];
    }
    labels
}

/// The labels in each `by (…)`.
fn grouped_by(text: &str) -> BTreeSet<String> {
    let groups = text.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
    groups.flat_map(|(names, _)| names.split(',').map(|name| name.trim().to_owned())).collect()
}

fn has_label(metric: &Metric, label: &str) -> bool {
    let of_buckets = metric.kind == MetricType::Histogram && label == "le";
    metric.labels.contains(&label) || of_buckets || OF_THE_SCRAPE.contains(&label)
}

/// Checks one query, and returns which metrics it uses.
fn check(query: &str) -> BTreeSet<&'static str> {
    let uses = uses(query);
    for one in &uses {
        for label in &one.labels {
            assert!(
                has_label(one.metric, label),
                "{} has no label {label}: {query}",
                one.metric.name
            );
        }
    }
    for label in grouped_by(query) {
        let is_known = uses.iter().any(|one| has_label(one.metric, &label));
        assert!(is_known || uses.is_empty(), "nothing has the label {label}: {query}");
    }
    uses.into_iter().map(|one| one.metric.name).collect()
}

/// The queries of the dashboard, its variables included.
fn queries(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if name == "expr" || name == "query" => found.push(text.to_owned()),
                    _ => queries(member, found),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

#[test]
fn the_alert_rules_use_what_is_exported() {
    // A rule is what stands between two lines of a name.
    let rules = RULES.split("\n      - ").skip(1);
    let used: BTreeSet<_> = rules.flat_map(check).collect();
    assert!(used.len() >= 6, "{used:?}");
    let tested: BTreeSet<_> = RULE_TESTS.lines().flat_map(check).collect();
    assert_eq!(used, tested, "each metric of a rule has a series in the rules' tests");
}

#[test]
fn the_dashboard_uses_what_is_exported() {
    let mut found = Vec::new();
    queries(&serde_json::from_str(DASHBOARD).unwrap(), &mut found);
    assert!(found.len() >= 20, "{} queries", found.len());
    let used: BTreeSet<_> = found.iter().flat_map(|query| check(query)).collect();
    let unused: Vec<_> =
        METRICS.iter().map(|metric| metric.name).filter(|name| !used.contains(name)).collect();
    // What a dashboard does not need.
    assert_eq!(unused, NOT_ON_THE_DASHBOARD);
}

const NOT_ON_THE_DASHBOARD: [&str; 1] = ["evergraph_counted_by"];

#[test]
#[should_panic(expected = "evergraph_hits_total has no label type")]
fn a_label_that_is_not_there_is_noticed() {
    check("sum(rate(evergraph_hits_total{tier=\"kv\", type=\"product\"}[5m]))");
}

#[test]
#[should_panic(expected = "evergraph_requests is not exported")]
fn a_metric_that_is_not_there_is_noticed() {
    check("sum(rate(evergraph_requests{type=\"product\"}[5m]))");
}

#[test]
#[should_panic(expected = "nothing has the label tier")]
fn a_grouping_that_is_not_there_is_noticed() {
    check("sum by (tier) (rate(evergraph_requests_total[5m]))");
}
