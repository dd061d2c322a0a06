use super::*;
use crate::service::purges::fixture::Writing;
use crate::service::runtime::{Clock as _, Signals as _};
use crate::service::testing::{Call, TestRuntime};
use futures_util::future::{join, join_all};

fn shared() -> SharedAppends {
    SharedAppends::new(Writing::new().delivery)
}

#[test]
fn purges_of_one_moment_share_an_append() {
    let (runtime, shared) = (TestRuntime::new(), shared());
    runtime.takes(Call::LogAppend, 100);
    let everything = NewRecord::everything();
    let all = (0..20).map(|_| shared.append(&runtime, &everything));
    let marks = runtime.run(join_all(all));
    // The first begins at once; the others share the next, which begins after all were asked for.
    assert_eq!(marks.iter().filter(|mark| mark.as_ref().is_ok_and(|m| m.seq == 1)).count(), 1);
    assert_eq!(marks.iter().filter(|mark| mark.as_ref().is_ok_and(|m| m.seq == 2)).count(), 19);
}

#[test]
fn a_purge_never_joins_an_append_that_began_before_it() {
    let (runtime, shared) = (TestRuntime::new(), shared());
    runtime.takes(Call::LogAppend, 500);
    let everything = NewRecord::everything();
    let second = async {
        runtime.sleep(100).await;
        let mark = shared.append(&runtime, &everything).await;
        (mark, runtime.at())
    };
    let started = runtime.at();
    let (first, (second, ended)) = runtime.run(join(shared.append(&runtime, &everything), second));
    assert_eq!((first.unwrap().seq, second.unwrap().seq), (1, 2));
    assert_eq!(ended.millis_since(started), PAUSE_MILLIS + 500);
}

#[test]
fn the_shared_append_repeats_and_closes_for_all() {
    let appends = Appends::default();
    let now = Timestamp::from_millis(0);
    appends.add(&NewRecord {
        repeat_after: vec![60],
        closes: vec![IntentId::of(1)],
        ..NewRecord::default()
    });
    appends.add(&NewRecord {
        repeat_after: vec![10],
        closes: vec![IntentId::of(2)],
        ..NewRecord::default()
    });
    let (number, new) = appends.begin(now, 5);
    assert_eq!((number, new.repeat_after, new.closes.len()), (1, vec![10, 60], 2));
    assert_eq!((appends.signal_after(0), appends.signal_after(1)), (Some(5), None));
    appends.end(number, Err("down".to_owned()));
    assert_eq!(appends.outcome_after(0), Some(Err("down".to_owned())));
    assert_eq!((appends.outcome_after(1), appends.signal_after(0)), (None, None));
    let (_, next) = appends.begin(now, 6);
    assert!(next.repeat_after.is_empty() && next.closes.is_empty());
}

#[test]
fn a_request_that_ends_early_keeps_none_waiting() {
    let (runtime, shared) = (TestRuntime::new(), shared());
    // An append was begun by a request that the runtime has ended: its signal is never given.
    shared.state.last.set(1);
    let everything = NewRecord::everything();
    let never_given = runtime.create_signal();
    let joining = async {
        let append = shared.append(&runtime, &everything);
        let begins = async { shared.state.under_way.set(Some((2, never_given))) };
        join(begins, append).await.1
    };
    let started = runtime.at();
    assert_eq!(runtime.run(joining).map(|mark| mark.seq), Ok(1));
    assert_eq!(runtime.at().millis_since(started), WAIT_MILLIS);
}
