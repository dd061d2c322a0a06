use super::*;
use crate::purge::Verdict;
use crate::service::purges::fixture::{Writing, entry_of, purge_of};
use crate::service::runtime::Clock as _;
use crate::service::testing::{Call, TestRuntime};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

#[test]
fn the_log_is_told_after_five_seconds_and_before_it_stops() {
    let write = WriteInProgress::new(at(0));
    assert_eq!((write.pause(at(0)), write.pause(at(4_999))), (5_000, 1));
    assert_eq!(write.pause(at(6_000)), 0);
    write.announced_at.set(Some(at(6_000)));
    assert_eq!(write.pause(at(6_000)), AGAIN_MILLIS);
    let rows = NewRecord::intent(Record::everything()).intent_repeats(0, at(0));
    let last = rows.last().unwrap().0;
    assert!(last.millis_since(at(0)) >= AGAIN_MILLIS + WRITE_MILLIS, "no minute is left out");
}

#[test]
fn a_hanging_origin_does_not_flood_the_log() {
    let rate = Rate::default();
    let told: Vec<Announcement> = (0..20_000).map(|n| rate.admit(at(n))).collect();
    let count = |of: &Announcement| told.iter().filter(|one| *one == of).count();
    assert_eq!(count(&Announcement::Own), 2 * ONE_BY_ONE as usize);
    assert!(count(&Announcement::Shared) <= 20, "{}", count(&Announcement::Shared));
    // None is left out: one that another has told was told less than a second before.
    let mut shared = None;
    for (millis, one) in told.iter().enumerate() {
        match one {
            Announcement::Shared => shared = Some(millis),
            Announcement::Covered => assert!(shared.is_some_and(|at| millis - at < 1_000)),
            Announcement::Own => {}
        }
    }
    assert_eq!(rate.admit(at(0)), Announcement::Own, "a clock that was set back starts over");
}

fn intents() -> (Rc<Intents>, Writing) {
    let writing = Writing::new();
    (Rc::new(Intents::new(writing.writer.clone(), writing.delivery.clone())), writing)
}

/// Watches a write that takes so long.
fn watch(runtime: &TestRuntime, intents: &Rc<Intents>, millis: u64) -> Rc<WriteInProgress> {
    let write = WriteInProgress::new(runtime.at());
    let origin = runtime.sleep(millis);
    runtime.run(intents.watch(runtime, &write, || Some(purge_of(1).record), origin));
    write
}

#[test]
fn a_fast_write_makes_no_call() {
    let (runtime, (intents, _)) = (TestRuntime::new(), intents());
    assert_eq!(watch(&runtime, &intents, SLOW_MILLIS - 1).close(), None);
    assert_eq!(runtime.calls(Call::LogIntend), 0);
}

#[test]
fn a_slow_write_is_announced_and_its_record_closes_that() {
    let (runtime, (intents, _)) = (TestRuntime::new(), intents());
    let write = watch(&runtime, &intents, SLOW_MILLIS + AGAIN_MILLIS - 1);
    assert_eq!(runtime.calls(Call::LogIntend), 1);
    let closing = intents.closing(&runtime, Some(purge_of(2)), || write.close()).unwrap();
    assert_eq!(closing.closes, [IntentId::of(1)]);
    watch(&runtime, &intents, SLOW_MILLIS + AGAIN_MILLIS + 1);
    assert_eq!(runtime.calls(Call::LogIntend), 3, "it is announced again");
}

#[test]
fn an_unknown_outcome_closes_nothing() {
    let (runtime, (intents, _)) = (TestRuntime::new(), intents());
    let write = watch(&runtime, &intents, SLOW_MILLIS + 1);
    let new = purge_of(2).with_unknown_outcome();
    let closing = intents.closing(&runtime, Some(new), || write.close()).unwrap();
    assert!(closing.closes.is_empty());
}

#[test]
fn an_intent_of_a_write_that_is_over_is_closed_in_the_background() {
    let (runtime, (intents, _)) = (TestRuntime::new(), intents());
    let write = watch(&runtime, &intents, SLOW_MILLIS + 1);
    assert_eq!(intents.closing(&runtime, None, || write.close()), None);
    runtime.advance(1);
    assert_eq!((runtime.calls(Call::LogAppend), runtime.log_head()), (1, 0));
    // The log replies after the write is over.
    runtime.takes(Call::LogIntend, 100);
    assert_eq!(watch(&runtime, &intents, SLOW_MILLIS + 1).close(), None);
    runtime.advance(1_000);
    assert_eq!((runtime.calls(Call::LogAppend), runtime.log_head()), (2, 0));
}

#[test]
fn an_intent_that_the_log_does_not_take_is_a_pending_purge() {
    let (runtime, (intents, writing)) = (TestRuntime::new(), intents());
    let stored_at = runtime.run(writing.writer.append(&runtime, &purge_of(9), 1_000)).unwrap();
    runtime.fails(Call::LogIntend, "down");
    assert_eq!(watch(&runtime, &intents, SLOW_MILLIS + 1).close(), None);
    assert_eq!(writing.view.verdict(&entry_of(stored_at, &[1])), Verdict::Purged);
    runtime.advance(5_000);
    assert!(writing.pending.is_empty() && runtime.log_head() == 2, "a probe records it");
}
