//! What all isolates of a run share, and what may go wrong in it.

use super::executor::{Executor, Group, Signals};
use super::laws::Laws;
use super::origin::Api;
use super::random::Random;
use super::run::Plan;
use super::stores::{Edge, Kv, LogObject};
use std::cell::{Cell, RefCell};
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
    pub edges: Vec<Edge>,
    pub kv: Kv,
    pub logs: Vec<LogObject>,
    pub apis: Vec<Api>,
    pub laws: Laws,
    pub signals: Signals,
    /// Whether what nobody waits for any more reaches the log all the same.
    pub calls_go_on: Cell<bool>,
    /// By how much each place's clock is ahead.
    drifts: Vec<Cell<u64>>,
    /// By how much isolates' clocks within a place differ at most.
    drift_within: u64,
    trace: RefCell<Vec<String>>,
    /// Faults that happened.
    pub faults_done: Cell<u64>,
}

/// Lines of a trace that are kept.
const TRACE_LINES: usize = 50_000;

impl Universe {
    pub fn new(plan: &Plan) -> Rc<Self> {
        let Plan { seed, places, services, products, faults, settle, validators, .. } = *plan;
        let random = Random::new(seed ^ 0x5EED);
        let drifts = (0..places).map(|_| Cell::new(random.between(0, faults.drift))).collect();
        Rc::new(Self {
            executor: Executor::new(seed),
            faults: Cell::new(faults),
            edges: (0..places).map(|_| Edge::default()).collect(),
            kv: Kv::new(places),
            logs: (0..services)
                .map(|_| LogObject::new(random.next() >> 11, settle, &random, &faults))
                .collect(),
            apis: (0..services).map(|n| Api::new(n, products, validators)).collect(),
            laws: Laws::default(),
            signals: Signals::default(),
            calls_go_on: Cell::new(false),
            drifts,
            drift_within: faults.drift / 10,
            random,
            trace: RefCell::default(),
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

    /// Writes a line of the trace.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        let mut trace = self.trace.borrow_mut();
        if trace.len() < TRACE_LINES {
            let (seconds, millis) = (self.now() / 1_000, self.now() % 1_000);
            trace.push(format!("{seconds:5}.{millis:03}  {}", line()));
        }
    }

    pub fn trace(&self) -> Vec<String> {
        self.trace.borrow().clone()
    }
}
