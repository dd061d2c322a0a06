//! Reports what this isolate has counted to the statistics object, in the background of requests that come
//! anyway, and asks it for the numbers and the alerts of the service.
//!
//! No request waits for a report, and none fails because of one. A report that fails is sent again later,
//! with what was counted since. The object says when the next report may come (`statistics/schedule.rs`).

use super::purges::Purges;
use super::report::report_failure;
use super::runtime::{Fault, Runtime};
use super::stats::Stats;
use super::tiers::KvClient;
use super::timeout::within;
use crate::alerts::{AlertReport, Board, PartNote, WINDOW_SECONDS, measure};
use crate::config::{Alerts, Config};
use crate::statistics::{
    Ask, Counter, Counts, FIRST_REPORT_MILLIS, LEAST_MILLIS, Message, Part, PopularRequest, Reply,
    Tally, Totals, WarmAsk, WarmReply, WarmRun, WindowSum, wait_after_failures,
};
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How long the object may take for a report.
const REPORT_MILLIS: u64 = 10_000;
/// How long it may take for an answer.
const ANSWER_MILLIS: u64 = 1_000;
/// How long the object's alerts are believed before an administrator's question goes to it again.
const ADMIN_ALERTS_MILLIS: u64 = 10_000;
/// The same for a question without a token. It must not use up the object's requests.
const PUBLIC_ALERTS_MILLIS: u64 = 600_000;
/// How long the runtime lets work go on after the response.
const BACKGROUND_MILLIS: u64 = 30_000;

/// Who has counted the numbers.
#[derive(Debug)]
pub enum WindowNumbers {
    /// All isolates of the service.
    Service(WindowSum),
    /// This isolate alone. With a fault if the object is bound and does not answer.
    Isolate(WindowSum, Option<Fault>),
}

/// Who asks for the alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// An administrator.
    Administrator,
    /// Anyone.
    Public,
}

/// What was counted since counting began.
pub enum CounterTotals {
    /// By all isolates of the service.
    Service(Totals),
    /// By this isolate alone: the object is not bound, or switched off.
    Isolate(Tally),
    /// The object does not answer. This isolate's numbers are lower than those of the service, and would look
    /// as if counting had begun again.
    Unknown,
}

/// Whether the statistics object works.
pub enum ObjectState {
    /// It is not bound, or switched off.
    Unused,
    /// It answers.
    Works,
    /// It does not.
    Fails(Fault),
}

/// When the object was last called, and what it said of the service: every alert, and the run that warms the
/// cache.
type LastReply = (Timestamp, Result<(Vec<AlertReport>, Option<WarmRun>), Fault>);

/// Reports to the statistics object.
pub struct StatsReports {
    stats: Rc<Stats>,
    kv: Rc<KvClient>,
    purges: Purges,
    alerts: Option<Alerts>,
    /// The alerts by this isolate's own numbers.
    own_alerts: RefCell<Board>,
    /// When the object was last asked for the alerts.
    alerts_asked_at: Cell<Option<Timestamp>>,
    /// The last reply of the object.
    last_reply: RefCell<Option<LastReply>>,
    service: String,
    requests_per_day: u64,
    /// When the next report may be sent. `None`: no request has come yet.
    next_at: Cell<Option<Timestamp>>,
    failures: Cell<u32>,
    /// Since when a report is under way.
    under_way: Cell<Option<Timestamp>>,
    has_reported: Cell<bool>,
    /// The last part that was in a data point.
    in_data_point: Cell<u64>,
}

impl StatsReports {
    /// Reports of these counters.
    pub fn new(
        stats: Rc<Stats>,
        kv: Rc<KvClient>,
        purges: Purges,
        service: &str,
        config: Option<&Config>,
    ) -> Rc<Self> {
        let requests_per_day = config.map_or(0, |config| config.stats.requests_per_day);
        Rc::new(Self {
            stats,
            kv,
            purges,
            alerts: config.map(|config| config.alerts.clone()),
            own_alerts: RefCell::default(),
            alerts_asked_at: Cell::default(),
            last_reply: RefCell::default(),
            service: service.to_owned(),
            requests_per_day,
            next_at: Cell::default(),
            failures: Cell::default(),
            under_way: Cell::default(),
            has_reported: Cell::default(),
            in_data_point: Cell::default(),
        })
    }

    /// Reports in the background, if it is time.
    pub fn report_if_due<R: Runtime>(self: &Rc<Self>, runtime: &R, now: Timestamp) {
        let Some(next_at) = self.next_at.get() else {
            return self.wait(now, FIRST_REPORT_MILLIS);
        };
        if now < next_at {
            return;
        }
        // Also if there is nothing to report to: then it is looked at once a minute.
        self.wait(now, LEAST_MILLIS);
        if !self.uses_object(runtime) && !runtime.analytics_bound() {
            return self.stats.unreportable(u64::MAX);
        }
        if self.is_under_way(now) {
            return;
        }
        let (this, background) = (self.clone(), runtime.clone());
        runtime.spawn(async move { this.report(&background).await });
    }

    /// Reports now. For the cron trigger and in the background.
    pub async fn report<R: Runtime>(&self, runtime: &R) {
        let parts = self.stats.report(runtime.now());
        if parts.is_empty() {
            return;
        }
        self.write_data_point(runtime, &parts);
        if self.uses_object(runtime) {
            // A failure is logged, and tried again later.
            let message = Message { parts, ..self.message(runtime) };
            let _ = self.send(runtime, message, REPORT_MILLIS).await;
        } else if let Some(last) = parts.last() {
            self.stats.unreportable(last.number);
        }
    }

    /// The numbers of the service if the object answers in time, or else of this isolate.
    pub async fn numbers<R: Runtime>(&self, runtime: &R, ask: Ask) -> WindowNumbers {
        let message = Message { ask: Some(ask), ..self.message(runtime) };
        self.answered_numbers(runtime, ask, self.ask(runtime, message)).await
    }

    /// The same, without reporting: the object counts nothing. What this isolate has not reported yet is added
    /// here.
    pub async fn numbers_without_report<R: Runtime>(&self, runtime: &R, ask: Ask) -> WindowNumbers {
        let message = Message { ask: Some(ask), is_question: true, ..self.message(runtime) };
        let asking = self.send(runtime, message, ANSWER_MILLIS);
        let mut numbers = self.answered_numbers(runtime, ask, asking).await;
        if let WindowNumbers::Service(window) = &mut numbers {
            // Both have a limited number of names.
            window.sum.add(&self.stats.unreported(), usize::MAX);
        }
        numbers
    }

    /// The numbers in the object's answer to a question, which is sent if the object is used.
    async fn answered_numbers<R: Runtime>(
        &self,
        runtime: &R,
        ask: Ask,
        asking: impl Future<Output = Result<Reply, Fault>>,
    ) -> WindowNumbers {
        let own = |fault| WindowNumbers::Isolate(self.stats.window(runtime.now(), ask), fault);
        if !self.uses_object(runtime) {
            return own(None);
        }
        match asking.await {
            Ok(Reply { answer: Some(sum), .. }) => WindowNumbers::Service(sum),
            Ok(_) => own(Some("the statistics object did not answer the question".to_owned())),
            Err(fault) => own(Some(fault)),
        }
    }

    /// The most frequent public reads of the last day or two: of the service, or else of this isolate.
    pub async fn popular<R: Runtime>(&self, runtime: &R, most: usize) -> Vec<PopularRequest> {
        let mut popular = self.stats.popular_unreported();
        if self.uses_object(runtime) {
            let message = Message { popular: Some(most), ..self.message(runtime) };
            let reply = self.ask(runtime, message).await;
            reply.into_iter().flat_map(|reply| reply.popular).for_each(|one| popular.count(one));
        }
        popular.top(most)
    }

    /// Asks the object whether this isolate warms the cache. `None`: it does not answer.
    pub async fn warm<R: Runtime>(&self, runtime: &R, ask: WarmAsk) -> Option<WarmReply> {
        let message = Message { warm: Some(ask), ..self.message(runtime) };
        self.send(runtime, message, ANSWER_MILLIS).await.ok().and_then(|reply| reply.warm)
    }

    /// What was counted since counting began: by all isolates if the object is used, or else by this one.
    pub async fn totals<R: Runtime>(&self, runtime: &R) -> CounterTotals {
        if !self.uses_object(runtime) {
            return CounterTotals::Isolate(self.stats.totals());
        }
        let message = Message { totals: true, ..self.message(runtime) };
        match self.ask(runtime, message).await {
            Ok(Reply { totals: Some(totals), .. }) => CounterTotals::Service(totals),
            _ => CounterTotals::Unknown,
        }
    }

    /// Every alert: of the service, or if the object does not answer by this isolate's own numbers. The object
    /// is not asked if it was called a moment ago.
    pub async fn alerts<R: Runtime>(
        &self,
        runtime: &R,
        asker: Asker,
    ) -> (Vec<AlertReport>, ObjectState) {
        if !self.uses_object(runtime) {
            return (self.own_alerts(runtime.now()), ObjectState::Unused);
        }
        let replied_at = self.last_reply.borrow().as_ref().map(|(at, _)| *at);
        let called_at = replied_at.max(self.alerts_asked_at.get());
        let believed_for = match asker {
            Asker::Administrator => ADMIN_ALERTS_MILLIS,
            Asker::Public => PUBLIC_ALERTS_MILLIS,
        };
        let now = runtime.now();
        if !called_at.is_some_and(|at| now.is_within(believed_for, at)) {
            // Before the reply: others that ask meanwhile send nothing.
            self.alerts_asked_at.set(Some(now));
            let message = Message { is_question: true, ..self.message(runtime) };
            // The reply is noted. A question without a token has no report, so it writes nothing.
            let _ = match asker {
                Asker::Administrator => self.ask(runtime, message).await,
                Asker::Public => self.send(runtime, message, ANSWER_MILLIS).await,
            };
        }
        let last = self.last_reply.borrow().as_ref().map(|(_, reply)| reply.clone());
        match last {
            Some(Err(fault)) => (self.own_alerts(runtime.now()), ObjectState::Fails(fault)),
            // An object of an earlier build evaluates none.
            Some(Ok((alerts, _))) if !alerts.is_empty() => (alerts, ObjectState::Works),
            _ => (self.own_alerts(runtime.now()), ObjectState::Works),
        }
    }

    /// The run that warms the cache, or is to begin, as the object has said when it was called last.
    pub fn warm_run(&self) -> Option<WarmRun> {
        let last = self.last_reply.borrow();
        last.as_ref().and_then(|(_, reply)| reply.as_ref().ok()).and_then(|(_, run)| *run)
    }

    /// Evaluates the alerts by this isolate's own numbers. It is asked rarely, so one evaluation decides.
    fn own_alerts(&self, now: Timestamp) -> Vec<AlertReport> {
        let mut board = self.own_alerts.borrow_mut();
        if let Some(config) = &self.alerts {
            let ask = Ask { window: Some(WINDOW_SECONDS), by: None };
            let WindowSum { since, sum, .. } = self.stats.window(now, ask);
            let seconds = now.seconds_since(Timestamp::from_millis(since));
            let numbers = sum.total.numbers(seconds);
            board.evaluate(now, &measure(config, numbers, self.failing(now)), 1);
        }
        board.reports()
    }

    /// Which parts fail. A single call that failed, or a read of the log that is late, is no failure: with many
    /// isolates there is always one.
    fn failing(&self, now: Timestamp) -> PartNote {
        let log = &self.purges;
        let is_unreadable = log.view.is_failing() && !log.view.is_recent(now, None);
        PartNote {
            kv_fails: self.kv.breaker.is_open(),
            log_fails: is_unreadable || !log.takes_purges(),
        }
    }

    /// Whether the numbers of all isolates are collected.
    pub fn uses_object<R: Runtime>(&self, runtime: &R) -> bool {
        self.requests_per_day > 0 && runtime.statistics_bound()
    }

    /// A message that says nothing yet.
    fn message<R: Runtime>(&self, runtime: &R) -> Message {
        Message {
            isolate: runtime.isolate_number(),
            requests_per_day: self.requests_per_day,
            is_first: !self.has_reported.get(),
            failing: self.failing(runtime.now()),
            ..Message::default()
        }
    }

    /// Sends a question, with what was not reported yet unless that is under way.
    async fn ask<R: Runtime>(&self, runtime: &R, message: Message) -> Result<Reply, Fault> {
        let mut question = Message { is_question: true, ..message };
        let now = runtime.now();
        if !self.is_under_way(now) {
            question.parts = self.stats.report(now);
            self.write_data_point(runtime, &question.parts);
        }
        self.send(runtime, question, ANSWER_MILLIS).await
    }

    /// Sends a message. A question, or a message without parts, is no report: it changes neither the isolate's
    /// slot nor its wait after failures.
    async fn send<R: Runtime>(
        &self,
        runtime: &R,
        message: Message,
        millis: u64,
    ) -> Result<Reply, Fault> {
        let started = runtime.now();
        let is_question = message.is_question;
        let last = message.parts.last().map(|part| part.number);
        if last.is_some() {
            self.under_way.set(Some(started));
        }
        let calling = runtime.statistics_call(message.encode());
        let reply = within(runtime, millis, calling).await;
        let reply =
            reply.and_then(|text| Reply::decode(&text).map_err(|fault| fault.as_str().to_owned()));
        let now = runtime.now();
        let said = reply.as_ref().map(|reply| (reply.alerts.clone(), reply.run));
        self.last_reply.replace(Some((now, said.map_err(Fault::clone))));
        if let Some(last) = last {
            self.under_way.set(None);
            if reply.is_ok() {
                self.stats.reported(last);
            }
            match &reply {
                _ if is_question => {}
                Ok(reply) => {
                    self.has_reported.set(true);
                    self.failures.set(0);
                    self.wait(now, reply.wait_ms.max(LEAST_MILLIS));
                }
                Err(_) => {
                    self.failures.set(self.failures.get().saturating_add(1));
                    self.wait(now, wait_after_failures(self.failures.get()));
                }
            }
        }
        reply.inspect_err(|fault| report_failure(runtime, "statistics", fault))
    }

    /// One data point for what is reported for the first time.
    fn write_data_point<R: Runtime>(&self, runtime: &R, parts: &[Part]) {
        if !runtime.analytics_bound() {
            return;
        }
        let mut sum = Counts::default();
        let new = parts.iter().filter(|part| part.number > self.in_data_point.get());
        new.for_each(|part| sum.add(&part.tally.total));
        self.in_data_point.set(parts.last().map_or(0, |part| part.number));
        if sum == Counts::default() {
            return;
        }
        let doubles = DATA_POINT.map(|counter| sum.of(counter) as f64);
        if let Err(fault) = runtime.write_data_point(&self.service, &doubles) {
            report_failure(runtime, "analytics", &fault);
        }
    }

    fn wait(&self, now: Timestamp, millis: u64) {
        self.next_at.set(Some(Timestamp::from_millis(now.as_millis().saturating_add(millis))));
    }

    fn is_under_way(&self, now: Timestamp) -> bool {
        self.under_way.get().is_some_and(|since| now.is_within(BACKGROUND_MILLIS, since))
    }
}

/// The doubles of a data point, in order (docs/statistics.md).
const DATA_POINT: [Counter; 14] = [
    Counter::Hits,
    Counter::Stale,
    Counter::Revalidated,
    Counter::Misses,
    Counter::Bypass,
    Counter::Errors,
    Counter::Memory,
    Counter::Edge,
    Counter::Kv,
    Counter::BytesCached,
    Counter::BytesUncached,
    Counter::CachedMillis,
    Counter::UncachedMillis,
    Counter::SavedMillis,
];

#[cfg(test)]
mod tests;
