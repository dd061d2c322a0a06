use super::super::answered::Answered;
use super::*;
use crate::statistics::{Counter, OTHER};
use proptest::prelude::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_040_000 + seconds * 1_000)
}

fn response(how: Answered) -> Response<'static> {
    Response {
        how,
        tier: None,
        millis: 4,
        bytes: 10,
        saved_millis: 0,
        type_name: Some("product"),
        operation: None,
        path: "/products",
        reason: None,
        matched: &[],
    }
}

fn ask(window: u64) -> Ask {
    Ask { window: Some(window), by: None }
}

#[test]
fn counts_within_the_window() {
    let stats = Stats::default();
    stats.answered(at(0), &response(Answered::Miss));
    let hit = Response { tier: Some("memory"), saved_millis: 90, ..response(Answered::Hit) };
    stats.answered(at(1), &hit);
    stats.answered(at(180), &response(Answered::Stale));
    stats.answered(at(180), &response(Answered::Revalidated));
    let by_reason =
        Response { reason: Some("cookie-without-scope: sid"), ..response(Answered::Bypass) };
    stats.answered(at(180), &by_reason);
    let all = stats.totals();
    assert_eq!((all.total.requests(), all.total.from_cache()), (5, 3));
    assert_eq!(all.total.hit_rate(), 0.75);
    assert_eq!((all.total.of(Counter::Memory), all.total.of(Counter::SavedMillis)), (1, 90));
    assert_eq!(all.total.of(Counter::BytesCached), 30);
    assert_eq!(all.bypass_reasons().collect::<Vec<_>>(), [("cookie-without-scope: sid", 1)]);
    let recent = stats.window(at(180), ask(60)).sum;
    assert_eq!((recent.total.of(Counter::Hits), recent.total.of(Counter::Stale)), (0, 1));
    assert_eq!(recent.types.get("product").unwrap().requests(), 3);
    assert_eq!(stats.window(at(180), ask(240)).sum.total.requests(), 5);
    let life = stats.window(at(400), Ask::default());
    assert_eq!((life.since, life.sum.total.requests()), (at(0).as_millis(), 5));
}

#[test]
fn purges_are_counted_with_their_cause() {
    let stats = Stats::default();
    stats.purge_requested(at(0), &Record::everything(), "mutation");
    stats.field_purged_everything(at(0), "doIt");
    stats.purged(at(0), &Record::everything(), 7, "mutation", Some("doIt"));
    stats.purge_requested(at(0), &Record::default(), "mutation");
    let Tally { purges, recent_purges, .. } = stats.totals();
    assert_eq!((purges.recorded, purges.of_everything), (1, 1));
    assert_eq!((purges.by_source["mutation"], purges.by_size["everything"]), (1, 1));
    assert_eq!(purges.of_everything_by_field["doIt"], 1);
    let purge = &recent_purges.list()[0];
    assert_eq!((purge.seq, purge.cause.as_deref()), (7, Some("doIt")));
}

#[test]
fn names_are_bounded_and_sums_stay_right() {
    let stats = Stats::default();
    for n in 0..20_000 {
        let path = format!("/{n}");
        stats.answered(at(n / 50), &Response { path: &path, ..response(Answered::Hit) });
    }
    let paths = stats.totals().paths;
    assert!(paths.named().count() <= NAMES);
    assert_eq!(paths.sum().requests(), 20_000);
    assert_eq!(paths.rows(10).last().unwrap().0, OTHER);
}

#[test]
fn an_isolate_that_reports_late_sends_few_parts() {
    let stats = Stats::default();
    for minute in 0..14 {
        stats.answered(at(minute * 60), &response(Answered::Hit));
    }
    let parts = stats.report(at(14 * 60));
    assert_eq!(parts.len(), NEW_PARTS);
    assert_eq!(parts.iter().map(|part| part.tally.total.requests()).sum::<u64>(), 14);
    assert!(parts.is_sorted_by_key(|part| (part.number, part.minute)));
}

#[test]
fn popular_requests_are_reported_once_in_a_while() {
    let stats = Stats::default();
    let mut reports = 0;
    for minute in 0..60 {
        stats.answered(at(minute * 60), &response(Answered::Hit));
        stats.popular(PopularRequest { url: "/a".to_owned(), count: 1, ..Default::default() });
        let parts = stats.report(at(minute * 60));
        reports += parts.iter().filter(|part| !part.tally.popular.is_empty()).count();
        stats.reported(parts.last().unwrap().number);
    }
    assert_eq!(reports, 4);
}

proptest! {
    /// Whatever fails, and for however long: nothing is counted twice, nothing is lost within an hour, and
    /// what is kept is bounded.
    #[test]
    fn what_was_not_reported_is_kept(steps in prop::collection::vec((0u64..4, 0u64..200, any::<bool>()), 1..300)) {
        let stats = Stats::default();
        let (mut now, mut counted, mut first) = (0, 0, None);
        let mut received = std::collections::BTreeMap::new();
        for (hits, seconds, is_received) in steps {
            for _ in 0..hits {
                stats.answered(at(now), &response(Answered::Hit));
                counted += 1;
            }
            now += seconds;
            if is_received {
                let parts = stats.report(at(now));
                prop_assert!(parts.len() <= MINUTES);
                first = first.or(Some(now));
                for part in &parts {
                    received.insert(part.number, part.tally.total.requests());
                }
                if let Some(last) = parts.last() {
                    stats.reported(last.number);
                }
            }
        }
        let left: u64 = stats.report(at(now)).iter().map(|part| part.tally.total.requests()).sum();
        prop_assert_eq!(received.values().sum::<u64>() + left, counted);
        prop_assert_eq!(stats.totals().total.requests(), counted);
        prop_assert!(stats.0.borrow().earlier.len() <= MINUTES);
    }

    /// A report that got no reply is sent again as it was, with what came after it.
    #[test]
    fn a_report_without_a_reply_is_repeated(failures in 1usize..80) {
        let stats = Stats::default();
        let mut sent = std::collections::BTreeMap::new();
        for minute in 0..failures as u64 {
            stats.answered(at(minute * 60), &response(Answered::Hit));
            for part in stats.report(at(minute * 60)) {
                let before = sent.insert(part.number, part.tally.clone());
                prop_assert!(before.is_none_or(|before| before == part.tally));
            }
        }
        let left: u64 = stats.report(at(90 * 60)).iter().map(|part| part.tally.total.requests()).sum();
        prop_assert_eq!(left, (failures as u64).min(MINUTES as u64));
    }
}
