use super::*;
use crate::alerts::{AlertRules, Firing};
use crate::config::parse;
use crate::statistics::{Book, Counter, MemoryRows, Message, Part, Reply, Tally};
use proptest::prelude::*;
use serde_json::json;

const START: u64 = 1_000_000;

fn at(minute: u64) -> Timestamp {
    Timestamp::from_millis((START + minute) * 60_000 + 1_000)
}

fn book() -> Book<MemoryRows> {
    let config = json!({ "alerts": { "webhook": "https://hooks.example.com/" } });
    let config = parse(&config).unwrap().alerts;
    Book::new(MemoryRows::default()).with_alerts(AlertRules { service: "shop".into(), config })
}

/// A report of an isolate, of the minute before.
fn report(number: u64, minute: u64, hits: u64, misses: u64, errors: u64) -> Message {
    let mut tally = Tally::default();
    tally.total.add_to(Counter::Hits, hits);
    tally.total.add_to(Counter::Misses, misses);
    tally.total.add_to(Counter::Errors, errors);
    tally
        .reasons
        .count(&format!("reason: {number}"), 9, |counts| counts.add_to(Counter::Errors, 1));
    let minute = START + minute.saturating_sub(1);
    Message {
        isolate: 1,
        requests_per_day: 10_000,
        parts: vec![Part { number, minute, tally }],
        ..Message::default()
    }
}

fn send(book: &mut Book<MemoryRows>, message: &Message, now: Timestamp) -> Reply {
    Reply::decode(&book.handle(&message.encode(), now).unwrap()).unwrap()
}

fn firing(reply: &Reply) -> Vec<&str> {
    let firing = reply.alerts.iter().filter(|alert| alert.state == Firing::Firing);
    firing.map(|alert| alert.alert.as_str()).collect()
}

#[test]
fn errors_and_a_low_hit_rate_begin_and_end_with_their_numbers() {
    let mut book = book();
    let mut fired = Vec::new();
    for minute in 1..=20 {
        let (hits, errors) = if minute <= 5 { (10, 30) } else { (90, 0) };
        let reply = send(&mut book, &report(minute, minute, hits, 100 - hits, errors), at(minute));
        fired.push(firing(&reply).join(" "));
    }
    // After one minute there are 30 errors in five, which is not yet too many.
    assert_eq!(fired[..3], ["", "hit-rate", "hit-rate errors"]);
    assert_eq!(fired[19], "");
    let texts: Vec<String> = std::iter::from_fn(|| {
        let attempt = book.begin_message(at(30)).unwrap()?;
        book.message_accepted(attempt.number).unwrap();
        Some(attempt.message.text)
    })
    .collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(texts[0].starts_with("shop: the hit rate is 10 %, below 50 %"), "{texts:?}");
}

/// Many isolates, each of which has one error a minute and reports every `wait` minutes, as `service/stats` puts
/// its minutes into parts. How many errors a minute an evaluation takes that for, at the end of a day.
fn errors_a_minute_seen(isolates: u64, wait: u64) -> f64 {
    let rows = MemoryRows::default();
    let end = 300;
    let each = wait.div_ceil(NEW_PARTS as u64);
    for isolate in 0..isolates {
        // Their reports are spread over the time between two of each.
        let first = isolate * wait / isolates;
        for at in (first..=end).step_by(usize::try_from(wait).unwrap()) {
            for part in 0..wait.div_ceil(each) {
                let minute = (at - (part * each).min(at)).max(at.saturating_sub(59));
                let mut tally: Tally = rows
                    .get(Table::Minutes, START + minute)
                    .unwrap()
                    .map(|text| crate::record::read(&text).unwrap())
                    .unwrap_or_default();
                tally.total.add_to(Counter::Errors, each.min(wait - part * each));
                rows.put(Table::Minutes, START + minute, &serde_json::to_string(&tally).unwrap())
                    .unwrap();
            }
        }
    }
    let now = Timestamp::from_millis((START + end) * 60_000 + 59_000);
    let numbers = numbers(&rows, wait * 60_000, now).unwrap();
    numbers.errors as f64 * 60.0 / numbers.seconds as f64
}

#[test]
fn errors_a_minute_are_right_however_many_isolates_report_however_rarely() {
    // 100 isolates report every 48 minutes by default. 700 would report every 5.6 hours.
    for (isolates, wait) in [(1, 1), (6, 3), (20, 10), (50, 24), (100, 48), (250, 120), (700, 336)]
    {
        let share = errors_a_minute_seen(isolates, wait) / isolates as f64;
        assert!((0.85..1.18).contains(&share), "{isolates} isolates: {share}");
    }
}

#[test]
fn a_part_that_one_of_two_isolates_cannot_reach_fails() {
    let mut book = book();
    let failing = PartNote { kv_fails: true, log_fails: false };
    for minute in 1..=3 {
        let message = Message { failing, ..report(minute, minute, 1, 0, 0) };
        send(&mut book, &message, at(minute));
        let other = Message { isolate: 2, ..report(minute, minute, 1, 0, 0) };
        send(&mut book, &other, at(minute));
    }
    let reply = send(&mut book, &Message::default(), at(3));
    assert_eq!(firing(&reply), ["kv"]);
    assert_eq!(book.message_due().unwrap(), Some(at(2)));
}

#[test]
fn a_question_evaluates_nothing_and_without_rules_nothing_is_evaluated() {
    let mut book = book();
    let failing = PartNote { kv_fails: false, log_fails: true };
    for minute in 1..=5 {
        send(&mut book, &Message { failing, ..Message::default() }, at(minute));
    }
    assert_eq!(firing(&send(&mut book, &Message::default(), at(6))), [""; 0]);
    let mut book = Book::new(MemoryRows::default());
    for minute in 1..=5 {
        let message = Message { failing, ..report(minute, minute, 0, 100, 0) };
        assert_eq!(firing(&send(&mut book, &message, at(minute))), [""; 0]);
    }
}

#[test]
fn with_many_isolates_the_numbers_are_those_of_two_waits() {
    let mut book = book();
    // Each isolate reports about every half hour, and these errors are twenty minutes old.
    for (number, minute) in [(1, 1), (2, 21), (3, 22)] {
        let errors = if number == 1 { 900 } else { 0 };
        let message = Message { requests_per_day: 50, ..report(number, minute, 100, 0, errors) };
        send(&mut book, &message, at(minute));
    }
    assert_eq!(firing(&send(&mut book, &Message::default(), at(22))), ["errors"]);
}

#[test]
fn an_attempt_is_stored_before_it_is_made() {
    let mut book = book();
    let failing = PartNote { kv_fails: true, log_fails: false };
    for minute in 1..=2 {
        let message = Message { failing, ..report(minute, minute, 1, 0, 0) };
        send(&mut book, &message, at(minute));
    }
    let attempt = book.begin_message(at(2)).unwrap().unwrap();
    // The object restarts before the webhook's receiver has answered.
    let book = Book::new(book.into_rows());
    assert_eq!(book.begin_message(at(2)).unwrap(), None);
    let due = book.message_due().unwrap().unwrap();
    assert_eq!(due.millis_since(at(2)), 10_000);
    assert_eq!(book.begin_message(due).unwrap(), Some(attempt));
}

proptest! {
    /// Whatever is reported, and however often a report is sent again: totals have each report once, and no
    /// counter of the metrics falls.
    #[test]
    fn totals_only_rise(reports in prop::collection::vec((0_u64..9, 0_u64..9, any::<bool>()), 1..40)) {
        let mut book = book();
        let (mut sent, mut before) = (0, Tally::default());
        for (minute, (hits, misses, again)) in (1..).zip(reports) {
            let message = Message { totals: true, ..report(minute, minute, hits, misses, 0) };
            let mut totals = send(&mut book, &message, at(minute)).totals.unwrap().sum;
            if again {
                totals = send(&mut book, &message, at(minute)).totals.unwrap().sum;
            }
            sent += hits + misses;
            prop_assert_eq!(totals.total.requests(), sent);
            let reasons: Vec<_> = totals.reasons.named().map(|(name, _)| name).collect();
            prop_assert_eq!(reasons, ["reason"]);
            for (name, counts) in before.types.named() {
                prop_assert!(totals.types.get(name).is_some_and(|now| now.requests() >= counts.requests()));
            }
            before = totals;
        }
    }
}
