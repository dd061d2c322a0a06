//! The counters of one isolate: of the minute that runs, of the last hour by minute, and of its whole life.
//!
//! A response is counted once, in the minute that runs. When that ends, it is added to the rest.

use super::answered::Response;
use crate::purge::{Record, Seq};
use crate::statistics::{
    Ask, Counts, NEW_PARTS, Part, PopularRequest, PopularRequests, RecentPurge, Tally, WindowSum,
    window_sum,
};
use crate::tag::Tagging;
use crate::time::Timestamp;
use std::cell::RefCell;
use std::collections::VecDeque;

/// How many names each table has of the minute that runs, and of the isolate's life.
const NAMES: usize = 100;
/// How many names each table of an earlier minute has.
const EARLIER_NAMES: usize = 30;
/// How many minutes are kept.
const MINUTES: usize = 60;
/// How often the popular requests are reported.
const POPULAR_MINUTES: u64 = 15;

/// An earlier minute.
#[derive(Debug)]
struct Minute {
    number: u64,
    minute: u64,
    tally: Tally,
    /// Whether it was in a report, which may have reached the object.
    was_sent: bool,
    /// Whether the object has it.
    is_reported: bool,
}

#[derive(Debug, Default)]
struct Counters {
    /// By which rules requests match cache types. Unknown without a configuration.
    rules: Tagging,
    started: Option<Timestamp>,
    minute: u64,
    running: Tally,
    earlier: VecDeque<Minute>,
    /// All earlier minutes.
    life: Tally,
    last_number: u64,
    popular: PopularRequests,
    popular_since: u64,
}

/// The counters of one isolate.
#[derive(Debug, Default)]
pub struct Stats(RefCell<Counters>);

impl Stats {
    /// Counts of requests under these rules.
    pub fn of_rules(rules: Tagging) -> Self {
        Self(RefCell::new(Counters { rules, ..Counters::default() }))
    }

    /// Counts a response.
    pub fn answered(&self, now: Timestamp, response: &Response<'_>) {
        self.answered_often(now, response, 1);
    }

    /// Counts so many responses that are the same.
    pub fn answered_often(&self, now: Timestamp, response: &Response<'_>, times: u64) {
        let count = |counts: &mut Counts| (0..times).for_each(|_| response.count(counts));
        let rules = self.0.borrow().rules;
        self.count(now, |tally| {
            count(&mut tally.total);
            tally.typed.count(rules, times);
            if let Some(name) = response.type_name {
                tally.types.count(name, NAMES, count);
            }
            // Most have one type, which has counts.
            if response.matched.len() > 1 {
                response.matched.iter().for_each(|name| tally.matched.note(name));
            }
            match response.operation {
                Some(name) => tally.operations.count(name, NAMES, count),
                None => tally.paths.count(response.path, NAMES, count),
            }
            if let Some(reason) = response.reason {
                tally.reasons.count(reason, NAMES, count);
            }
        });
    }

    /// Notes that these cache types match a request, which is counted without them.
    pub fn matched(&self, now: Timestamp, names: &[String]) {
        self.count(now, |tally| names.iter().for_each(|name| tally.matched.note(name)));
    }

    /// Counts a purge that the log has recorded as `seq`.
    pub fn purged(
        &self,
        now: Timestamp,
        record: &Record,
        seq: Seq,
        source: &str,
        cause: Option<&str>,
    ) {
        let purge = RecentPurge {
            at: now.as_millis(),
            source: source.to_owned(),
            seq,
            tags: record.tags.len(),
            patterns: record.patterns.len(),
            all: record.all,
            soft: record.soft,
            cause: cause.map(str::to_owned),
        };
        self.count(now, |tally| {
            tally.purges.record(&purge);
            tally.recent_purges.push(purge);
        });
    }

    /// Counts a purge by its source, if it is one of everything.
    pub fn purge_requested(&self, now: Timestamp, record: &Record, source: &str) {
        if record.is_everything() {
            self.count(now, |tally| tally.purges.request_everything(source));
        }
    }

    /// Counts the mutation field that caused a purge of everything.
    pub fn field_purged_everything(&self, now: Timestamp, field: &str) {
        self.count(now, |tally| tally.purges.note_field(field));
    }

    /// Counts an entry that was written to KV for so many seconds.
    pub fn kv_written(&self, now: Timestamp, bytes: usize, seconds: u64) {
        self.count(now, |tally| tally.kv.written(now, bytes as u64, seconds));
    }

    /// Counts a comparison of shadow mode, and the paths at which it differed.
    pub fn compared(&self, now: Timestamp, operation: &str, paths: &[String]) {
        self.count(now, |tally| tally.shadow.count(operation, paths));
    }

    /// Counts a public read.
    pub fn popular(&self, request: PopularRequest) {
        self.0.borrow_mut().popular.count(request);
    }

    /// The most frequent public reads that the object does not know of.
    pub fn popular_unreported(&self) -> PopularRequests {
        self.0.borrow().popular.clone()
    }

    /// Everything since the isolate started.
    pub fn totals(&self) -> Tally {
        let counters = self.0.borrow();
        let mut sum = counters.life.clone();
        sum.add(&counters.running, NAMES);
        sum
    }

    /// The isolate's own numbers: of at most the last hour, or without a window of its whole life.
    pub fn window(&self, now: Timestamp, ask: Ask) -> WindowSum {
        let this_minute = minute_of(now);
        let counters = self.0.borrow();
        let first = ask.window.map_or(0, |seconds| {
            this_minute.saturating_sub(seconds.div_ceil(60).saturating_sub(1))
        });
        let earlier = counters.earlier.iter().map(|earlier| (earlier.minute, &earlier.tally));
        let mut tallies: Vec<(u64, &Tally)> =
            earlier.filter(|(minute, _)| *minute >= first).collect();
        if counters.minute >= first && !counters.running.is_empty() {
            tallies.push((counters.minute, &counters.running));
        }
        let mut window = window_sum(&tallies, (first, this_minute), 1, ask);
        drop(counters);
        window.until = now.as_millis();
        if ask.window.is_none() {
            window.sum = self.totals();
            let started = self.0.borrow().started;
            window.since = started.unwrap_or(now).as_millis();
        }
        window
    }

    /// The sum of what the object has not got yet, as far as is known.
    pub fn unreported(&self) -> Tally {
        let counters = self.0.borrow();
        let mut sum = counters.running.clone();
        let earlier = counters.earlier.iter().filter(|minute| !minute.is_reported);
        earlier.for_each(|minute| sum.add(&minute.tally, NAMES));
        sum
    }

    /// What the object has not got yet. It is kept until [`Self::reported`] is called.
    pub fn report(&self, now: Timestamp) -> Vec<Part> {
        let mut counters = self.0.borrow_mut();
        counters.close_minute();
        counters.attach_popular(minute_of(now));
        counters.join_new_parts();
        let unreported = counters.earlier.iter_mut().filter(|minute| !minute.is_reported);
        let parts = unreported.map(|minute| {
            minute.was_sent = true;
            Part { number: minute.number, minute: minute.minute, tally: minute.tally.clone() }
        });
        parts.collect()
    }

    /// The object has every part up to that number.
    pub fn reported(&self, up_to: u64) {
        for minute in &mut self.0.borrow_mut().earlier {
            if minute.number <= up_to {
                minute.is_reported = true;
                minute.tally.popular = PopularRequests::default();
            }
        }
    }

    /// There is no object that parts could be reported to: they need not be kept for it, up to that number. The
    /// popular requests stay here.
    pub fn unreportable(&self, up_to: u64) {
        let mut counters = self.0.borrow_mut();
        let Counters { earlier, popular, .. } = &mut *counters;
        for minute in earlier.iter_mut().filter(|minute| minute.number <= up_to) {
            minute.is_reported = true;
            popular.add(&std::mem::take(&mut minute.tally.popular));
        }
    }

    fn count(&self, now: Timestamp, count: impl FnOnce(&mut Tally)) {
        let mut counters = self.0.borrow_mut();
        let minute = minute_of(now);
        if counters.minute != minute {
            counters.close_minute();
            counters.minute = minute;
            counters.started.get_or_insert(now);
        }
        count(&mut counters.running);
    }
}

impl Counters {
    /// Ends the minute that runs.
    fn close_minute(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let mut tally = std::mem::take(&mut self.running);
        self.life.add(&tally, NAMES);
        tally.keep_most_frequent(EARLIER_NAMES);
        self.last_number += 1;
        let (number, minute) = (self.last_number, self.minute);
        let new = Minute { number, minute, tally, was_sent: false, is_reported: false };
        self.earlier.push_back(new);
        while self.earlier.len() > MINUTES {
            self.drop_oldest();
        }
    }

    /// Drops the oldest minute. What was never sent is counted in the next one.
    fn drop_oldest(&mut self) {
        let Some(oldest) = self.earlier.pop_front() else { return };
        if let Some(next) = self.earlier.front_mut()
            && !(oldest.was_sent || oldest.is_reported)
            && !(next.was_sent || next.is_reported)
        {
            next.tally.add(&oldest.tally, EARLIER_NAMES);
        }
    }

    /// Joins minutes that were never sent until there are few.
    fn join_new_parts(&mut self) {
        let new = |minute: &&Minute| !(minute.was_sent || minute.is_reported);
        let count = self.earlier.iter().filter(new).count();
        let each = count.div_ceil(NEW_PARTS);
        if each < 2 {
            return;
        }
        let all = std::mem::take(&mut self.earlier);
        let mut in_part = 0;
        for minute in all {
            match self.earlier.back_mut() {
                Some(part) if new(&&minute) && in_part > 0 && in_part < each => {
                    part.tally.add(&minute.tally, EARLIER_NAMES);
                    (part.number, part.minute) = (minute.number, minute.minute);
                    in_part += 1;
                }
                _ => {
                    in_part = usize::from(new(&&minute));
                    self.earlier.push_back(minute);
                }
            }
        }
    }

    /// Puts the popular requests into the last part, once in a while.
    fn attach_popular(&mut self, this_minute: u64) {
        if self.popular.is_empty() || this_minute < self.popular_since + POPULAR_MINUTES {
            return;
        }
        let is_attached = self.earlier.iter().any(|minute| !minute.tally.popular.is_empty());
        if let Some(last) = self.earlier.back_mut().filter(|last| !last.was_sent && !is_attached) {
            last.tally.popular = std::mem::take(&mut self.popular);
            self.popular_since = this_minute;
        }
    }
}

fn minute_of(now: Timestamp) -> u64 {
    now.as_millis() / 60_000
}

#[cfg(test)]
mod tests;
