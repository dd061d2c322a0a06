use super::*;
use crate::service::purges::fixture::{Writing, purge_of};
use crate::service::testing::{Call, TestRuntime};

const KEY: &str = "outbox/shop@test/1700000000000-0123456789abcdef";
const OTHER_KEY: &str = "outbox/shop@test/1700000000001-0123456789abcdef";

fn drain(runtime: &TestRuntime, writing: &Writing) {
    runtime.run(writing.drain.drain(runtime));
}

#[test]
fn what_another_isolate_left_is_recorded_once_and_deleted() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.set_kv(KEY, purge_of(1).encode_for_outbox());
    runtime.set_kv(
        "outbox/shop@other/1700000000000-0123456789abcdef",
        purge_of(2).encode_for_outbox(),
    );
    runtime.set_kv("outbox/shop@test/gql/product/P/public/0123", b"an entry");
    drain(&runtime, &writing);
    assert_eq!((runtime.log_head(), runtime.kv_value(KEY)), (1, None));
    assert_eq!(runtime.kv_keys().len(), 2, "others are left alone");
    // KV goes on showing it.
    runtime.set_kv(KEY, purge_of(1).encode_for_outbox());
    drain(&runtime, &writing);
    assert_eq!((runtime.log_head(), runtime.kv_value(KEY)), (1, None));
}

#[test]
fn a_damaged_value_purges_everything() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.set_kv(KEY, b"garbage");
    runtime.set_kv(OTHER_KEY, purge_of(1).encode_for_outbox());
    drain(&runtime, &writing);
    assert!(runtime.has_reported("outbox-value") && runtime.kv_keys().is_empty());
    assert_eq!(runtime.log_head(), 1, "and covers what was listed with it");
    assert_eq!(writing.stats.totals().purges.of_everything_by_source["outbox"], 1);
}

#[test]
fn a_value_of_a_later_version_purges_everything_once_and_stays() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    let mut later = purge_of(1).encode_for_outbox();
    later[3] += 1;
    let checksum = xxhash_rust::xxh3::xxh3_64_with_seed(&later[12..], u64::from(later[3]));
    later[4..12].copy_from_slice(&checksum.to_le_bytes());
    runtime.set_kv(KEY, &later);
    for isolate in [&writing, &writing, &Writing::new()] {
        drain(&runtime, isolate);
        assert_eq!((runtime.log_head(), runtime.kv_value(KEY)), (1, Some(later.clone())));
    }
}

#[test]
fn while_the_log_takes_nothing_all_values_stay() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.set_kv(KEY, purge_of(1).encode_for_outbox());
    runtime.set_kv(OTHER_KEY, purge_of(2).encode_for_outbox());
    runtime.fails(Call::LogAppend, "down");
    drain(&runtime, &writing);
    assert_eq!((runtime.calls(Call::LogAppend), runtime.kv_keys().len()), (1, 2));
    runtime.works(Call::LogAppend);
    drain(&runtime, &writing);
    assert_eq!((runtime.log_head(), runtime.kv_keys().len()), (2, 0));
}

#[test]
fn it_gives_up_after_a_few_failures_of_kv() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    for n in 0..9 {
        runtime.set_kv(
            &KEY.replace("17000000000", &format!("170000000{n}0")),
            purge_of(n).encode_for_outbox(),
        );
    }
    runtime.fails(Call::KvGet, "down");
    drain(&runtime, &writing);
    assert_eq!(runtime.calls(Call::KvGet), MOST_FAILURES);
    assert!(runtime.has_reported("outbox-read"));
}

#[test]
fn in_the_background_it_runs_after_a_failure_and_not_too_often() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    let lists = |millis| {
        writing.drain.drain_if_due(&runtime);
        runtime.advance(millis);
        // One list for this version's keys, one for the former version's.
        runtime.calls(Call::KvList) / 2
    };
    assert_eq!(lists(1), 0, "the log has refused nothing");
    writing.outbox.keep(&runtime, purge_of(1));
    assert_eq!(lists(1), 0, "what is pending here would be recorded twice");
    let (key, _) = writing.pending.first().unwrap();
    writing.outbox.note_recorded(&runtime, &key);
    assert_eq!((lists(1), lists(INTERVAL_MILLIS)), (1, 1));
    writing.outbox.keep(&runtime, purge_of(1));
    let (key, _) = writing.pending.first().unwrap();
    writing.outbox.note_recorded(&runtime, &key);
    assert_eq!(lists(1), 2);
}
