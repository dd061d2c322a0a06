//! What `POST explain` leaves behind: nothing.

use super::{Setup, stored};
use crate::service::testing::{Call, TestRuntime};
use serde_json::json;

#[test]
fn explaining_reports_nothing_and_asks_for_numbers_once_a_minute() {
    let setup = Setup { runtime: TestRuntime::with_statistics(), ..Setup::new() };
    stored(&setup);
    let explain = || {
        let before = setup.runtime.calls(Call::Statistics);
        assert_eq!(setup.json("POST", "explain", r#"{"url":"/products/1"}"#).0, 200);
        setup.runtime.calls(Call::Statistics) - before
    };
    assert_eq!((explain(), explain()), (1, 0));
    let numbers = |setup: &Setup| {
        let (_, stats) = setup.json("GET", "stats", "");
        (stats["counted_by"].clone(), stats["total_requests"].clone())
    };
    let other = Setup { runtime: setup.runtime.clone(), ..Setup::new() };
    assert_eq!(numbers(&other), (json!("service"), json!(0)), "the object has no report");
    assert_eq!(numbers(&setup), (json!("service"), json!(2)));
    setup.runtime.advance(59_000);
    assert_eq!(explain(), 0);
    setup.runtime.advance(1_000);
    assert_eq!(explain(), 1);
}

#[test]
fn an_object_that_hangs_delays_one_explanation_a_minute() {
    let setup = Setup { runtime: TestRuntime::with_statistics(), ..Setup::new() };
    stored(&setup);
    setup.runtime.takes(Call::Statistics, 100_000);
    let explain = || {
        let began = setup.runtime.at();
        assert_eq!(setup.json("POST", "explain", r#"{"url":"/products/1"}"#).0, 200);
        setup.runtime.at().millis_since(began)
    };
    assert_eq!((explain(), explain()), (1_000, 0));
}
