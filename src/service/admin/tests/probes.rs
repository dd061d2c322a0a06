//! What is asked of the parts for `GET health`, and what that changes.

use super::Setup;
use crate::service::testing::Call;
use crate::service::tiers::FarTier;
use serde_json::{Value, json};

/// What a request without a token is told about a part.
fn public_state(setup: &Setup, part: &str) -> Value {
    let response = setup.send("GET", "health", None, "");
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    body["parts"][part]["state"].clone()
}

#[test]
fn a_slow_probe_of_kv_does_not_close_its_breaker() {
    let setup = Setup::new();
    let breaker = setup.isolate.admin().tiers.far[0].breaker();
    let now = || setup.runtime.at();
    (0..5).for_each(|_| breaker.failed(now(), "no answer within 50 ms"));
    setup.runtime.takes(Call::KvGet, 300);
    assert_eq!(public_state(&setup, "kv"), "HEALTHY");
    assert_eq!(setup.json("GET", "health", "").1["parts"]["kv"]["state"], "HEALTHY");
    assert!(breaker.is_open(), "look-ups have only 50 ms");
    let alerts = setup.json("GET", "health", "").1["alerts"].clone();
    assert_eq!((&alerts[2]["alert"], &alerts[2]["state"]), (&json!("kv"), &json!("firing")));
    setup.runtime.takes(Call::KvGet, 49);
    setup.json("GET", "health", "");
    assert!(!breaker.is_open());
}

#[test]
fn requests_without_a_token_share_what_probes_find_out() {
    let setup = Setup::new();
    let calls = || (setup.runtime.calls(Call::KvGet), setup.runtime.calls(Call::Fetch));
    for _ in 0..5 {
        assert_eq!(public_state(&setup, "kv"), "HEALTHY");
    }
    assert_eq!(calls(), (1, 1));
    setup.runtime.fails(Call::KvGet, "down");
    assert_eq!(public_state(&setup, "kv"), "HEALTHY");
    assert_eq!(setup.json("GET", "health", "").1["parts"]["kv"]["state"], "DOWN", "with a token");
    setup.runtime.advance(5_000);
    for _ in 0..5 {
        assert_eq!(public_state(&setup, "kv"), "DOWN");
    }
    assert_eq!(calls(), (3, 1));
    setup.runtime.fails(Call::Fetch, "refused");
    setup.runtime.advance(5_000);
    for _ in 0..5 {
        assert_eq!(public_state(&setup, "origin"), "DOWN");
    }
    assert_eq!(calls(), (4, 2));
}
