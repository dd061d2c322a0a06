//! What the statistics object does with a message: adds what was counted to its rows, and sums rows up.
//!
//! Counts go to the minute in which they were counted, at most an hour back. Nothing is added to an hour
//! that ended more than an hour ago, so its minutes are then summed up in one row. Minutes are kept for a
//! day, hours for 30 days.

use super::ask::Ask;
use super::audit::{Audit, AuditMessage};
use super::kv_content::KvContent;
use super::last_numbers::LastNumbers;
use super::leases::{Leases, Next, WarmAsk, WarmLease, WarmReply, WarmRun};
use super::messages::{Message, MessageFault, Part, Reply, Totals};
use super::popular::{PopularRequest, PopularRequests};
use super::purges::RecentPurges;
use super::rows::{Rows, Table};
use super::schedule::Schedule;
use super::series::{WindowSum, WindowSummer};
use super::tally::Tally;
use super::totals::{add_to_totals, totals};
use super::watch::{alerts, begin_message, message_accepted, watch};
use crate::alerts::{AlertReport, AlertRules, Attempt};
use crate::record::{self, Read, Reader};
use crate::time::Timestamp;
use serde::Serialize;

/// How late an isolate may report, in minutes.
const LATE_MINUTES: u64 = 60;
/// How long minutes are kept.
const KEPT_MINUTES: u64 = 25 * 60;
/// How long hours are kept.
const KEPT_HOURS: u64 = 30 * 24 + 1;
/// Up to this window, the minutes are summed up. Beyond it the hours.
const MINUTES_WINDOW_SECONDS: u64 = 6 * 3_600;
/// How many names each table of a minute has.
const MINUTE_NAMES: usize = 50;
/// How many names each table of an hour has.
const HOUR_NAMES: usize = 100;

/// The numbers of the rows in [`Table::State`]. `totals.rs` and `watch.rs` have one each.
const PLAN: u64 = 0;
const RECENT_PURGES: u64 = 1;
const KV_CONTENT: u64 = 2;
const LEASES: u64 = 5;
const WARM_LIST: u64 = 6;

/// What is stored with each report.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(into = "(u64, u64)")]
struct Plan {
    schedule: Schedule,
    /// The first hour whose minutes are not summed up yet.
    first_open_hour: u64,
}

impl Read for Plan {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (last_slot, first_open_hour) = Read::read(from)?;
        Some(Self { schedule: Schedule { last_slot }, first_open_hour })
    }
}

impl From<Plan> for (u64, u64) {
    fn from(plan: Plan) -> Self {
        (plan.schedule.last_slot, plan.first_open_hour)
    }
}

/// Why a message was not obeyed.
#[derive(Debug, PartialEq, Eq)]
pub enum BookFault<F> {
    /// It cannot be read.
    Message(MessageFault),
    /// The storage failed.
    Storage(F),
}

impl<F> From<F> for BookFault<F> {
    fn from(fault: F) -> Self {
        Self::Storage(fault)
    }
}

/// The statistics of one service.
#[derive(Debug)]
pub struct Book<R> {
    rows: R,
    /// The last part of each isolate that was counted.
    counted: LastNumbers,
    /// What is stored with the next report.
    plan: Option<Plan>,
    audit: Audit,
    /// By which rules alerts begin and end. `None`: they are not evaluated.
    rules: Option<AlertRules>,
}

impl<R: Rows> Book<R> {
    /// The statistics in these rows.
    pub fn new(rows: R) -> Self {
        Self {
            rows,
            counted: LastNumbers::default(),
            plan: None,
            audit: Audit::default(),
            rules: None,
        }
    }

    /// Evaluates alerts by these rules when isolates report.
    pub fn with_alerts(mut self, rules: AlertRules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// The rows.
    pub fn rows(&self) -> &R {
        &self.rows
    }

    /// The rows, without what the book remembers of them. For tests.
    #[cfg(test)]
    pub(super) fn into_rows(self) -> R {
        self.rows
    }

    /// Handles a message, and returns the reply.
    pub fn handle(&mut self, text: &str, now: Timestamp) -> Result<String, BookFault<R::Fault>> {
        if let Some(message) = AuditMessage::decode(text) {
            let message = message.map_err(BookFault::Message)?;
            return Ok(self.audit.handle(&self.rows, &message)?);
        }
        let message = Message::decode(text).map_err(BookFault::Message)?;
        let mut plan = match self.plan {
            Some(plan) => plan,
            None => self.state(PLAN)?,
        };
        let has_parts = !message.parts.is_empty();
        if has_parts {
            self.add(message.isolate, message.parts, now)?;
            self.close_hours(&mut plan, now)?;
        }
        let wait_ms = match (has_parts && !message.is_question, message.is_first) {
            (false, _) => plan.schedule.wait(now),
            (true, false) => plan.schedule.reserve(now, 1, message.requests_per_day),
            (true, true) => plan.schedule.reserve(now, 2, message.requests_per_day),
        };
        // A question alone writes nothing.
        if has_parts {
            self.put_state(PLAN, &plan)?;
            if let Some(rules) = &self.rules {
                watch(&self.rows, rules, message.failing, wait_ms, now)?;
            }
        }
        self.plan = Some(plan);
        let answer = message.ask.map(|ask| self.answer(ask, &plan, now)).transpose()?;
        let popular = match message.popular {
            Some(most) => self.popular(most, now)?,
            None => Vec::new(),
        };
        let warm = message.warm.map(|ask| self.warm(message.isolate, &ask, now)).transpose()?;
        let alerts = self.reports()?;
        let run = self.warm_run(now)?;
        let totals = message.totals.then(|| self.totals(now)).transpose()?;
        Ok(Reply { wait_ms, answer, popular, alerts, totals, warm, run, ..Reply::default() }
            .encode())
    }

    /// Adds what an isolate has counted, but for parts that were counted before.
    fn add(&mut self, isolate: u64, parts: Vec<Part>, now: Timestamp) -> Result<(), R::Fault> {
        let last_counted = self.counted.of(isolate);
        let mut new = Tally::default();
        let mut by_minute: Vec<(u64, Tally)> = Vec::new();
        let this_minute = minute_of(now);
        let mut last = last_counted;
        for Part { number, minute, mut tally } in parts {
            if number <= last_counted {
                continue;
            }
            last = last.max(number);
            new.kv.add(&std::mem::take(&mut tally.kv));
            new.popular.add(&std::mem::take(&mut tally.popular));
            new.recent_purges.add(&std::mem::take(&mut tally.recent_purges));
            let minute = minute.clamp(this_minute.saturating_sub(LATE_MINUTES - 1), this_minute);
            add_to(&mut by_minute, minute, &tally, MINUTE_NAMES);
        }
        for (minute, tally) in &by_minute {
            let mut sum: Tally = self.read(Table::Minutes, *minute)?;
            sum.add(tally, MINUTE_NAMES);
            self.write(Table::Minutes, *minute, &sum)?;
        }
        add_to_totals(&self.rows, by_minute.iter().map(|(_, tally)| tally))?;
        self.add_details(&new, now)?;
        // Not before all is stored: what failed is sent again.
        self.counted.note(isolate, last);
        Ok(())
    }

    fn add_details(&self, new: &Tally, now: Timestamp) -> Result<(), R::Fault> {
        if !new.recent_purges.is_empty() {
            let mut recent: RecentPurges = self.state(RECENT_PURGES)?;
            recent.add(&new.recent_purges);
            self.put_state(RECENT_PURGES, &recent)?;
        }
        if !new.kv.is_empty() {
            let mut kv: KvContent = self.state(KV_CONTENT)?;
            kv.add(&new.kv);
            kv.left(now);
            self.put_state(KV_CONTENT, &kv)?;
        }
        if !new.popular.is_empty() {
            let day = day_of(now);
            let mut popular: PopularRequests = self.read(Table::Popular, day)?;
            popular.add(&new.popular);
            self.write(Table::Popular, day, &popular)?;
        }
        Ok(())
    }

    /// Sums up the minutes of each hour to which nothing is added any more, and deletes what is too old.
    fn close_hours(&self, plan: &mut Plan, now: Timestamp) -> Result<(), R::Fault> {
        let first_open_minute = minute_of(now).saturating_sub(LATE_MINUTES - 1);
        let first_open_hour = first_open_minute / 60;
        if plan.first_open_hour >= first_open_hour {
            return Ok(());
        }
        let closed = (plan.first_open_hour * 60, (first_open_hour * 60).saturating_sub(1));
        let mut by_hour: Vec<(u64, Tally)> = Vec::new();
        self.rows.each(Table::Minutes, closed, &mut |minute, text| {
            add_to(&mut by_hour, minute / 60, &parsed(text), HOUR_NAMES);
        })?;
        for (hour, sum) in by_hour {
            self.write(Table::Hours, hour, &sum)?;
        }
        self.rows.delete_below(Table::Minutes, minute_of(now).saturating_sub(KEPT_MINUTES))?;
        self.rows.delete_below(Table::Hours, first_open_hour.saturating_sub(KEPT_HOURS))?;
        self.rows.delete_below(Table::Popular, day_of(now).saturating_sub(1))?;
        plan.first_open_hour = first_open_hour;
        Ok(())
    }

    /// Every alert; none if they are not evaluated.
    fn reports(&self) -> Result<Vec<AlertReport>, R::Fault> {
        if self.rules.is_some() { Ok(alerts(&self.rows)?.reports()) } else { Ok(Vec::new()) }
    }

    /// When a message to the webhook is due.
    pub fn message_due(&self) -> Result<Option<Timestamp>, R::Fault> {
        Ok(alerts(&self.rows)?.due())
    }

    /// Begins to send a message, if one is due. That is stored before this returns.
    pub fn begin_message(&self, now: Timestamp) -> Result<Option<Attempt>, R::Fault> {
        begin_message(&self.rows, now)
    }

    /// The webhook has accepted a message.
    pub fn message_accepted(&self, number: u64) -> Result<(), R::Fault> {
        message_accepted(&self.rows, number)
    }

    fn totals(&self, now: Timestamp) -> Result<Totals, R::Fault> {
        let kv = self.state::<KvContent>(KV_CONTENT)?.left(now);
        Ok(Totals { sum: totals(&self.rows)?, kv })
    }

    /// Sums up a window. If it is longer than six hours, it begins with a full hour. A month has 720 rows, so
    /// they are read one by one.
    fn answer(&self, ask: Ask, plan: &Plan, now: Timestamp) -> Result<WindowSum, R::Fault> {
        let last = minute_of(now);
        let seconds = ask.window.unwrap_or(KEPT_HOURS * 3_600);
        let first = last.saturating_sub(seconds.div_ceil(60).saturating_sub(1));
        let by_minute = seconds <= MINUTES_WINDOW_SECONDS;
        let (first_minute, hours) = match by_minute {
            true => (first, None),
            false => {
                let hours = (first / 60, plan.first_open_hour.saturating_sub(1));
                ((plan.first_open_hour * 60).max(first / 60 * 60), Some(hours))
            }
        };
        let each_row = |visit: &mut dyn FnMut(u64, &Tally)| {
            if let Some(hours) = hours {
                self.rows.each(Table::Hours, hours, &mut |hour, text| {
                    visit(hour * 60, &parsed(text));
                })?;
            }
            // An isolate's clock may be ahead.
            self.rows.each(Table::Minutes, (first_minute, last), &mut |minute, text| {
                visit(minute, &parsed(text));
            })
        };
        let minutes_each = if by_minute { 1 } else { 60 };
        let mut summer = WindowSummer::new((first.min(first_minute), last), minutes_each, ask);
        each_row(&mut |minute, tally| summer.add(minute, tally))?;
        if summer.shows_names() {
            each_row(&mut |minute, tally| summer.add_names(minute, tally))?;
        }
        let mut window = summer.finish();
        window.until = now.as_millis();
        window.sum.recent_purges = self.state(RECENT_PURGES)?;
        window.kv = self.state::<KvContent>(KV_CONTENT)?.left(now);
        Ok(window)
    }

    /// The most frequent public reads of today and yesterday.
    fn popular(&self, most: usize, now: Timestamp) -> Result<Vec<PopularRequest>, R::Fault> {
        let mut sum = PopularRequests::default();
        let days = (day_of(now).saturating_sub(1), day_of(now));
        self.rows.each(Table::Popular, days, &mut |_, text| sum.add(&parsed(text)))?;
        Ok(sum.top(most))
    }

    /// Whether an isolate warms the cache. The list is stored for the run, so that whoever goes on with it has
    /// the same.
    fn warm(&self, isolate: u64, ask: &WarmAsk, now: Timestamp) -> Result<WarmReply, R::Fault> {
        let mut leases: Leases = self.state(LEASES)?;
        let before = leases.clone();
        let reply = match leases.next(isolate, ask, now) {
            Next::Reply(reply) => reply,
            Next::Resume(lease) => {
                WarmReply::Go(WarmLease { requests: self.state(WARM_LIST)?, ..lease })
            }
            Next::Begin(site) => {
                let requests = self.popular(ask.top, now)?;
                self.put_state(WARM_LIST, &requests)?;
                leases.begin(isolate, site, requests, now)
            }
        };
        if leases != before {
            self.put_state(LEASES, &leases)?;
        }
        Ok(reply)
    }

    /// Whether the cache is warmed, or is to be.
    fn warm_run(&self, now: Timestamp) -> Result<Option<WarmRun>, R::Fault> {
        Ok(self.state::<Leases>(LEASES)?.run(now))
    }

    fn state<T: Read + Default>(&self, number: u64) -> Result<T, R::Fault> {
        self.read(Table::State, number)
    }

    fn put_state<T: Serialize>(&self, number: u64, value: &T) -> Result<(), R::Fault> {
        self.write(Table::State, number, value)
    }

    fn read<T: Read + Default>(&self, table: Table, row: u64) -> Result<T, R::Fault> {
        Ok(self.rows.get(table, row)?.map(|text| parsed(&text)).unwrap_or_default())
    }

    fn write<T: Serialize>(&self, table: Table, row: u64, value: &T) -> Result<(), R::Fault> {
        self.rows.put(table, row, &serde_json::to_string(value).unwrap_or_default())
    }
}

/// Adds a tally to that of a minute or hour. Most often it is the last one.
fn add_to(sums: &mut Vec<(u64, Tally)>, number: u64, tally: &Tally, most: usize) {
    match sums.iter_mut().rev().find(|(known, _)| *known == number) {
        Some((_, sum)) => sum.add(tally, most),
        None => sums.push((number, tally.clone())),
    }
}

/// The value in a row. One that cannot be read is lost: numbers are no reason to fail.
fn parsed<T: Read + Default>(text: &str) -> T {
    record::read(text).unwrap_or_default()
}

fn minute_of(now: Timestamp) -> u64 {
    now.as_millis() / 60_000
}

fn day_of(now: Timestamp) -> u64 {
    now.as_millis() / 86_400_000
}

#[cfg(test)]
mod tests;
