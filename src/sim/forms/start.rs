//! Starts all of these clients.

use super::schedule::Schedule;
use super::{pauses, people, purges, queries, schemas, texts};
use crate::sim::fleet::Fleet;
use crate::sim::plan::Plan;
use std::rc::Rc;

/// Starts the clients of other forms that a plan has.
pub fn live(fleet: &Rc<Fleet>, plan: &Plan) {
    let forms = plan.forms;
    let times = Schedule { until: plan.millis, pause: plan.pause, rest: plan.rest };
    let executor = &fleet.universe.executor;
    for number in 0..forms.purgers {
        executor.spawn(0, purges::live(fleet.clone(), format!("purger{number}"), times));
    }
    for number in 0..forms.readers {
        executor.spawn(0, texts::live(fleet.clone(), format!("reader{number}"), times));
    }
    for number in 0..forms.callers {
        executor.spawn(0, queries::live(fleet.clone(), format!("caller{number}"), times));
    }
    for number in 0..forms.people {
        executor.spawn(0, people::live(fleet.clone(), format!("person{number}"), times));
    }
    if forms.pauses {
        executor.spawn(0, pauses::live(fleet.clone(), times));
    }
    if forms.schemas {
        executor.spawn(0, schemas::live(fleet.clone(), times));
    }
}
