//! The clauses of the HTTP caching standards, each as a sequence of requests and responses.
//!
//! The cases are in `tests/rfc/*.txt`, one clause each; `tests/rfc/README.md` describes their form.
//! They run through the shipped service, `Service::handle`, on a platform in memory, with one client
//! at a time. The only time is the case's own. Each case runs twice: in one isolate, and with a new
//! isolate for each request, which finds in the edge cache what the ones before have stored.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "rfc/cases.rs"]
mod cases;
#[path = "rfc/executor.rs"]
mod executor;
#[path = "rfc/runtime.rs"]
mod runtime;

use cases::{Case, Expected, START, Step};
use evergraph::http::{Method, Request, Response};
use evergraph::service::{Isolate, Service};
use evergraph::time::Timestamp;
use runtime::{RequestRuntime, WorkersRuntime, field_faults};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

#[test]
fn every_clause_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let (mut names, mut wrong) = (BTreeSet::new(), String::new());
    for file in files {
        for case in cases::parse(&std::fs::read_to_string(&file).unwrap()) {
            assert!(names.insert(case.name.clone()), "two cases are called {}", case.name);
            assert!(!case.steps.is_empty(), "{} has no request", case.name);
            let several = (!case.in_memory).then_some(Isolates::Several);
            for isolates in [Isolates::One].into_iter().chain(several) {
                if let Err(fault) = run(&case, isolates) {
                    let name = &case.name;
                    let _ = writeln!(wrong, "\n{name} ({}, {isolates:?})\n{fault}", file.display());
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(names.len() >= 254, "only {} cases were found", names.len());
}

/// Which isolates receive the requests of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isolates {
    /// One receives them all.
    One,
    /// Each request has its own. They share the edge cache and the purge log.
    Several,
}

fn run(case: &Case, isolates: Isolates) -> Result<(), String> {
    let platform = WorkersRuntime::new(Timestamp::from_millis(START * 1_000));
    let mut isolate = Isolate::new(&case.config);
    for step in &case.steps {
        let mut faults = faults_of(step, &platform, &isolate);
        if isolates == Isolates::Several {
            isolate = Isolate::new(&case.config);
            // They expect the tier of the first run.
            faults.retain(|fault| !is_about_tier(fault));
        }
        let log_lines = platform.take_log_lines();
        if !faults.is_empty() {
            let lines = log_lines.iter().map(|line| format!("log: {line}"));
            let lines: Vec<_> = faults.into_iter().chain(lines).collect();
            return Err(format!("  {}\n    {}", step.line, lines.join("\n    ")));
        }
    }
    Ok(())
}

/// What is wrong with a step, once everything is done that it has started.
fn faults_of(step: &Step, platform: &Rc<WorkersRuntime>, isolate: &Rc<Isolate>) -> Vec<String> {
    platform.executor.advance_to((START + step.second) * 1_000);
    platform.script.replace(step.origin.iter().cloned().collect());
    let runtime = RequestRuntime::new(platform.clone(), step.request.clone());
    let service = Service::new(runtime.clone(), isolate.clone());
    let reply = platform.executor.run(service.handle(step.request.clone()));
    platform.executor.finish();
    let response = runtime.response(reply);
    let mut faults = platform.faults.take();
    let left = platform.script.take().len();
    if left > 0 {
        faults.push(format!("the origin got {left} requests less"));
    }
    faults.extend(differences(&step.expected, &response));
    faults.extend(broken_laws(&step.request, &response));
    faults
}

/// Whether two values of `Cache-Status` differ only in the tier of a hit.
fn is_about_tier(fault: &str) -> bool {
    let (expected, got) = fault.split_once("\"), got Some(\"").unwrap_or_default();
    let expected = expected.strip_prefix("cache-status: expected Some(\"");
    let expected = expected.and_then(|value| value.strip_suffix("detail=memory"));
    expected.is_some() && expected == got.strip_suffix("detail=edge\")")
}

fn differences(expected: &Expected, got: &Response) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, expected: &str, got: &str| {
        if expected != got {
            faults.push(format!("{what}: expected {expected:?}, got {got:?}"));
        }
    };
    let source = source(got);
    differs("from", &expected.source, &source);
    differs("status", &expected.status.to_string(), &got.status.to_string());
    let body = if source == "own" { "" } else { std::str::from_utf8(&got.body).unwrap() };
    differs("body", &expected.body, body);
    faults.extend(field_faults(&expected.fields, &got.headers));
    faults
}

/// Where a response comes from: what `X-Cache` says, or `own` for an error of Evergraph's own.
fn source(got: &Response) -> String {
    let body: Value = serde_json::from_slice(&got.body).unwrap_or_default();
    match got.status {
        502 | 504 if body["error"].is_string() => "own".to_owned(),
        _ => got.headers.get("x-cache").unwrap_or("none").to_ascii_lowercase(),
    }
}

/// What holds of every response, whatever the case expects.
fn broken_laws(request: &Request, got: &Response) -> Vec<String> {
    let headers = &got.headers;
    let from_cache = ["HIT", "STALE"].contains(&headers.get("x-cache").unwrap_or_default());
    let no_body = matches!(got.status, 204 | 304) || request.method == Method::Head;
    let is_own = source(got) == "own";
    [
        (no_body && !is_own && !got.body.is_empty(), "RFC 9110 §6.4.1: it has a body and may not"),
        (from_cache && !headers.contains("age"), "RFC 9111 §4: it has no Age"),
        (from_cache && headers.contains("set-cookie"), "a hit sets a cookie"),
        (
            from_cache && got.status == 206 && !headers.contains("content-range"),
            "RFC 9110 §15.3.7: a part does not say which",
        ),
        (
            headers.contains("x-cache") && !headers.contains("cache-status"),
            "RFC 9211: it has no Cache-Status",
        ),
    ]
    .into_iter()
    .filter(|(broken, _)| *broken)
    .map(|(_, law)| law.to_owned())
    .collect()
}
