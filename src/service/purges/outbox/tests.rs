use super::*;
use crate::service::purges::fixture::{Writing, purge_of};
use crate::service::testing::{Call, TestRuntime};

#[test]
fn keys_of_others_are_left_alone() {
    assert!(is_outbox_key_suffix("1700000000000-0123456789abcdef"));
    for other in ["gql/product/P/public/0123", "1700000000000-0123456789abcdeg", "1-2", ""] {
        assert!(!is_outbox_key_suffix(other), "{other}");
    }
}

#[test]
fn a_pending_purge_is_in_kv_until_it_is_recorded() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    writing.outbox.keep(&runtime, purge_of(1));
    assert!(writing.outbox.is_due());
    runtime.advance(1);
    let keys = runtime.kv_keys();
    let suffix = keys[0].strip_prefix("outbox/shop@test/").unwrap();
    assert!(keys.len() == 1 && is_outbox_key_suffix(suffix), "{keys:?}");
    let kept = NewRecord::decode_from_outbox(&runtime.kv_value(&keys[0]).unwrap());
    assert_eq!(kept, Ok(purge_of(1)));
    writing.outbox.note_recorded(&runtime, &keys[0]);
    runtime.advance(1);
    assert!(runtime.kv_keys().is_empty() && writing.pending.is_empty());
    assert!(writing.outbox.is_done(&keys[0]), "KV may go on showing it");
}

#[test]
fn a_purge_that_is_recorded_on_its_way_into_kv_is_deleted_there() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.takes(Call::KvPut, 100);
    writing.outbox.keep(&runtime, purge_of(1));
    runtime.advance(50);
    let (key, _) = writing.pending.first().unwrap();
    writing.outbox.note_recorded(&runtime, &key);
    assert_eq!(runtime.calls(Call::KvDelete), 0);
    runtime.advance(100);
    assert!(runtime.kv_keys().is_empty() && runtime.calls(Call::KvDelete) == 1);
}

#[test]
fn equal_purges_of_one_moment_have_keys_of_their_own() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    writing.outbox.keep(&runtime, purge_of(1));
    writing.outbox.keep(&runtime, purge_of(1));
    runtime.advance(1);
    assert_eq!(runtime.kv_keys().len(), 2);
}

#[test]
fn a_failure_of_kv_is_reported_and_the_purge_tried_again() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.fails(Call::KvPut, "down");
    writing.outbox.keep(&runtime, purge_of(1));
    runtime.advance(1);
    assert!(runtime.has_reported("outbox-write") && runtime.kv_keys().is_empty());
    runtime.works(Call::KvPut);
    writing.outbox.fill(&runtime);
    runtime.advance(1);
    assert!(runtime.kv_keys().is_empty(), "too early");
    runtime.advance(10_000);
    writing.outbox.fill(&runtime);
    runtime.advance(1);
    assert_eq!(runtime.kv_keys().len(), 1);
}

#[test]
fn without_kv_a_purge_is_pending_in_memory_alone() {
    let (runtime, writing) = (TestRuntime::without_kv(), Writing::new());
    writing.outbox.keep(&runtime, purge_of(1));
    runtime.advance(1);
    assert!(!writing.pending.is_empty() && runtime.calls(Call::KvPut) == 0);
}

#[test]
fn too_many_purges_become_one_of_everything() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    for n in 0..limits::PENDING_PURGES as u64 {
        writing.outbox.keep(&runtime, purge_of(n));
        runtime.advance(1);
    }
    assert_eq!(runtime.kv_keys().len(), limits::PENDING_PURGES);
    writing.outbox.keep(&runtime, purge_of(0).with_unknown_outcome());
    runtime.advance(1);
    let keys = runtime.kv_keys();
    assert_eq!(keys.len(), 1, "those that it replaces are deleted");
    let kept = NewRecord::decode_from_outbox(&runtime.kv_value(&keys[0]).unwrap());
    assert_eq!(kept, Ok(NewRecord::everything().with_unknown_outcome()));
}

/// Of a put that took too long nobody knows whether it has arrived.
#[test]
fn what_one_of_everything_replaces_is_deleted_though_kv_was_slow_or_down() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    let most = limits::PENDING_PURGES as u64;
    for n in 0..most - 1 {
        writing.outbox.keep(&runtime, purge_of(n));
        runtime.advance(1);
    }
    runtime.takes(Call::KvPut, KV_MILLIS + 1);
    writing.outbox.keep(&runtime, purge_of(most));
    let taking_long = writing.pending.last_key();
    runtime.advance(KV_MILLIS + 2);
    assert!(runtime.has_reported("outbox-write"));
    runtime.set_kv(&taking_long, "arrives late");
    let replaced = runtime.kv_keys();
    assert_eq!(replaced.len(), limits::PENDING_PURGES);
    runtime.takes(Call::KvPut, 0);
    runtime.fails(Call::KvPut, "down");
    writing.outbox.keep(&runtime, purge_of(0));
    runtime.advance(1);
    assert_eq!(runtime.kv_keys(), replaced, "nothing stands for them yet");
    runtime.works(Call::KvPut);
    runtime.advance(10_000);
    writing.outbox.fill(&runtime);
    runtime.advance(1);
    let keys = runtime.kv_keys();
    assert!(keys.len() == 1 && !replaced.contains(&keys[0]), "{} keys", keys.len());
}

#[test]
fn a_purge_that_is_replaced_on_its_way_into_kv_stays_until_what_replaces_it_is_there() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    for n in 0..limits::PENDING_PURGES as u64 - 1 {
        writing.outbox.keep(&runtime, purge_of(n));
        runtime.advance(1);
    }
    runtime.takes(Call::KvPut, 100);
    writing.outbox.keep(&runtime, purge_of(0));
    let on_its_way = writing.pending.last_key();
    runtime.advance(50);
    runtime.fails_after(Call::KvPut, 1, "down");
    writing.outbox.keep(&runtime, purge_of(1));
    runtime.advance(200);
    assert!(runtime.kv_keys().contains(&on_its_way), "nothing stands for it yet");
    runtime.works(Call::KvPut);
    runtime.advance(10_000);
    writing.outbox.fill(&runtime);
    runtime.advance(1);
    let keys = runtime.kv_keys();
    assert!(keys.len() == 1 && keys[0] != on_its_way, "{} keys", keys.len());
}

#[test]
fn the_end_of_a_schema_is_not_lost_among_too_many_purges() {
    use crate::purge::SchemaInForce;
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    let end = Record { schema: Some(SchemaInForce::NONE), ..Record::everything() };
    writing.outbox.keep(&runtime, end.into());
    for n in 0..limits::PENDING_PURGES as u64 {
        writing.outbox.keep(&runtime, purge_of(n));
        runtime.advance(1);
    }
    assert!(writing.pending.ends_schema());
    let (_, new) = writing.pending.first().unwrap();
    assert_eq!(new.record, Record { schema: Some(SchemaInForce::NONE), ..Record::everything() });
}

#[test]
fn what_a_recorded_one_of_everything_replaces_is_deleted() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    for n in 0..limits::PENDING_PURGES as u64 {
        writing.outbox.keep(&runtime, purge_of(n));
        runtime.advance(1);
    }
    runtime.fails(Call::KvPut, "down");
    writing.outbox.keep(&runtime, purge_of(0));
    runtime.advance(1);
    let (key, new) = writing.pending.first().unwrap();
    assert!(new.record.is_everything());
    writing.outbox.note_recorded(&runtime, &key);
    runtime.advance(1);
    assert_eq!(runtime.kv_keys(), Vec::<String>::new());
}

/// The runtime ends what takes more than 30 s after a response.
#[test]
fn what_is_replaced_is_deleted_a_few_at_a_time() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.takes(Call::KvDelete, 200);
    for n in 0..=limits::PENDING_PURGES as u64 {
        writing.outbox.keep(&runtime, purge_of(n));
        runtime.advance(1);
    }
    runtime.advance(10_000);
    assert_eq!(runtime.kv_keys().len(), 1);
}

#[test]
fn a_schema_does_not_become_pending_but_its_end_does() {
    use crate::purge::SchemaInForce;
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    for (schema, kept) in
        [(SchemaInForce::of(7), None), (SchemaInForce::NONE, Some(SchemaInForce::NONE))]
    {
        let record = Record { schema: Some(schema), ..Record::everything() };
        writing.outbox.keep(&runtime, record.into());
        let (key, new) = writing.pending.first().unwrap();
        assert_eq!(new.record.schema, kept);
        writing.outbox.note_recorded(&runtime, &key);
    }
}

/// A try that nobody learns the success of would be lost to the reads.
#[test]
fn a_put_that_is_the_one_try_of_an_open_breaker_closes_it() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.fails(Call::KvPut, "down");
    writing.outbox.keep(&runtime, purge_of(1));
    runtime.advance(1);
    while !writing.kv.breaker.is_open() {
        writing.kv.breaker.failed(runtime.at(), "down");
    }
    runtime.works(Call::KvPut);
    runtime.advance(60_000);
    writing.outbox.fill(&runtime);
    runtime.advance(1);
    assert!(runtime.calls(Call::KvPut) == 2 && !writing.kv.breaker.is_open());
}
