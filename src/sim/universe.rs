//! What all isolates of a run share, and what may go wrong in it.

use super::executor::{Executor, Group, Signals};
use super::laws::Laws;
use super::origin::Api;
use super::random::Random;
use super::run::{Plan, TOKEN};
use super::slow::SlowOrigin;
use super::stores::{Edge, Kv, LogObject};
use crate::config;
use crate::engine::PurgeKeys;
use crate::purge::{LogVersion, Mark, Version};
use crate::service::Fault;
use crate::time::{Timestamp, Ttl};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// How likely each fault is, in thousandths, and how long things take at most. All zero: nothing
/// goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// An edge cache does not answer, or answers with a fault.
    pub edge: u64,
    /// An edge cache has forgotten what it was given.
    pub edge_evicts: u64,
    /// A read or write of KV fails.
    pub kv: u64,
    /// A read of KV takes long.
    pub kv_slow: u64,
    /// A write to KV is taken and lost.
    pub kv_loses: u64,
    /// KV gives back something else than it was given.
    pub kv_damages: u64,
    /// For at most so many milliseconds a place does not see what was written to KV.
    pub kv_lag: u64,
    /// The place that wrote to KV sees it late too.
    pub kv_late_here: u64,
    /// A list of KV's keys lacks one of them.
    pub kv_hides: u64,
    /// A message to the log is lost on its way.
    pub log_request: u64,
    /// The log's answer is lost on its way back.
    pub log_reply: u64,
    /// A message to the log or its answer arrives as something else.
    pub log_damages: u64,
    /// A message reaches the log twice.
    pub log_twice: u64,
    /// The log takes long.
    pub log_slow: u64,
    /// The log is out of reach for a while, so many times in a thousand seconds.
    pub log_outages: u64,
    /// The log drops its oldest records, so many times in a thousand seconds.
    pub log_forgets: u64,
    /// A version that knows no pages runs for a while, so many times in a thousand seconds.
    pub log_without_pages: u64,
    /// The log's storage is rolled back to an older one, so many times in a thousand seconds.
    pub log_rolled_back: u64,
    /// The log loses its storage while isolates live, so many times in a thousand seconds.
    pub log_loses_storage: u64,
    /// If not zero, both services have one name: two deployments of one API, each with a log of its
    /// own, which share KV and the edge caches.
    pub one_name: u64,
    /// If not zero, half of the isolates have another secret, and no isolate verifies the tokens of
    /// the other half.
    pub secrets_differ: u64,
    /// A service is deployed anew with another log, so many times in a thousand seconds.
    pub log_replaced: u64,
    /// The origin answers 5xx, having done nothing.
    pub origin_refuses: u64,
    /// The origin takes long, before it does what it is asked or after.
    pub origin_slow: u64,
    /// The origin's answer is lost on its way back.
    pub origin_breaks: u64,
    /// A gateway before the origin gives up a write, and the origin does it later.
    pub origin_late: u64,
    /// The origin does what a mutation asks, and answers with 422 and what it did.
    pub origin_objects: u64,
    /// For at most so many milliseconds the origin's reads do not show what was written.
    pub origin_lag: u64,
    /// An isolate ends, so many times in a thousand seconds.
    pub isolate_ends: u64,
    /// An isolate meets a limit of the runtime, so many times in a thousand requests.
    pub isolate_over_limit: u64,
    /// A client leaves before its answer is there.
    pub client_leaves: u64,
    /// The runtime cancels the request of a client that leaves, instead of letting it go on for a
    /// while.
    pub request_cancelled: u64,
    /// The origin takes very long for a write, before it does what it is asked.
    pub origin_crawls: u64,
    /// Clocks of places differ by at most so many milliseconds, those within one by a tenth of it,
    /// and the log's from them by twice as much.
    pub drift: u64,
    /// The clock of a place is set to another time, so many times in a thousand seconds.
    pub clock_steps: u64,
}

/// All that a run consists of.
pub struct Universe {
    pub executor: Rc<Executor>,
    pub random: Random,
    pub faults: Cell<Faults>,
    /// How long the origin takes for writes, where that is minutes.
    pub slow: Cell<Option<SlowOrigin>>,
    pub edges: Vec<Edge>,
    pub kv: Kv,
    pub logs: Vec<LogObject>,
    pub apis: Vec<Api>,
    pub laws: Laws,
    pub signals: Signals,
    /// The isolates that wait for an answer of their log, with since when, or have got none.
    log_reads: RefCell<BTreeMap<Group, LogRead>>,
    /// How many calls a request may make.
    pub calls_allowed: u64,
    secrets_differ: bool,
    /// Whether half of the isolates run the version before.
    pub versions_meet: Cell<bool>,
    /// The version in which each isolate asks its log.
    spoken: RefCell<BTreeMap<Group, Rc<LogVersion>>>,
    /// Whether what nobody waits for any more reaches the log all the same.
    pub calls_go_on: Cell<bool>,
    /// By how much each place's clock is ahead.
    drifts: Vec<Cell<u64>>,
    /// By how much isolates' clocks within a place differ at most.
    drift_within: u64,
    trace: RefCell<VecDeque<String>>,
    traced: bool,
    /// Faults that happened.
    pub faults_done: Cell<u64>,
}

/// How an isolate's last read of its log fares.
#[derive(Clone, Copy)]
enum LogRead {
    Waits { since: u64 },
    Failed,
}

/// After so many milliseconds an isolate waits no longer for its log.
const LOG_READ_MILLIS: u64 = 900;

/// As long as any entry of a service lives.
fn retention_of(config: &serde_json::Value) -> Ttl {
    config::parse(config).map_or(Ttl::ZERO, |config| config.longest_lifetime())
}

/// Lines of a trace that are kept: the last ones.
const TRACE_LINES: usize = 200_000;

impl Universe {
    pub fn new(plan: &Plan) -> Rc<Self> {
        let Plan { seed, places, services, products, faults, settle, validators, .. } = *plan;
        let random = Random::new(seed ^ 0x5EED);
        let drifts = (0..places).map(|_| Cell::new(random.between(0, faults.drift))).collect();
        Rc::new(Self {
            executor: Executor::new(seed),
            faults: Cell::new(faults),
            slow: Cell::new(None),
            edges: (0..places).map(|_| Edge::default()).collect(),
            kv: Kv::new(places),
            logs: plan
                .configs
                .iter()
                .map(|config| {
                    let epoch = random.next() >> 11;
                    LogObject::new(epoch, settle, &random, &faults, retention_of(config))
                })
                .collect(),
            apis: (0..services).map(|n| Api::new(n, products, validators)).collect(),
            laws: Laws::default(),
            signals: Signals::default(),
            log_reads: RefCell::default(),
            calls_allowed: plan.calls,
            secrets_differ: faults.secrets_differ > 0,
            versions_meet: Cell::new(false),
            spoken: RefCell::default(),
            calls_go_on: Cell::new(false),
            drifts,
            drift_within: faults.drift / 10,
            random,
            trace: RefCell::default(),
            traced: plan.traced,
            faults_done: Cell::new(0),
        })
    }

    pub fn now(&self) -> u64 {
        self.executor.now()
    }

    /// By how much the clock of an isolate in a place is ahead.
    pub fn drift(&self, place: usize, isolate: Group) -> u64 {
        self.drifts[place].get() + Random::new(isolate).between(0, self.drift_within)
    }

    /// `ADMIN_TOKENS` as an isolate has it. The token of the clients' purges is always among them.
    pub fn admin_tokens(&self, isolate: Group) -> String {
        match self.secrets_differ {
            true => format!("the secret of half {},{TOKEN}", isolate % 2),
            false => format!("a secret that all have,{TOKEN}"),
        }
    }

    /// Whether an isolate runs the version before.
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

    /// The clock of a place is set to so many milliseconds ahead.
    pub fn set_clock(&self, place: usize, ahead: u64) {
        self.tell(|| format!("the clock of place{place} is {ahead} ms ahead from here on"));
        self.drifts[place].set(ahead);
    }

    /// The clock of some place is set to another time.
    pub fn step_clock(&self) {
        let place = self.random.below(self.drifts.len() as u64) as usize;
        let ahead = self.random.between(0, self.faults.get().drift);
        self.set_clock(place, ahead);
    }

    pub async fn takes(&self, least: u64, most: u64) {
        let millis = self.random.between(least, most);
        self.executor.sleep(millis).await;
    }

    /// Whether a fault happens now.
    pub fn fails(&self, of: fn(&Faults) -> u64) -> bool {
        let happens = self.random.happens(of(&self.faults.get()));
        if happens {
            self.faults_done.set(self.faults_done.get() + 1);
        }
        happens
    }

    /// An isolate asks its log.
    pub fn asks_log(&self, isolate: Group) {
        let waits = LogRead::Waits { since: self.now() };
        self.log_reads.borrow_mut().entry(isolate).or_insert(waits);
    }

    /// An isolate has read its log, or tried to.
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
    pub fn tell(&self, line: impl FnOnce() -> String) {
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

    pub fn trace(&self) -> Vec<String> {
        self.trace.borrow().iter().cloned().collect()
    }
}
