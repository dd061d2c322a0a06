use super::*;
use crate::purge::Verdict;
use crate::service::purges::fixture::{Writing, entry_of, purge_of};
use crate::service::testing::{Call, TestRuntime};

fn append(runtime: &TestRuntime, writing: &Writing, tag: u64) -> Result<Mark, Fault> {
    runtime.run(writing.delivery.append_or_keep(runtime, &purge_of(tag)))
}

#[test]
fn a_purge_that_the_log_takes_is_never_pending() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    assert_eq!(append(&runtime, &writing, 1).map(|mark| mark.seq), Ok(1));
    runtime.advance(1);
    assert!(writing.pending.is_empty() && runtime.calls(Call::KvPut) == 0);
}

#[test]
fn a_purge_is_tried_twice_and_then_pending_until_a_probe_records_it() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    let stored_at = append(&runtime, &writing, 9).unwrap();
    runtime.fails(Call::LogAppend, "down");
    assert!(append(&runtime, &writing, 1).is_err());
    assert_eq!(runtime.calls(Call::LogAppend), 1 + 2);
    assert!(writing.writer.breaker.is_open() && writing.view.is_failing());
    assert_eq!(writing.view.verdict(&entry_of(stored_at, &[1])), Verdict::Purged);
    runtime.advance(1);
    assert_eq!(runtime.kv_keys().len(), 1, "the outbox has it");
    runtime.works(Call::LogAppend);
    runtime.advance(1_000);
    assert_eq!(runtime.log_head(), 2);
    assert!(writing.pending.is_empty() && !writing.writer.breaker.is_open());
    assert!(runtime.kv_keys().is_empty());
}

#[test]
fn while_the_breaker_is_open_no_client_waits() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.fails(Call::LogAppend, "down");
    assert!(append(&runtime, &writing, 1).is_err());
    let before = runtime.calls(Call::LogAppend);
    assert_eq!(append(&runtime, &writing, 2), Err(BREAKER_OPEN.to_owned()));
    assert_eq!(runtime.calls(Call::LogAppend), before);
    let tried = runtime.run(writing.delivery.try_or_keep(&runtime, &purge_of(3)));
    assert_eq!((tried, runtime.calls(Call::LogAppend)), (Err("down".to_owned()), before + 1));
}

#[test]
fn probes_become_seldom_and_one_request_makes_them() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.fails(Call::LogAppend, "down");
    for tag in 0..5 {
        assert!(append(&runtime, &writing, tag).is_err());
    }
    let before = runtime.calls(Call::LogAppend);
    runtime.advance(PROBING_MILLIS);
    let probes = runtime.calls(Call::LogAppend) - before;
    assert!((4..=12).contains(&probes), "{probes}");
    runtime.advance(60_000);
    assert_eq!(runtime.tasks(), 0, "the runtime would end it");
}

#[test]
fn a_cron_trigger_records_what_is_here_and_what_others_left() {
    let (runtime, writing) = (TestRuntime::new(), Writing::new());
    runtime.fails(Call::LogAppend, "down");
    for tag in 0..3 {
        assert!(append(&runtime, &writing, tag).is_err());
    }
    runtime
        .set_kv("outbox/shop@test/1700000000000-0123456789abcdef", purge_of(7).encode_for_outbox());
    runtime.works(Call::LogAppend);
    runtime.run(writing.delivery.record_everything_pending(&runtime));
    runtime.advance(1);
    assert!(writing.pending.is_empty() && runtime.log_head() >= 4);
    assert!(runtime.kv_keys().is_empty(), "{:?}", runtime.kv_keys());
}
