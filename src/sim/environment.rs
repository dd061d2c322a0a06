//! The environment that all parts of a run share: virtual time, chance, faults, clocks, the laws, and
//! the trace.

use super::executor::{Executor, Group, Signals};
use super::faults::Faults;
use super::laws::Laws;
use super::plan::{Plan, TOKEN};
use super::random::Random;
use crate::engine::PurgeKeys;
use crate::purge::{LogVersion, Mark, Version};
use crate::service::Fault;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// What all parts of a run share.
pub struct Environment {
    pub executor: Rc<Executor>,
    pub random: Random,
    pub faults: Cell<Faults>,
    pub laws: Laws,
    pub signals: Signals,
    /// The isolates whose last read of the log is under way or has failed.
    log_reads: RefCell<BTreeMap<Group, LogRead>>,
    /// How many calls a request may make.
    pub calls_allowed: u64,
    secrets_differ: bool,
    /// Whether half of the isolates run the previous version.
    pub versions_meet: Cell<bool>,
    /// The number of the deployed version of the Worker, if it is known.
    pub deployed_version: Cell<Option<u64>>,
    /// The version in which each isolate asks its log.
    spoken: RefCell<BTreeMap<Group, Rc<LogVersion>>>,
    /// Whether calls that were given up reach the log nevertheless.
    pub calls_go_on: Cell<bool>,
    /// How far each place's clock is ahead, in milliseconds.
    drifts: Vec<Cell<u64>>,
    /// How far the clocks of isolates in one place differ at most.
    drift_within: u64,
    trace: RefCell<VecDeque<String>>,
    traced: bool,
    /// How many faults happened.
    pub faults_done: Cell<u64>,
}

/// When a run begins, by a clock that is not ahead.
pub const EPOCH_MILLIS: u64 = 1_700_000_000_000;

/// The state of an isolate's last read of its log.
#[derive(Clone, Copy)]
enum LogRead {
    Waits { since: u64 },
    Failed,
}

/// How long an isolate waits for its log.
const LOG_READ_MILLIS: u64 = 900;

/// How many lines of a trace are kept, the last ones.
const TRACE_LINES: usize = 200_000;

impl Environment {
    pub fn new(plan: &Plan) -> Self {
        let Plan { seed, places, faults, .. } = *plan;
        let random = Random::new(seed ^ 0x5EED);
        let drifts = (0..places).map(|_| Cell::new(random.between(0, faults.drift))).collect();
        Self {
            executor: Executor::new(seed),
            faults: Cell::new(faults),
            laws: Laws::default(),
            signals: Signals::default(),
            log_reads: RefCell::default(),
            calls_allowed: plan.calls,
            secrets_differ: faults.secrets_differ > 0,
            versions_meet: Cell::new(false),
            deployed_version: Cell::new(None),
            spoken: RefCell::default(),
            calls_go_on: Cell::new(false),
            drifts,
            drift_within: faults.drift / 10,
            random,
            trace: RefCell::default(),
            traced: plan.traced,
            faults_done: Cell::new(0),
        }
    }

    pub fn now(&self) -> u64 {
        self.executor.now()
    }

    /// How far the clock of an isolate in a place is ahead.
    pub fn drift(&self, place: usize, isolate: Group) -> u64 {
        self.drifts[place].get() + Random::new(isolate).between(0, self.drift_within)
    }

    /// `ADMIN_TOKENS` of an isolate. The token of the clients' purges is always among them.
    pub fn admin_tokens(&self, isolate: Group) -> String {
        match self.secrets_differ {
            true => format!("the secret of half {},{TOKEN}", isolate % 2),
            false => format!("a secret that all have,{TOKEN}"),
        }
    }

    /// Whether an isolate runs the previous version.
    pub fn is_earlier(&self, isolate: Group) -> bool {
        self.versions_meet.get() && Random::new(isolate ^ 0x0E4A_41E6).happens(500)
    }

    /// Asks the log in the version that an isolate and the log have in common.
    pub async fn in_spoken_version<T>(
        &self,
        isolate: Group,
        send: impl AsyncFn(Version) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.is_earlier(isolate) {
            return send(Version::PREVIOUS).await;
        }
        let spoken = self.spoken.borrow_mut().entry(isolate).or_default().clone();
        spoken.ask(|| Timestamp::from_millis(self.now()), send).await
    }

    /// The record that a token names, whichever isolate has signed it.
    pub fn record_of(&self, log_id: &str, token: &str) -> Option<Mark> {
        let keys = |isolate| PurgeKeys::new(Some(&self.admin_tokens(isolate)), log_id);
        (0..2).find_map(|isolate| keys(isolate).verify(token))
    }

    /// Sets the clock of a place so many milliseconds ahead.
    pub fn set_clock(&self, place: usize, ahead: u64) {
        self.trace(|| format!("the clock of place{place} is {ahead} ms ahead from here on"));
        self.drifts[place].set(ahead);
    }

    /// Sets the clock of some place to another time.
    pub fn step_clock(&self) {
        let place = self.random.below(self.drifts.len() as u64) as usize;
        let ahead = self.random.between(0, self.faults.get().drift);
        self.set_clock(place, ahead);
    }

    /// Waits for a random number of milliseconds.
    pub async fn takes(&self, least: u64, most: u64) {
        let millis = self.random.between(least, most);
        self.executor.sleep(millis).await;
    }

    /// Draws whether a fault happens now, and counts it.
    pub fn fails(&self, of: fn(&Faults) -> u64) -> bool {
        let happens = self.random.happens(of(&self.faults.get()));
        if happens {
            self.faults_done.set(self.faults_done.get() + 1);
        }
        happens
    }

    /// Notes that an isolate asks its log.
    pub fn asks_log(&self, isolate: Group) {
        let waits = LogRead::Waits { since: self.now() };
        self.log_reads.borrow_mut().entry(isolate).or_insert(waits);
    }

    /// Notes how an isolate's read of its log ended.
    pub fn has_read_log(&self, isolate: Group, answered: bool) {
        let in_time = self.reads_log(isolate);
        let mut reads = self.log_reads.borrow_mut();
        match answered && in_time {
            true => reads.remove(&isolate),
            false => reads.insert(isolate, LogRead::Failed),
        };
    }

    /// Whether an isolate can read its log, as far as it has found out.
    pub fn reads_log(&self, isolate: Group) -> bool {
        match self.log_reads.borrow().get(&isolate) {
            None => true,
            Some(LogRead::Waits { since }) => self.now() < since + LOG_READ_MILLIS,
            Some(LogRead::Failed) => false,
        }
    }

    /// Writes a line of the trace.
    pub fn trace(&self, line: impl FnOnce() -> String) {
        if !self.traced {
            return;
        }
        let (seconds, millis) = (self.now() / 1_000, self.now() % 1_000);
        let mut trace = self.trace.borrow_mut();
        trace.push_back(format!("{seconds:5}.{millis:03}  {}", line()));
        if trace.len() > TRACE_LINES {
            trace.pop_front();
        }
    }

    pub fn trace_lines(&self) -> Vec<String> {
        self.trace.borrow().iter().cloned().collect()
    }
}
