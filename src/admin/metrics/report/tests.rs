use super::super::{METRICS, MetricType};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

fn tally() -> Tally {
    let mut tally = Tally::default();
    let count = |counts: &mut Counts| {
        counts.add_to(Counter::Hits, 3);
        counts.add_to(Counter::Misses, 1);
    };
    tally.types.count("product", 9, count);
    count(&mut tally.total);
    tally.total.add_to(Counter::Bypass, 5);
    tally.total.add_to(Counter::Memory, 3);
    tally.total.add_time(true, 2);
    tally.total.add_time(true, 7_000);
    tally.total.add_to(Counter::SavedMillis, 1_250);
    tally.reasons.count("cookie-without-scope: sid", 9, |counts| counts.add_to(Counter::Bypass, 2));
    tally
        .reasons
        .count("cookie-without-scope: a\"b", 9, |counts| counts.add_to(Counter::Bypass, 3));
    tally.reasons.count("no-lifetime", 9, |counts| counts.add_to(Counter::Misses, 1));
    for n in 0..30 {
        let name = format!("Operation{n}");
        tally.operations.count(&name, 99, |counts| counts.add_to(Counter::Hits, n));
    }
    tally.purges.request_everything("mutation");
    for n in 0..30 {
        let differs = if n == 7 { vec!["data.price".to_owned()] } else { Vec::new() };
        tally.shadow.count(&format!("Compared{n}"), &differs);
    }
    tally
}

fn text(totals: &Tally) -> String {
    report(Some(totals), "service")
}

fn report(totals: Option<&Tally>, counted_by: &'static str) -> String {
    let alert = AlertReport {
        alert: "kv".to_owned(),
        state: Firing::Firing,
        value: None,
        threshold: None,
        since: None,
    };
    let report = MetricsReport {
        totals,
        counted_by,
        kv: Some(KvAmount { entries: 7, bytes: 9_000 }),
        health: &[("service", HealthState::Degraded), ("kv", HealthState::Absent)],
        alerts: &[alert],
        log_age_millis: Some(1_500),
        is_paused: false,
        deployment: "v1",
    };
    report.to_text()
}

#[test]
fn without_totals_there_is_no_counter_and_the_state_is_still_there() {
    let text = report(None, "none");
    let types: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    assert!(types.iter().all(|line| line.ends_with(" gauge")), "{types:?}");
    for line in [
        r#"evergraph_counted_by{by="none"} 1"#,
        r#"evergraph_health{part="service"} 1"#,
        r#"evergraph_alert_firing{alert="kv"} 1"#,
        "evergraph_kv_entries 7",
        "evergraph_paused 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
}

#[test]
fn every_number_has_its_line() {
    let text = text(&tally());
    let lines: BTreeSet<&str> = text.lines().collect();
    for line in [
        r#"evergraph_requests_total{type="product",result="hit"} 3"#,
        r#"evergraph_requests_total{type="(none)",result="hit"} 0"#,
        r#"evergraph_requests_total{type="(none)",result="bypass"} 5"#,
        r#"evergraph_hits_total{tier="memory"} 3"#,
        r#"evergraph_bypass_total{reason="cookie-without-scope"} 5"#,
        r#"evergraph_operation_requests_total{operation="Operation29",result="hit"} 29"#,
        r#"evergraph_request_duration_seconds_bucket{cached="true",le="0.001"} 0"#,
        r#"evergraph_request_duration_seconds_bucket{cached="true",le="0.002"} 1"#,
        r#"evergraph_request_duration_seconds_bucket{cached="true",le="5"} 1"#,
        r#"evergraph_request_duration_seconds_bucket{cached="true",le="+Inf"} 2"#,
        r#"evergraph_request_duration_seconds_sum{cached="true"} 7.002"#,
        "evergraph_origin_seconds_saved_total 1.25",
        r#"evergraph_purges_of_everything_total{source="mutation"} 1"#,
        r#"evergraph_shadow_compared_total{operation="Compared7"} 1"#,
        r#"evergraph_shadow_different_total{operation="Compared7"} 1"#,
        "evergraph_kv_entries 7",
        "evergraph_log_age_seconds 1.5",
        r#"evergraph_health{part="service"} 1"#,
        r#"evergraph_alert_firing{alert="kv"} 1"#,
        "evergraph_paused 0",
        r#"evergraph_counted_by{by="service"} 1"#,
    ] {
        assert!(lines.contains(line), "{line} is missing from\n{text}");
    }
    assert!(!text.contains(r#"part="kv""#) && !text.contains("no-lifetime"), "{text}");
    let operations = text.lines().filter(|line| line.starts_with("evergraph_operation_requests"));
    assert_eq!(operations.count(), OPERATIONS * RESULTS.len());
    let compared: Vec<_> =
        text.lines().filter(|line| line.starts_with("evergraph_shadow_different")).collect();
    assert_eq!(compared.len(), OPERATIONS);
    assert!(compared[0].contains("Compared7"), "differences come first");
}

#[test]
fn each_metric_of_the_table_is_begun_once_and_each_sample_is_below_its_metric() {
    let (text, mut begun, mut samples) = (text(&tally()), Vec::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            begun.push(rest.split(' ').next().unwrap());
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(name.starts_with(begun.last().unwrap()), "{line}");
            let (series, _) = line.rsplit_once(' ').unwrap();
            assert!(samples.insert(series), "{series} is there twice");
        }
    }
    assert_eq!(begun, METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>());
}

/// The value of each counter, by its series.
fn counters(text: &str) -> BTreeMap<&str, f64> {
    let rising: Vec<_> = METRICS
        .iter()
        .filter(|metric| metric.kind != MetricType::Gauge)
        .map(|one| one.name)
        .collect();
    let lines = text.lines().filter(|line| rising.iter().any(|name| line.starts_with(name)));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series, value.parse().unwrap())
        })
        .collect()
}

#[test]
fn counters_only_rise() {
    let mut totals = tally();
    let before = text(&totals);
    totals.add(&tally(), 100);
    let after = text(&totals);
    let (before, after) = (counters(&before), counters(&after));
    for (series, value) in &before {
        assert!(after[series] >= *value, "{series}");
    }
}
