use super::*;
use crate::purge::{NewRecord, Record};
use crate::service::purges::fixture::{entry_of, purge_of, settings};

const EPOCH: u64 = 7;

fn view(serves_unreadable: bool) -> (LogView, Rc<PendingPurges>) {
    let pending: Rc<PendingPurges> = Rc::default();
    let settings = PurgeSettings { serves_unreadable, ..settings() };
    (LogView::new(&settings, pending.clone()), pending)
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

fn mark(seq: u64) -> Mark {
    Mark { epoch: EPOCH, seq }
}

fn records(after: u64, records: &[NewRecord]) -> Delta {
    let records = records.iter().map(|new| new.record.clone()).collect();
    Delta::Records { epoch: EPOCH, floor: 0, after, records }
}

#[test]
fn nothing_is_judged_before_the_log_was_read() {
    let (view, _) = view(true);
    assert_eq!((view.mark(), view.lag(at(0), None)), (None, Lag::TooOld));
    assert!(!view.may_judge(at(0), None));
}

#[test]
fn a_view_ages() {
    for serves_unreadable in [false, true] {
        let (view, _) = view(serves_unreadable);
        assert!(view.learn(records(0, &[]), at(0), view.begin_call()));
        let lags = [0, 1_999, 2_000, 3_999, 4_000].map(|millis| view.lag(at(millis), None));
        use Lag::{Aging, Current, TooOld};
        assert_eq!(lags, [Current, Current, Aging, Aging, TooOld]);
        assert!(view.may_judge(at(3_999), None));
        assert_eq!(view.may_judge(at(4_000), None), serves_unreadable);
    }
}

#[test]
fn pending_purges_count_as_recorded() {
    let (view, pending) = view(false);
    view.learn(records(0, &[purge_of(1)]), at(0), view.begin_call());
    let verdict = |tag| view.verdict(&entry_of(mark(0), &[tag]));
    assert_eq!([verdict(1), verdict(2)], [Verdict::Purged, Verdict::Valid]);
    pending.push("key".to_owned(), purge_of(2));
    assert_eq!(verdict(2), Verdict::Purged);
}

#[test]
fn a_client_reads_nothing_older_than_its_own_write() {
    let (view, _) = view(true);
    view.learn(records(0, &[]), at(0), view.begin_call());
    let own = |record| Some(OwnWrite { record, calls_before: view.calls() });
    let (verified, unverified) = (own(Some(mark(1))), own(None));
    let earlier_epoch = own(Some(Mark { epoch: EPOCH - 1, seq: 50 }));
    for own_write in [verified, unverified, earlier_epoch] {
        assert_eq!(view.lag(at(1), own_write), Lag::TooOld);
        assert!(!view.may_judge(at(1), own_write), "not even with unreadable = \"serve\"");
    }
    // A call that was begun before the request arrived proves nothing about tokens of unknown origin.
    view.learn(records(0, &[purge_of(1)]), at(2), view.calls());
    assert!(view.is_recent(at(2), verified) && !view.is_recent(at(2), unverified));
    view.learn(records(1, &[]), at(3), view.begin_call());
    assert!(view.is_recent(at(3), unverified) && view.is_recent(at(3), earlier_epoch));
    let ahead = own(Some(mark(2)));
    view.learn(records(1, &[]), at(4), view.begin_call());
    assert!(!view.is_recent(at(4), ahead), "the log was not asked from there");
}

#[test]
fn a_failure_lasts_until_the_log_is_read() {
    let (view, pending) = view(false);
    view.learn(records(0, &[]), at(0), view.begin_call());
    view.failed(at(1), "down");
    assert!(view.is_failing() && !view.may_read(at(1)) && view.failures() == 1);
    assert_eq!(view.failure().as_deref(), Some("down"));
    pending.push("key".to_owned(), Record::everything().into());
    assert!(view.learn_from_neighbor(records(0, &[]), at(2)) && view.is_failing());
    pending.remove("key");
    assert!(!view.learn_from_neighbor(records(0, &[]), at(2)), "it is no later than what is known");
    assert!(view.learn_from_neighbor(records(0, &[]), at(3)) && !view.is_failing());
    view.failed(at(4), "down");
    view.learn(records(0, &[]), at(5), view.begin_call());
    assert!(!view.is_failing() && view.may_read(at(5)));
}

#[test]
fn the_latest_token_is_remembered_until_the_log_was_asked_from_there() {
    let (view, _) = view(false);
    view.note_shown(mark(5));
    view.note_shown(mark(3));
    assert_eq!(view.shown(), Some(mark(5)));
    view.shown_is_settled(Some(mark(3)));
    assert_eq!(view.shown(), Some(mark(5)), "another was shown meanwhile");
    view.shown_is_settled(Some(mark(5)));
    assert_eq!(view.shown(), None);
}
