use super::super::counts::Counter;
use super::super::kv_content::KvAmount;
use super::super::popular::PopularRequest;
use super::super::purges::{PurgeCounts, RecentPurge};
use super::super::rows::{FailingRows, MemoryRows};
use super::super::schedule::LEAST_MILLIS;
use super::*;
use crate::config::Config;
use crate::shadow::OperationCounts;
use proptest::prelude::*;
use serde_json::json;
use std::cell::Cell;
use std::convert::Infallible;

const START: u64 = 1_700_000_000_000 / 3_600_000 * 3_600_000;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

/// So many hits of an operation in a minute after the start.
fn part(number: u64, minute: u64, hits: u64, name: &str) -> Part {
    let mut tally = Tally::default();
    tally.total.add_to(Counter::Hits, hits);
    tally.operations.count(name, 9, |counts| counts.add_to(Counter::Hits, hits));
    Part { number, minute: START / MINUTE + minute, tally }
}

fn book() -> Book<MemoryRows> {
    Book::new(MemoryRows::default())
}

fn tell(book: &mut Book<MemoryRows>, now: u64, isolate: u64, parts: Vec<Part>) -> Reply {
    let message = Message { isolate, parts, requests_per_day: 10_000, ..Message::default() };
    Reply::decode(&book.handle(&message.encode(), at(now)).unwrap()).unwrap()
}

fn sum(book: &mut Book<MemoryRows>, now: u64, window: Option<u64>) -> WindowSum {
    let ask = Some(Ask { window, by: None });
    let message = Message { ask, ..Message::default() };
    let reply = book.handle(&message.encode(), at(now)).unwrap();
    Reply::decode(&reply).unwrap().answer.unwrap()
}

fn hits(book: &mut Book<MemoryRows>, now: u64, window: Option<u64>) -> u64 {
    sum(book, now, window).sum.total.of(Counter::Hits)
}

#[test]
fn a_part_counts_once_however_often_it_is_sent() {
    let mut book = book();
    tell(&mut book, 0, 1, vec![part(1, 0, 5, "a")]);
    tell(&mut book, 0, 2, vec![part(1, 0, 7, "a")]);
    tell(&mut book, 0, 1, vec![part(1, 0, 5, "a"), part(2, 0, 1, "a")]);
    assert_eq!(hits(&mut book, 0, Some(60)), 13);
    // An object that was started again does not know, but its rows are still there.
    let mut book = Book::new(book.rows);
    assert_eq!(hits(&mut book, 0, Some(60)), 13);
}

#[test]
fn counts_go_to_their_minute_and_at_most_an_hour_back() {
    let mut book = book();
    let parts = vec![part(1, 0, 1, "a"), part(2, 100, 10, "a"), part(3, 119, 100, "a")];
    // The last part is from the future.
    tell(&mut book, 118 * MINUTE, 1, parts);
    let now = 118 * MINUTE;
    assert_eq!(hits(&mut book, now, Some(1)), 100);
    assert_eq!(hits(&mut book, now, Some(18 * 60)), 100);
    assert_eq!(hits(&mut book, now, Some(19 * 60)), 110);
    assert_eq!(hits(&mut book, now, Some(59 * 60)), 110);
    assert_eq!(hits(&mut book, now, Some(60 * 60)), 111);
    assert_eq!(hits(&mut book, now, None), 111);
}

#[test]
fn minutes_become_hours_and_hours_end() {
    let mut book = book();
    for hour in 0..24 * 32 {
        let name = format!("op-{hour}");
        let parts =
            vec![part(hour + 1, hour * 60, 1, &name), part(hour + 1, hour * 60 + 30, 1, "b")];
        tell(&mut book, hour * HOUR + 30 * MINUTE, 1, parts);
    }
    let now = (24 * 32 - 1) * HOUR + 31 * MINUTE;
    assert_eq!(hits(&mut book, now, Some(3_600)), 2);
    assert_eq!(hits(&mut book, now, Some(86_400)), 50);
    assert_eq!(hits(&mut book, now, Some(86_400 * 30)), 2 * (24 * 30 + 1));
    let window = sum(&mut book, now, Some(86_400));
    assert_eq!(window.sum.operations.sum().requests(), 50);
    assert!((24..=26).contains(&window.series.len()), "{}", window.series.len());
    assert!(sum(&mut book, now, None).series.len() <= 121);
    let (minutes, _) = book.rows().size(Table::Minutes);
    let (hours, _) = book.rows().size(Table::Hours);
    assert!(minutes <= 2 * 27 && hours <= 24 * 30 + 3, "{minutes} minutes, {hours} hours");
}

#[test]
fn a_month_is_summed_up_row_by_row() {
    let mut book = book();
    let mut tallies = Vec::new();
    for hour in 0..24 * 30 {
        let mut tally = Tally::default();
        for n in 0..HOUR_NAMES as u64 {
            let hits = 1 + n % 7 * (hour % 5);
            tally.total.add_to(Counter::Hits, hits);
            tally.operations.count(&format!("op-{n}"), HOUR_NAMES, |counts| {
                counts.add_to(Counter::Hits, hits);
            });
        }
        let (number, text) = (START / HOUR + hour, serde_json::to_string(&tally).unwrap());
        book.rows().put(Table::Hours, number, &text).unwrap();
        tallies.push((number * 60, tally));
    }
    let end = START / HOUR + 24 * 30;
    let plan = serde_json::to_string(&Plan { first_open_hour: end, ..Plan::default() }).unwrap();
    book.rows().put(Table::State, PLAN, &plan).unwrap();
    let ask = Ask { window: None, by: Some(super::super::ask::By::Operation) };
    let message = Message { ask: Some(ask), ..Message::default() };
    let now = Timestamp::from_millis(end * HOUR);
    let reply = Reply::decode(&book.handle(&message.encode(), now).unwrap()).unwrap();
    let answer = reply.answer.unwrap();
    let tallies: Vec<_> = tallies.iter().map(|(minute, tally)| (*minute, tally)).collect();
    let window = (end * 60 + 1 - KEPT_HOURS * 60, end * 60);
    let expected = super::super::series::window_sum(&tallies, window, 60, ask);
    assert_eq!(answer.series, expected.series);
    assert_eq!((answer.since, &answer.sum.operations), (expected.since, &expected.sum.operations));
    assert!(answer.series.len() <= 121 && answer.series.iter().all(|point| point.by.len() == 5));
}

#[test]
fn a_service_may_be_idle_for_days() {
    let mut book = book();
    tell(&mut book, 0, 1, vec![part(1, 0, 5, "a")]);
    tell(&mut book, 100 * HOUR, 1, vec![part(2, 6_000, 1, "a")]);
    assert_eq!(hits(&mut book, 100 * HOUR, None), 6);
    assert_eq!(book.rows().size(Table::Minutes).0, 1);
}

#[test]
fn rows_are_bounded_whatever_names_clients_choose() {
    let mut book = book();
    for n in 0..400 {
        let parts = (0..40).map(|m| part(n + 1, 0, 1, &format!("{n}-{m}-{}", "x".repeat(300))));
        tell(&mut book, 0, n, parts.collect());
    }
    assert_eq!(hits(&mut book, 0, None), 16_000);
    tell(&mut book, 3 * HOUR, 1_000, vec![part(1, 180, 1, "a")]);
    for table in Table::ALL {
        assert!(book.rows().size(table).1 < 200_000, "{table:?}");
    }
    let window = sum(&mut book, 3 * HOUR, None);
    assert_eq!(
        (window.sum.total.requests(), window.sum.operations.sum().requests()),
        (16_001, 16_001)
    );
}

#[test]
fn purges_what_is_in_kv_and_popular_reads_are_kept_apart() {
    let mut book = book();
    let mut one = part(1, 0, 1, "a");
    one.tally.kv.written(at(0), 100, 7_200);
    let purge = RecentPurge { at: START, source: "admin".to_owned(), ..RecentPurge::default() };
    one.tally.recent_purges.push(purge.clone());
    one.tally.purges.record(&purge);
    let read = PopularRequest { url: "/a".to_owned(), count: 3, ..PopularRequest::default() };
    one.tally.popular.count(read.clone());
    tell(&mut book, 0, 1, vec![one.clone()]);
    tell(&mut book, 0, 2, vec![one]);
    let window = sum(&mut book, HOUR, Some(7_200));
    assert_eq!(window.kv, KvAmount { entries: 2, bytes: 200 });
    assert_eq!(window.sum.recent_purges.list(), [purge]);
    assert_eq!(window.sum.purges.recorded, 2);
    assert_eq!(sum(&mut book, 4 * HOUR, None).kv, KvAmount::default());
    let ask = Message { popular: Some(10), ..Message::default() };
    let mut popular =
        |now| Reply::decode(&book.handle(&ask.encode(), at(now)).unwrap()).unwrap().popular;
    assert_eq!(popular(0), [PopularRequest { count: 6, ..read }]);
    assert_eq!(popular(72 * HOUR), []);
}

#[test]
fn totals_have_what_metrics_show_of_every_report() {
    let mut book = book();
    for (number, differences) in [(1, vec![]), (2, vec!["data.price".to_owned()])] {
        let mut one = part(number, 0, 1, "a");
        one.tally.types.count("product", 9, |counts| counts.add_to(Counter::Hits, 1));
        one.tally.reasons.count("no-type:/x", 9, |counts| counts.add_to(Counter::Bypass, 1));
        one.tally.purges.request_everything("admin");
        one.tally.shadow.count("Products", &differences);
        tell(&mut book, 0, 1, vec![one]);
    }
    let ask = Message { totals: true, ..Message::default() };
    let reply = Reply::decode(&book.handle(&ask.encode(), at(0)).unwrap()).unwrap();
    let sum = reply.totals.unwrap().sum;
    assert_eq!((sum.total.requests(), sum.operations.sum().requests()), (2, 2));
    assert_eq!(sum.types.get("product").unwrap().requests(), 2);
    assert_eq!(sum.reasons.get("no-type").unwrap().requests(), 2);
    assert_ne!(sum.purges, PurgeCounts::default());
    let counts = OperationCounts { compared: 2, different: 1, ..OperationCounts::default() };
    assert_eq!((sum.shadow.compared, sum.shadow.different), (2, 1));
    assert_eq!(sum.shadow.by_operation["Products"], counts, "without the paths");
}

#[test]
fn a_damaged_row_is_lost_and_no_reason_to_fail() {
    let mut book = book();
    book.rows().put(Table::Minutes, START / MINUTE, "{").unwrap();
    book.rows().put(Table::State, PLAN, "?").unwrap();
    tell(&mut book, 0, 1, vec![part(1, 0, 5, "a")]);
    assert_eq!(hits(&mut book, 0, Some(60)), 5);
}

#[test]
fn each_isolate_gets_a_slot_of_its_own() {
    let mut book = book();
    let mut waits = Vec::new();
    for isolate in 0..20 {
        waits.push(tell(&mut book, 0, isolate, vec![part(1, 0, 1, "a")]).wait_ms);
    }
    assert_eq!(waits[..6], [60_000; 6]);
    assert_eq!(waits[19], 20 * 8_640);
}

#[test]
fn a_question_gets_no_slot_and_takes_none() {
    let mut book = book();
    for _ in 0..5_000 {
        hits(&mut book, 0, Some(60));
        let parts = vec![part(1, 0, 1, "a")];
        let message = Message { isolate: 7, parts, is_question: true, ..Message::default() };
        book.handle(&message.encode(), at(0)).unwrap();
    }
    assert_eq!(tell(&mut book, 0, 1, vec![part(1, 0, 1, "a")]).wait_ms, LEAST_MILLIS);
}

#[test]
fn asking_who_warms_the_cache_takes_no_slot_and_gets_a_reply_as_a_question_or_not() {
    let mut book = book();
    for isolate in 0..1_000 {
        for is_question in [false, true] {
            let warm = Some(WarmAsk { version: Some("v1".to_owned()), ..WarmAsk::default() });
            let message = Message {
                isolate,
                requests_per_day: 10_000,
                is_first: true,
                is_question,
                warm,
                ..Message::default()
            };
            let reply = Reply::decode(&book.handle(&message.encode(), at(0)).unwrap()).unwrap();
            assert!(matches!(reply.warm, Some(WarmReply::Wait(_))), "it names no site");
        }
    }
    assert_eq!(tell(&mut book, 0, 1, vec![part(1, 0, 1, "a")]).wait_ms, LEAST_MILLIS);
}

/// What comes to the object: a report of an isolate, or a question with a report or without.
#[derive(Debug, Clone)]
enum Arrival {
    Report(u64),
    Question { isolate: u64, has_parts: bool, is_first: bool },
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let question =
        (0u64..20, any::<bool>(), any::<bool>()).prop_map(|(isolate, has_parts, is_first)| {
            Arrival::Question { isolate, has_parts, is_first }
        });
    prop_oneof![(0u64..20).prop_map(Arrival::Report), question]
}

/// The waits of the reports, which come so many milliseconds after each other.
fn waits<'a>(arrivals: impl Iterator<Item = (u64, &'a Arrival)>) -> Vec<u64> {
    let mut book = book();
    let mut waits = Vec::new();
    for (number, (now, arrival)) in (1..).zip(arrivals) {
        let parts = vec![part(number, 0, 1, "a")];
        match *arrival {
            Arrival::Report(isolate) => waits.push(tell(&mut book, now, isolate, parts).wait_ms),
            Arrival::Question { isolate, has_parts, is_first } => {
                let parts = if has_parts { parts } else { Vec::new() };
                let requests_per_day = 10_000;
                let message = Message {
                    isolate,
                    requests_per_day,
                    parts,
                    is_first,
                    is_question: true,
                    ..Message::default()
                };
                book.handle(&message.encode(), at(now)).unwrap();
            }
        }
    }
    waits
}

proptest! {
    /// Whatever is asked and however often: each report gets the slot that it would have had.
    #[test]
    fn questions_delay_no_report(
        arrivals in prop::collection::vec((0u64..30_000, arrival()), 1..120),
    ) {
        let mut now = 0;
        let timed: Vec<(u64, Arrival)> = arrivals.into_iter().map(|(after, arrival)| {
            now += after;
            (now, arrival)
        }).collect();
        let all = timed.iter().map(|(now, arrival)| (*now, arrival));
        let reports = all.clone().filter(|(_, one)| matches!(one, Arrival::Report(_)));
        prop_assert_eq!(waits(all), waits(reports));
    }

    /// In whatever order isolates report, and however late: nothing is lost.
    #[test]
    fn sums_are_right_in_any_order(
        mut parts in prop::collection::vec((0u64..180, 0u64..60, 1u64..9), 1..60),
    ) {
        let mut book = book();
        parts.sort_by_key(|(minute, late, _)| minute + late);
        for (n, (minute, late, hits)) in parts.iter().enumerate() {
            tell(&mut book, (minute + late) * MINUTE, n as u64, vec![part(1, *minute, *hits, "a")]);
        }
        let now = 240 * MINUTE;
        let all: u64 = parts.iter().map(|(_, _, hits)| hits).sum();
        for window in [Some(6 * 3_600), Some(86_400), None] {
            prop_assert_eq!(hits(&mut book, now, window), all);
        }
    }
}

/// Rows in memory that count how many are written or deleted.
#[derive(Default)]
struct CountedRows(MemoryRows, Cell<u64>);

impl Rows for CountedRows {
    type Fault = Infallible;

    fn get(&self, table: Table, number: u64) -> Result<Option<String>, Infallible> {
        self.0.get(table, number)
    }

    fn put(&self, table: Table, number: u64, text: &str) -> Result<(), Infallible> {
        self.1.set(self.1.get() + 1);
        self.0.put(table, number, text)
    }

    fn each(
        &self,
        table: Table,
        numbers: (u64, u64),
        visit: &mut dyn FnMut(u64, &str),
    ) -> Result<(), Infallible> {
        self.0.each(table, numbers, visit)
    }

    fn delete_below(&self, table: Table, number: u64) -> Result<(), Infallible> {
        let before = self.0.size(table).0;
        self.0.delete_below(table, number)?;
        self.1.set(self.1.get() + (before - self.0.size(table).0) as u64);
        Ok(())
    }
}

#[test]
fn a_day_of_reports_writes_less_than_a_third_of_the_free_plans_rows() {
    let Config { service, alerts, stats, .. } = crate::config::parse(&json!({})).unwrap();
    let mut book = Book::new(CountedRows::default());
    book = book.with_alerts(AlertRules { service, config: alerts });
    let per_day = stats.requests_per_day;
    let mut written = 0;
    // Many isolates, each of which has counted something of every kind in each of its five parts.
    for n in 0..2 * per_day {
        let now = n * 24 * HOUR / per_day;
        let parts = (0..5u64).map(|k| {
            let mut part = part(n * 5 + k + 1, (now / MINUTE).saturating_sub(k), 1, "a");
            part.tally.kv.written(at(now), 100, 7_200);
            let popular = PopularRequest { url: "/a".to_owned(), count: 1, ..Default::default() };
            part.tally.popular.count(popular);
            let purge = RecentPurge { at: START + now, seq: n, ..RecentPurge::default() };
            part.tally.recent_purges.push(purge);
            part
        });
        let isolate = n % 300;
        let message = Message { isolate, parts: parts.collect(), ..Message::default() };
        if n == per_day {
            written = book.rows().1.get();
        }
        book.handle(&message.encode(), at(now)).unwrap();
    }
    let of_a_day = book.rows().1.get() - written;
    assert!((30_000..33_333).contains(&of_a_day), "{of_a_day}");
}

#[test]
fn storage_that_fails_is_a_fault_and_forgets_nothing_that_was_counted() {
    let mut book = Book::new(FailingRows::default());
    let send = |book: &mut Book<FailingRows>, parts: Vec<Part>| {
        let message = Message { isolate: 1, parts, ..Message::default() };
        book.handle(&message.encode(), at(0))
    };
    let ask = Message { ask: Some(Ask { window: Some(60), by: None }), ..Message::default() };
    let hits = |book: &mut Book<FailingRows>| {
        let reply = book.handle(&ask.encode(), at(0)).unwrap();
        Reply::decode(&reply).unwrap().answer.unwrap().sum.total.of(Counter::Hits)
    };
    // The isolate gets no reply, so it sends the first part again.
    send(&mut book, vec![part(1, 0, 5, "a")]).unwrap();
    book.rows.left.set(Some(0));
    let both = || vec![part(1, 0, 5, "a"), part(2, 0, 7, "a")];
    for _ in 0..3 {
        assert_eq!(send(&mut book, both()), Err(BookFault::Storage(())));
        assert_eq!(hits(&mut book), 5, "a question needs no writes");
    }
    book.rows.left.set(None);
    send(&mut book, both()).unwrap();
    assert_eq!(hits(&mut book), 12);
}
