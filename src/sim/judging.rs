//! What answers to writes have to hold, and what has to come of them.

use super::clients::{Fleet, Got, Own};
use super::executor::Group;
use super::laws::Shown;
use super::origin::{brief, objects, product, user};
use crate::engine::is_purge_cookie;
use serde_json::{Value, json};
use std::rc::Rc;

/// How long after its answer a pending purge is on its way to the outbox.
const SOON: u64 = 1_000;

/// How long after a purge of unknown outcome it is repeated for the last time.
const LAST_REPETITION: u64 = 60_000;

/// Whether the log also gets the purge of a write whose request the runtime cut off before the origin
/// had answered. It does not: nothing tells it that there is such a write.
const CUT_WRITES_ARE_PURGED: bool = false;

/// A write, and where it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub write: u64,
    pub service: usize,
    pub isolate: Group,
}

impl Fleet {
    /// Looks at the answer to a write. Returns the token that it shows, with what it is of.
    pub fn judge_write(self: &Rc<Self>, name: &str, sent: Sent, got: &Got) -> Option<Own> {
        let universe = &self.universe;
        let Sent { write, service, isolate } = sent;
        let token = got.headers.get("evergraph-purge").map(str::to_owned);
        universe.tell(|| {
            let purge = token.as_ref().map_or("not recorded", String::as_str);
            let (status, shown) = (got.status, brief(&got.body));
            format!("{name}: write {write} is answered {status}, purge {purge}: {shown}")
        });
        // Also where its answer was lost: the isolate has to reckon with it.
        if let Some((entity, version)) = universe.apis[service].made.borrow().get(&write) {
            let at = universe.apis[service].changed_at(*version) + self.settles;
            universe.laws.written(isolate, entity, *version, at);
        }
        if ![200, 422].contains(&got.status) {
            if token.is_some() {
                self.expect_late_commit(service, write);
            }
            return None;
        }
        let arrivals = universe.apis[service].arrivals.borrow().get(&write).copied().unwrap_or(0);
        if arrivals != 1 {
            universe
                .laws
                .broken(format!("write {write} was answered and arrived {arrivals} times"));
        }
        let body = serde_json::from_slice::<Value>(&got.body).ok()?;
        let object = objects(&body).first().copied()?;
        let shown = self.shown(name, object, (service, None), "write");
        if got.headers.get("cache-status").is_some_and(|how| how.ends_with("purge-pending")) {
            self.pending(isolate, &shown);
        }
        let token = token?;
        universe.laws.recorded(service, &shown.entity, shown.version, universe.now());
        self.token_is_of_a_later_record(service, &token, &shown);
        let service_name = self.service_name(service);
        let mut cookies = got.headers.get_all("set-cookie");
        let cookie = cookies.find(|cookie| is_purge_cookie(&service_name, cookie));
        // Some clients send headers of their own all the same.
        let cookie = cookie.filter(|_| universe.random.happens(700));
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()?.split_once('='));
        let cookie = cookie.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Own { entity: shown.entity, version: shown.version, token, cookie })
    }

    /// What an object of an answer shows, and whether it is for this client and this request.
    pub fn shown(
        &self,
        name: &str,
        object: &Value,
        (service, id): (usize, Option<&str>),
        how: &str,
    ) -> Shown {
        let laws = &self.universe.laws;
        let shown_id = object["id"].as_str().unwrap_or_default();
        if object["service"] != json!(service) {
            laws.broken(format!(
                "another service's answer: {object} for service {service} ({how})"
            ));
        }
        let entity = match object["__typename"].as_str() {
            Some("User") => {
                if object["who"] != json!(name) {
                    laws.broken(format!("another person's answer: {object} for {name} ({how})"));
                }
                user(shown_id)
            }
            _ => {
                if id.is_some_and(|id| id != shown_id) {
                    laws.broken(format!("another request's answer: {object} for {id:?} ({how})"));
                }
                product(shown_id)
            }
        };
        Shown { service, entity, version: object["v"].as_u64().unwrap_or(0) }
    }

    /// A write's purge is recorded, and nobody knows whether the write is over. Once the purge was
    /// repeated for the last time, no answer is older than what the write did until then.
    fn expect_late_commit(&self, service: usize, write: u64) {
        let universe = self.universe.clone();
        let repeated_at = universe.now() + LAST_REPETITION;
        universe.executor.clone().spawn(0, async move {
            universe.executor.sleep(LAST_REPETITION).await;
            let made = universe.apis[service].made.borrow().get(&write).cloned();
            if let Some((entity, version)) = made {
                universe.laws.recorded(service, &entity, version, repeated_at);
            }
        });
    }

    /// The log did not take a write's purge: the isolate has to put it into the outbox soon.
    pub fn pending(self: &Rc<Self>, isolate: Group, shown: &Shown) {
        let universe = self.universe.clone();
        let at = universe.apis[shown.service].changed_at(shown.version);
        universe.laws.pending(isolate, shown, at);
        let (fleet, shown) = (self.clone(), shown.clone());
        universe.executor.clone().spawn(0, async move {
            universe.executor.sleep(SOON).await;
            if fleet.lives(isolate) && !universe.laws.was_put(isolate, &shown, at) {
                universe.laws.broken(format!(
                    "not put into the outbox: {} at version {} by isolate{isolate}",
                    shown.entity, shown.version
                ));
            }
        });
    }

    /// Every write that arrived is due now, answered or not, unless its isolate ended or
    /// its request was cut off before it could purge.
    pub fn all_writes_are_due(&self) {
        let slots = self.slots.borrow();
        for (sent, invocation) in self.sent.borrow().values() {
            let Sent { write, service, isolate } = *sent;
            let made = self.universe.apis[service].made.borrow().get(&write).cloned();
            let lives = slots.iter().any(|slot| slot.group == isolate);
            let made = made.filter(|_| lives && (CUT_WRITES_ARE_PURGED || !invocation.was_cut()));
            if let Some((entity, version)) = made {
                self.universe.laws.recorded(service, &entity, version, self.universe.now());
                let changed_at = self.universe.apis[service].changed_at(version);
                let shown = Shown { service, entity, version };
                self.universe.laws.promised(shown, changed_at);
            }
        }
    }

    /// The token that a write's answer shows is that of a record which was appended once the origin
    /// had done the write.
    fn token_is_of_a_later_record(&self, service: usize, token: &str, shown: &Shown) {
        let log = &self.universe.logs[service];
        let Some(record) = self.universe.record_of(&log.id(), token) else {
            return self.universe.laws.broken(format!("nobody has signed {token}"));
        };
        // One that took the log's place in between numbers anew.
        let at = Some(record).filter(|record| record.epoch == log.epoch());
        let at = at.and_then(|record| log.written_down_at(record.seq));
        let changed_at = self.universe.apis[service].changed_at(shown.version);
        if at.is_some_and(|at| at < changed_at) {
            self.universe.laws.broken(format!(
                "an older purge: {} became version {} at {changed_at}, and its purge {record:?} was recorded at {at:?}",
                shown.entity, shown.version
            ));
        }
    }
}
