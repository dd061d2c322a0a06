//! An operator who pauses the cache now and then, for a time or until it is resumed.

use super::schedule::{Schedule, any_isolate};
use crate::sim::fleet::Fleet;
use crate::sim::requests::admin;
use serde_json::{Value, json};
use std::rc::Rc;

/// How many times in a thousand a pause begins.
const BEGINS: u64 = 60;
/// How long a resume is tried again.
const ATTEMPTS: u32 = 20;

pub(super) async fn live(fleet: Rc<Fleet>, times: Schedule) {
    while times.pass(&fleet).await {
        if fleet.universe.random.happens(BEGINS) {
            pause_and_resume(&fleet).await;
        }
    }
}

async fn pause_and_resume(fleet: &Rc<Fleet>) {
    let universe = &fleet.universe;
    let which = any_isolate(fleet);
    let (service, _, _) = fleet.where_is(which);
    let body = match universe.random.happens(500) {
        true => json!({ "seconds": universe.random.between(10, 90) }),
        false => json!({}),
    };
    universe.trace(|| format!("an operator: pause of service{service} {body}"));
    let got = fleet.ask(which, admin("POST", "pause"), body.to_string().into_bytes()).await;
    if let Some(got) = got.filter(|got| got.status == 200) {
        let body: Value = serde_json::from_slice(&got.body).unwrap_or_default();
        let until = body["until"].as_u64().unwrap_or(u64::MAX);
        universe.laws.note_paused(service, until, universe.now());
    }
    universe.takes(5_000, 40_000).await;
    // It may be recorded although its response is lost, and also if that of the pause was.
    universe.laws.note_resuming(service);
    for _ in 0..ATTEMPTS {
        let any = any_isolate(fleet);
        let to = if fleet.where_is(any).0 == service { any } else { which };
        let got = fleet.ask(to, admin("POST", "resume"), b"{}".to_vec()).await;
        universe.trace(|| {
            let status = got.as_ref().map_or(0, |got| got.status);
            format!("an operator: resume of service{service} is answered {status}")
        });
        if got.is_some_and(|got| got.status == 200) {
            break;
        }
        universe.takes(1_000, 5_000).await;
    }
}
