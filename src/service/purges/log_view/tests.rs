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
        assert!(view.learn(records(0, &[]), Version::CURRENT, at(0), view.begin_call()));
        let lags = [0, 1_999, 2_000, 3_999, 4_000].map(|millis| view.lag(at(millis), None));
        use Lag::{Aging, Current, TooOld};
        assert_eq!(lags, [Current, Current, Aging, Aging, TooOld]);
        assert!(view.may_judge(at(3_999), None));
        assert_eq!(view.may_judge(at(4_000), None), serves_unreadable);
    }
}

#[test]
fn while_the_cache_is_paused_nothing_is_judged() {
    use crate::purge::Pause;
    let (view, _) = view(true);
    let pause = |pause| NewRecord::from(Record::of_pause(pause));
    view.learn(
        records(0, &[pause(Pause::until(at(10)))]),
        Version::CURRENT,
        at(0),
        view.begin_call(),
    );
    assert!(view.is_paused(at(9)) && !view.may_judge(at(9), None));
    assert!(!view.is_paused(at(10)) && view.may_judge(at(10), None), "it ends by itself");
    view.learn(
        records(1, &[pause(Pause::UNTIL_RESUMED)]),
        Version::CURRENT,
        at(10),
        view.begin_call(),
    );
    assert!(view.is_paused(at(1_000_000)), "however old the replica is");
    view.learn(records(2, &[pause(Pause::NONE)]), Version::CURRENT, at(20), view.begin_call());
    assert!(!view.is_paused(at(20)) && view.may_judge(at(20), None));
}

#[test]
fn pending_purges_count_as_recorded() {
    let (view, pending) = view(false);
    view.learn(records(0, &[purge_of(1)]), Version::CURRENT, at(0), view.begin_call());
    let verdict = |tag| view.verdict(&entry_of(mark(0), &[tag]));
    assert_eq!([verdict(1), verdict(2)], [Verdict::Purged, Verdict::Valid]);
    pending.push("key".to_owned(), purge_of(2), Vec::new());
    assert_eq!(verdict(2), Verdict::Purged);
}

#[test]
fn a_client_reads_nothing_older_than_its_own_write() {
    let (view, _) = view(true);
    view.learn(records(0, &[]), Version::CURRENT, at(0), view.begin_call());
    let own = |record| Some(OwnWrite { record, calls_before: view.calls() });
    let (verified, unverified) = (own(Some(mark(1))), own(None));
    let earlier_epoch = own(Some(Mark { epoch: EPOCH - 1, seq: 50 }));
    for own_write in [verified, unverified, earlier_epoch] {
        assert_eq!(view.lag(at(1), own_write), Lag::TooOld);
        assert!(!view.may_judge(at(1), own_write), "not even with unreadable = \"serve\"");
    }
    // A call that was begun before the request arrived proves nothing about tokens of unknown origin.
    view.learn(records(0, &[purge_of(1)]), Version::CURRENT, at(2), view.calls());
    assert!(view.is_recent(at(2), verified) && !view.is_recent(at(2), unverified));
    view.learn(records(1, &[]), Version::CURRENT, at(3), view.begin_call());
    assert!(view.is_recent(at(3), unverified) && view.is_recent(at(3), earlier_epoch));
    let ahead = own(Some(mark(2)));
    view.learn(records(1, &[]), Version::CURRENT, at(4), view.begin_call());
    assert!(!view.is_recent(at(4), ahead), "the log was not asked from there");
}

#[test]
fn a_failure_lasts_until_the_log_is_read() {
    let (view, pending) = view(false);
    view.learn(records(0, &[]), Version::CURRENT, at(0), view.begin_call());
    view.failed(at(1), "down");
    assert!(view.is_failing() && !view.may_read(at(1)) && view.failures() == 1);
    assert_eq!(view.failure().as_deref(), Some("down"));
    pending.push("key".to_owned(), Record::everything().into(), Vec::new());
    assert!(view.learn_from_neighbor(records(0, &[]), at(2)) && view.is_failing());
    pending.remove("key");
    assert!(!view.learn_from_neighbor(records(0, &[]), at(2)), "it is no later than what is known");
    assert!(view.learn_from_neighbor(records(0, &[]), at(3)) && !view.is_failing());
    view.failed(at(4), "down");
    view.learn(records(0, &[]), Version::CURRENT, at(5), view.begin_call());
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

#[test]
fn what_was_read_in_an_earlier_version_is_in_doubt_until_the_log_is_read_as_a_whole() {
    use crate::purge::{Log, LogLimits, MemoryRows};
    use crate::time::Ttl;
    let (view, _) = view(false);
    let records = |after| records(after, &[purge_of(1)]);
    let whole = |head| {
        let rows = MemoryRows::of_log(EPOCH, head);
        Log::open(rows, Ttl::ZERO, LogLimits::default(), || EPOCH).unwrap().since(None)
    };
    let after = |delta, version| {
        assert!(view.learn(delta, version, at(0), view.begin_call()));
        (view.is_complete(), view.is_in_doubt(), view.is_recent(at(0), None))
    };
    const COMPLETE: (bool, bool, bool) = (true, false, true);
    const EARLIER: (bool, bool, bool) = (false, false, true);
    const IN_DOUBT: (bool, bool, bool) = (false, true, false);
    assert_eq!(after(records(0), Version::CURRENT), COMPLETE);
    assert_eq!(after(records(1), Version::PREVIOUS), EARLIER);
    assert_eq!(after(whole(2), Version::PREVIOUS), EARLIER);
    assert_eq!(after(records(2), Version::CURRENT), IN_DOUBT);
    assert_eq!(after(records(3), Version::PREVIOUS), IN_DOUBT, "a late reply");
    assert_eq!(after(whole(3), Version::CURRENT), IN_DOUBT, "the replica keeps what is later");
    assert_eq!(after(whole(4), Version::PREVIOUS), EARLIER, "the log is of an earlier build again");
    assert_eq!(after(whole(4), Version::CURRENT), COMPLETE);
}
