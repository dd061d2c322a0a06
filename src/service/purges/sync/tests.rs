use super::*;
use crate::purge::{Lag, Record};
use crate::service::context::OwnWrite;
use crate::service::purges::components::Purges;
use crate::service::purges::fixture::{context, purge_of, purges};
use crate::service::runtime::Clock as _;
use crate::service::testing::{Call, TestRuntime};
use futures_util::future::join_all;

fn sync(runtime: &TestRuntime, purges: &Purges) {
    runtime.run(purges.sync.sync(&context(runtime)));
}

#[test]
fn requests_share_a_read() {
    let (runtime, purges) = (TestRuntime::new(), purges());
    runtime.takes(Call::LogSince, 100);
    let contexts: Vec<_> = (0..20).map(|_| context(&runtime)).collect();
    runtime.run(join_all(contexts.iter().map(|context| purges.sync.sync(context))));
    assert_eq!(runtime.calls(Call::LogSince), 1);
    assert_eq!(purges.view.lag(runtime.at(), None), Lag::Current);
    sync(&runtime, &purges);
    assert_eq!(runtime.calls(Call::LogSince), 1, "it is recent enough");
}

#[test]
fn a_read_that_began_earlier_is_not_enough_for_a_client_with_a_token() {
    let (runtime, purges) = (TestRuntime::new(), purges());
    runtime.takes(Call::LogSince, 100);
    let first = context(&runtime);
    let second = async {
        runtime.sleep(50).await;
        let own_write = Some(OwnWrite { record: None, calls_before: purges.view.calls() });
        let context = Context { own_write, ..context(&runtime) };
        purges.sync.sync(&context).await;
        purges.view.is_recent(runtime.at(), own_write)
    };
    let both = futures_util::future::join(purges.sync.sync(&first), second);
    assert!(runtime.run(both).1);
    assert_eq!(runtime.calls(Call::LogSince), 2);
}

#[test]
fn while_the_log_fails_no_request_waits_for_it() {
    let (runtime, purges) = (TestRuntime::new(), purges());
    runtime.fails(Call::LogSince, "down");
    sync(&runtime, &purges);
    assert!(purges.view.is_failing());
    runtime.takes(Call::LogSince, 900);
    let started = runtime.at();
    sync(&runtime, &purges);
    assert_eq!(runtime.at(), started);
    runtime.works(Call::LogSince);
    runtime.advance(1_000);
    sync(&runtime, &purges);
    runtime.advance(1_000);
    assert!(!purges.view.is_failing(), "a request has found out in the background");
}

#[test]
fn an_aging_replica_is_refreshed_in_the_background() {
    let (runtime, purges) = (TestRuntime::new(), purges());
    sync(&runtime, &purges);
    runtime.advance(3_100);
    assert_eq!(purges.view.lag(runtime.at(), None), Lag::Aging);
    purges.sync.sync_in_background(&context(&runtime));
    runtime.advance(1);
    assert_eq!(purges.view.lag(runtime.at(), None), Lag::Current);
    let calls = runtime.calls(Call::LogSince);
    purges.sync.sync_in_background(&context(&runtime));
    runtime.advance(1);
    assert_eq!(runtime.calls(Call::LogSince), calls, "it was read just now");
}

#[test]
fn neighbors_read_the_log_once_for_all() {
    let runtime = TestRuntime::new();
    let isolates = [purges(), purges()];
    isolates.iter().for_each(|purges| sync(&runtime, purges));
    runtime.advance(3_100);
    runtime.records(&Record::everything());
    let calls = runtime.calls(Call::LogSince);
    for purges in &isolates {
        purges.sync.sync_in_background(&context(&runtime));
        runtime.advance(1);
    }
    assert_eq!(runtime.calls(Call::LogSince), calls + 1);
    assert_eq!(isolates[0].view.mark(), isolates[1].view.mark());
}

#[test]
fn a_read_now_begins_after_the_request() {
    let (runtime, purges) = (TestRuntime::new(), purges());
    sync(&runtime, &purges);
    let mark = runtime.records(&purge_of(1).record);
    runtime.run(purges.sync.sync_now(&context(&runtime)));
    assert_eq!(purges.view.mark(), Some(mark));
    runtime.fails(Call::LogSince, "down");
    runtime.run(purges.sync.sync_now(&context(&runtime)));
    let calls = runtime.calls(Call::LogSince);
    runtime.run(purges.sync.sync_now(&context(&runtime)));
    assert_eq!(runtime.calls(Call::LogSince), calls, "it has just failed");
}

#[test]
fn a_log_that_can_be_read_again_takes_what_is_pending() {
    let (runtime, purges) = (TestRuntime::new(), purges());
    runtime.fails(Call::LogAppend, "down");
    assert!(runtime.run(purges.recorder.record(&runtime, purge_of(1), "rest")).is_err());
    runtime.works(Call::LogAppend);
    runtime.advance(600);
    purges.sync.sync_in_background(&context(&runtime));
    runtime.advance(100);
    assert_eq!((runtime.log_head(), purges.takes_purges()), (1, true));
}
