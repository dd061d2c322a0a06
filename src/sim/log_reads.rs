//! How often the isolates of one data center call the purge log, when nothing goes wrong.

use super::faults::Faults;
use super::fleet::Fleet;
use super::plan::{Plan, Validators};
use super::requests::{PRODUCT, graphql};
use super::universe::Universe;
use serde_json::json;
use std::rc::Rc;

/// The longest pause between two requests to one busy isolate.
const BUSY_PAUSE_MILLIS: u64 = 400;
/// After this time every isolate has read the log and compared its clock.
const STARTED_MILLIS: u64 = 120_000;
/// For how long calls are counted.
const COUNTED_MILLIS: u64 = 600_000;
const DAY_MILLIS: u64 = 86_400_000;

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogReads {
    /// Calls to the log in the first two minutes, with all isolates cold at the same moment.
    pub starting: u64,
    /// Calls to the log per day after that.
    pub per_day: u64,
}

/// How many requests a data center gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// Several a second for each isolate.
    Busy,
    /// So many a day, spread over its isolates.
    PerDay(u64),
}

impl Traffic {
    /// The longest pause between two requests to one of so many isolates. The shortest is none.
    fn longest_pause(self, isolates: usize) -> u64 {
        match self {
            Self::Busy => BUSY_PAUSE_MILLIS,
            Self::PerDay(requests) => 2 * DAY_MILLIS * isolates as u64 / requests.max(1),
        }
    }
}

/// Counts the calls of one data center with so many isolates and this `max_lag` in seconds.
pub fn log_reads(isolates: usize, max_lag: u64, traffic: Traffic) -> LogReads {
    let mut plan = Plan::of_seed(1);
    (plan.places, plan.isolates, plan.services, plan.products) = (1, isolates, 1, 2);
    (plan.faults, plan.settle, plan.validators) = (Faults::default(), 0, Validators::None);
    plan.traced = false;
    plan.max_lag = max_lag * 1_000;
    plan.configs = vec![json!({
        "service": "service0",
        "origin": "http://origin0",
        "types": { "product": { "match": ["graphql:Query.product"], "ttl": 3_600 } },
        "purge": { "max_lag": max_lag },
    })];
    let universe = Universe::new(&plan);
    let fleet = Fleet::new(universe.clone(), &plan);
    for which in 0..isolates {
        universe
            .executor
            .spawn(0, send_requests(fleet.clone(), which, traffic.longest_pause(isolates)));
    }
    let calls_until = |millis| {
        universe.executor.run_until(millis);
        universe.logs[0].reads.get()
    };
    let starting = calls_until(STARTED_MILLIS);
    let counted = calls_until(STARTED_MILLIS + COUNTED_MILLIS) - starting;
    universe.executor.clear();
    LogReads { starting, per_day: counted * (DAY_MILLIS / COUNTED_MILLIS) }
}

/// Sends one request after the other to an isolate.
async fn send_requests(fleet: Rc<Fleet>, which: usize, longest_pause: u64) {
    let universe = fleet.universe.clone();
    let body = json!({ "query": PRODUCT, "variables": { "id": "0" } }).to_string().into_bytes();
    loop {
        universe.takes(0, longest_pause).await;
        fleet.ask(which, graphql(None), body.clone()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isolates_of_a_data_center_share_reads() {
        let count = |isolates| log_reads(isolates, 60, Traffic::Busy).per_day;
        let (one, ten) = (count(1), count(10));
        // One read in half of `max_lag`, and one a minute of each isolate, to compare its clock.
        let most = |isolates| DAY_MILLIS / 30_000 + isolates * DAY_MILLIS / 60_000;
        assert!(0 < one && one <= most(0) && ten <= most(10), "{one} {ten}");
        assert_eq!(count(10), ten, "the same again");
    }
}
