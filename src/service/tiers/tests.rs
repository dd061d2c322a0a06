use super::kv::KvTier;
use super::*;
use crate::config::{self, Config};
use crate::http::Headers;
use crate::purge::Mark;
use crate::service::cached_entry::EncodedEntry;
use crate::service::context::Context;
use crate::service::testing::{Call, TestRuntime, request};
use crate::stored::{Entry, Meta};
use crate::tag::Tagging;
use crate::time::{Timestamp, Ttl};
use serde_json::{Value, json};
use std::rc::Rc;

const KEY: &str = "shop/2/rest/a";

fn entry(key: &str, status: u16, seconds: u64) -> Rc<CachedEntry> {
    let meta = Meta {
        key: key.to_owned(),
        mark: Mark { epoch: 0, seq: 0 },
        stored_at: Timestamp::from_millis(0),
        initial_age: 0,
        ttl: Ttl::from_seconds(seconds),
        swr: Ttl::ZERO,
        sie: Ttl::ZERO,
        status,
        headers: Headers::new(),
        tags: vec![],
        tagging: Tagging::UNKNOWN,
        vary: vec![],
        variant: String::new(),
        type_name: String::new(),
        must_revalidate: false,
        kept: Ttl::ZERO,
        etag_is_ours: false,
        shares_authorized: false,
        lifetime_source: crate::stored::LifetimeSource::default(),
        origin_ms: 0,
    };
    CachedEntry::new(Entry { meta, body: b"body".as_slice().into() })
}

fn config(kv: Value) -> Config {
    config::parse(&json!({ "kv": kv })).unwrap()
}

fn kv_tier(settings: Value) -> KvTier {
    KvTier::new(config(settings).kv, Rc::default())
}

fn context(runtime: &TestRuntime) -> Context<TestRuntime> {
    Context::new(runtime.clone(), request("GET", "/a"))
}

fn get<T: Tier>(runtime: &TestRuntime, tier: &T, key: &str) -> bool {
    runtime.run(tier.get(&context(runtime), key)).is_some()
}

#[test]
fn a_new_entry_goes_to_the_edge_cache_and_kv_after_the_response() {
    let runtime = TestRuntime::new();
    let config = config(json!({ "writes": "always" }));
    let (edge, kv) = (Rc::new(EdgeCacheTier::default()), Rc::default());
    let tiers = Tiers::new(&config, edge.clone(), &kv, &Rc::default());
    let [kv] = &*tiers.far else { panic!("one far tier") };
    let cached = entry(KEY, 200, 600);
    let stored = Occasion::Stored { is_fresh: true };
    tiers.put_in_background(&runtime, cached.clone(), stored);
    assert_eq!((runtime.calls(Call::EdgePut), runtime.calls(Call::KvPut)), (0, 0));
    runtime.advance(1);
    assert!(cached.is_stored_in("kv"));
    assert!(get(&runtime, &*edge, KEY) && get(&runtime, kv, KEY));
    assert!(!get(&runtime, &*edge, "another key") && !get(&runtime, kv, "another key"));
}

/// The names of all tiers, in the order in which they are read.
fn names() -> Vec<&'static str> {
    let tiers = Tiers::new(&config(json!({})), Rc::default(), &Rc::default(), &Rc::default());
    let far = tiers.far.iter().map(Tier::name);
    [tiers.memory.name(), tiers.edge_cache.name()].into_iter().chain(far).collect()
}

#[test]
fn the_documentation_has_the_names_of_all_tiers() {
    let rows = include_str!("mod.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    let of_table: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(of_table, names(), "the table in src/service/tiers/mod.rs");
    let names: Vec<String> = names().iter().map(|name| format!("`{name}`")).collect();
    let (last, others) = names.split_last().unwrap();
    let sentence = format!("`detail` is the tier: {} or {last}.", others.join(", "));
    let page = include_str!("../../../docs/operations.md");
    assert!(page.contains(&sentence), "docs/operations.md lacks {sentence:?}");
}

#[test]
fn the_settings_of_kv_decide_what_it_takes() {
    let (stored, hit) = (Occasion::Stored { is_fresh: true }, Occasion::Hit);
    let stale = Occasion::Stored { is_fresh: false };
    for (writes, on, takes) in [
        ("always", stored, true),
        ("always", stale, false),
        ("always", hit, false),
        ("always", Occasion::Ended, true),
        ("second-request", Occasion::Ended, true),
        ("never", Occasion::Ended, false),
        ("second-request", stored, false),
        ("second-request", hit, true),
        ("never", stored, false),
        ("never", hit, false),
    ] {
        let kv = kv_tier(json!({ "writes": writes }));
        assert_eq!(kv.takes(&entry(KEY, 200, 600), on), takes, "{writes} {on:?}");
        assert!(!kv.takes(&entry(KEY, 206, 600), on), "a part, {writes} {on:?}");
    }
    let runtime = TestRuntime::new();
    let kv = kv_tier(json!({ "min_ttl": 300 }));
    runtime.run(kv.put(&runtime, &EncodedEntry::new(entry(KEY, 200, 299))));
    assert_eq!(runtime.calls(Call::KvPut), 0);
    runtime.run(kv.put(&runtime, &EncodedEntry::new(entry(KEY, 200, 300))));
    assert_eq!(runtime.calls(Call::KvPut), 1);
}

#[test]
fn a_value_that_is_damaged_or_of_another_key_is_a_miss() {
    let runtime = TestRuntime::new();
    let kv = kv_tier(json!({}));
    runtime.set_kv(KEY, "garbage");
    assert!(!get(&runtime, &kv, KEY));
    let other = EncodedEntry::new(entry("another key", 200, 600));
    runtime.set_kv(KEY, other.deflated());
    assert!(!get(&runtime, &kv, KEY));
    let reports = runtime.lines().iter().filter(|line| line["part"] == "kv-value").count();
    assert_eq!(reports, 2);
}

#[test]
fn a_store_that_fails_is_left_alone_until_one_try_succeeds() {
    let runtime = TestRuntime::new();
    let kv = kv_tier(json!({}));
    runtime.set_kv(KEY, EncodedEntry::new(entry(KEY, 200, 600)).deflated());
    runtime.fails(Call::KvGet, "down");
    for _ in 0..5 {
        assert!(kv.is_available(&runtime));
        assert!(!get(&runtime, &kv, KEY));
    }
    assert!(!kv.is_available(&runtime));
    runtime.works(Call::KvGet);
    runtime.advance(5_000);
    assert!(kv.is_available(&runtime), "one try");
    assert!(!kv.is_available(&runtime), "the others wait for what it shows");
    assert!(get(&runtime, &kv, KEY));
    assert!(kv.is_available(&runtime));
    assert!(!kv_tier(json!({})).is_available(&TestRuntime::without_kv()));
}

#[test]
fn a_write_neither_takes_the_one_try_of_an_open_breaker_nor_resets_its_count() {
    let (runtime, kv) = (TestRuntime::new(), kv_tier(json!({})));
    let encoded = EncodedEntry::new(entry(KEY, 200, 600));
    runtime.fails(Call::KvGet, "down");
    for _ in 0..5 {
        runtime.run(kv.put(&runtime, &encoded));
        assert!(!get(&runtime, &kv, KEY));
    }
    assert_eq!((kv.breaker().is_open(), runtime.calls(Call::KvPut)), (true, 5));
    runtime.advance(5_000);
    runtime.run(kv.put(&runtime, &encoded));
    assert_eq!(runtime.calls(Call::KvPut), 5, "only a read tries");
    assert!(kv.is_available(&runtime), "the try is left");
}

#[test]
fn an_edge_cache_that_is_slow_is_not_waited_for() {
    let runtime = TestRuntime::new();
    let edge = EdgeCacheTier::default();
    runtime.run(edge.put(&runtime, &EncodedEntry::new(entry(KEY, 200, 600))));
    runtime.takes(Call::EdgeGet, 199);
    assert!(get(&runtime, &edge, KEY));
    runtime.takes(Call::EdgeGet, 201);
    assert!(!get(&runtime, &edge, KEY));
    assert!(runtime.has_reported("edge-read"));
}

#[test]
fn a_failed_write_is_reported_and_the_entry_counts_as_not_written() {
    let runtime = TestRuntime::new();
    let (edge, kv) = (EdgeCacheTier::default(), kv_tier(json!({})));
    runtime.fails(Call::KvPut, "full");
    runtime.fails(Call::EdgePut, "full");
    let encoded = EncodedEntry::new(entry(KEY, 200, 600));
    runtime.run(kv.put(&runtime, &encoded));
    runtime.run(edge.put(&runtime, &encoded));
    assert!(!encoded.cached.is_stored_in("kv"));
    assert!(runtime.has_reported("kv-write") && runtime.has_reported("edge-write"));
}

#[test]
fn an_entry_is_written_only_if_the_day_has_a_write_left() {
    let runtime = TestRuntime::new();
    let settings = config(json!({ "writes": "second-request", "writes_per_day": 4 }));
    let client = Rc::new(KvClient::new(settings.kv.writes_per_day, Rc::default()));
    let tiers = Tiers::new(&settings, Rc::default(), &client, &Rc::default());
    let written = |number: u64| {
        let cached = entry(&format!("{KEY}{number}"), 200, 600);
        tiers.put_used(&runtime, &cached);
        runtime.advance(1);
        cached.is_stored_in("kv")
    };
    assert_eq!([1, 2, 3, 4, 5].map(written), [true, true, true, false, false]);
    assert_eq!((runtime.calls(Call::KvPut), runtime.tasks()), (3, 0));
    // The outbox may write nevertheless.
    let put = client.write_necessary(&runtime, "outbox/1", b"a purge", Some(60));
    assert_eq!(runtime.run(put), Ok(()));
    runtime.advance(24 * 3_600_000);
    assert!(written(6), "the next day");
}

#[test]
fn an_entry_from_the_edge_cache_is_written_to_kv_by_one_isolate() {
    let runtime = TestRuntime::new();
    let settings = config(json!({ "writes": "second-request" }));
    let stored = EncodedEntry::new(entry(KEY, 200, 600));
    runtime.run(EdgeCacheTier::default().put(&runtime, &stored));
    for _ in 0..3 {
        let tiers = Tiers::new(&settings, Rc::default(), &Rc::default(), &Rc::default());
        let found = runtime.run(tiers.edge_cache.get(&context(&runtime), KEY)).unwrap();
        tiers.put_used(&runtime, &found);
        runtime.advance(1);
        assert!(found.is_stored_in("kv"));
    }
    assert_eq!((runtime.calls(Call::KvGet), runtime.calls(Call::KvPut)), (3, 1));
    // An older one is replaced.
    let mut newer = entry(KEY, 200, 600).entry.clone();
    newer.meta.stored_at = Timestamp::from_millis(newer.meta.stored_at.as_millis() + 1);
    let newer = EncodedEntry::new(CachedEntry::new(newer));
    runtime.run(EdgeCacheTier::default().put(&runtime, &newer));
    let tiers = Tiers::new(&settings, Rc::default(), &Rc::default(), &Rc::default());
    let found = runtime.run(tiers.edge_cache.get(&context(&runtime), KEY)).unwrap();
    tiers.put_used(&runtime, &found);
    runtime.advance(1);
    assert_eq!(runtime.calls(Call::KvPut), 2);
}

#[test]
fn an_entry_that_has_ended_replaces_what_kv_has_though_the_day_has_no_writes_left() {
    let runtime = TestRuntime::new();
    let config = config(json!({ "writes": "second-request", "writes_per_day": 4 }));
    let kv = Rc::new(KvClient::new(config.kv.writes_per_day, Rc::default()));
    let tiers = Tiers::new(&config, Rc::new(EdgeCacheTier::default()), &kv, &Rc::default());
    runtime.fails(Call::LogClaim, "down");
    let mut ended = entry(KEY, 200, 0).entry.clone();
    ended.meta.kept = Ttl::from_seconds(600);
    let ended = CachedEntry::new(ended);
    let end = || {
        tiers.put_in_background(&runtime, ended.clone(), Occasion::Ended);
        runtime.advance(10);
    };
    end();
    assert_eq!(runtime.calls(Call::KvPut), 0, "KV has nothing");
    // Another isolate has written it.
    runtime.set_kv(KEY, EncodedEntry::new(entry(KEY, 200, 600)).deflated());
    tiers.put_used(&runtime, &entry("other", 200, 600));
    runtime.advance(10);
    assert_eq!(runtime.calls(Call::KvPut), 0, "nothing is granted");
    end();
    assert_eq!(runtime.kv_value(KEY).unwrap(), EncodedEntry::new(ended.clone()).deflated());
    end();
    assert_eq!(runtime.calls(Call::KvPut), 1, "it is there");
}

/// A write may arrive after one that was begun later.
#[test]
fn an_entry_whose_write_is_under_way_does_not_outlive_its_end_in_kv() {
    let runtime = TestRuntime::new();
    let config = config(json!({ "writes": "second-request" }));
    let kv = Rc::new(KvClient::default());
    let tiers = Tiers::new(&config, Rc::new(EdgeCacheTier::default()), &kv, &Rc::default());
    let used = entry(KEY, 200, 600);
    runtime.takes(Call::KvPut, 300);
    tiers.put_used(&runtime, &used);
    runtime.advance(100);
    runtime.works(Call::KvPut);
    let mut ended = used.entry.clone();
    (ended.meta.ttl, ended.meta.kept) = (Ttl::ZERO, Ttl::from_seconds(600));
    let ended = used.replaced(ended);
    used.supersede(&ended);
    tiers.put_in_background(&runtime, ended, Occasion::Ended);
    runtime.advance(100);
    assert_eq!(runtime.calls(Call::KvPut), 2, "its end is there first");
    runtime.advance(300);
    let in_kv = runtime.kv_value(KEY).map(|value| crate::stored::decode(&value).unwrap());
    assert!(in_kv.is_none_or(|entry| entry.meta.has_ended()));
}

#[test]
fn the_later_entry_is_written_again_if_a_write_under_way_was_taken_back() {
    let runtime = TestRuntime::new();
    let config = config(json!({ "writes": "second-request" }));
    let kv = Rc::new(KvClient::default());
    let tiers = Tiers::new(&config, Rc::new(EdgeCacheTier::default()), &kv, &Rc::default());
    let (used, later) = (entry(KEY, 200, 600), entry(KEY, 200, 900));
    runtime.takes(Call::KvPut, 300);
    tiers.put_used(&runtime, &used);
    runtime.advance(100);
    runtime.works(Call::KvPut);
    used.supersede(&later);
    tiers.put_used(&runtime, &later);
    runtime.advance(400);
    assert!(runtime.kv_value(KEY).is_none(), "the earlier one was taken back");
    tiers.put_used(&runtime, &later);
    runtime.advance(100);
    assert!(runtime.kv_value(KEY).is_some());
}

#[test]
fn an_entry_that_another_one_has_replaced_is_not_written_when_the_log_grants_it() {
    let runtime = TestRuntime::new();
    let config = config(json!({ "writes": "second-request", "writes_per_day": 4_000 }));
    let kv = Rc::new(KvClient::new(config.kv.writes_per_day, Rc::default()));
    let tiers = Tiers::new(&config, Rc::new(EdgeCacheTier::default()), &kv, &Rc::default());
    runtime.takes(Call::LogClaim, 300);
    let used = entry(KEY, 200, 600);
    tiers.put_used(&runtime, &used);
    runtime.advance(100);
    used.supersede(&entry(KEY, 200, 600));
    runtime.advance(300);
    assert_eq!((runtime.calls(Call::LogClaim), runtime.calls(Call::KvPut)), (1, 0));
}
