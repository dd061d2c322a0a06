//! Judges responses to reads and writes by the laws.

use super::environment::EPOCH_MILLIS;
use super::executor::Group;
use super::fleet::{ClientResponse, Fleet, SentWrite};
use super::laws::{ReadTerms, ShownVersion};
use super::origin::{brief, objects, product, text, user};
use super::requests::{UPDATE_ME, graphql, request};
use crate::engine::is_purge_cookie;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How far the clocks of two isolates are apart at most.
const CLOCKS_MILLIS: u64 = 20_000;

/// How long after the response a pending purge is sent to the outbox at the latest.
const SOON_MILLIS: u64 = 1_000;

/// When a purge of unknown outcome is repeated for the last time.
const LAST_REPETITION_MILLIS: u64 = 60_000;

/// The ways of reading, which purges distinguish: a product's query, the list of all products, REST.
pub const BY_QUERY: &str = "query";
/// A product's query in a URL or by the id of its document, which has a key of its own.
pub const BY_OTHER_FORM: &str = "other form";
pub const BY_LIST: &str = "list";
pub const BY_REST: &str = "rest";

/// How long a purge takes to the log at most, if the write's response does not wait for it.
const UNAWAITED_MILLIS: u64 = 8_000;

/// A client's own write, as its response showed it.
#[derive(Debug, Clone)]
pub struct OwnWrite {
    pub entity: String,
    pub version: u64,
    pub token: String,
    /// The name and value of the cookie with the token, if the client sends that instead.
    pub cookie: Option<(String, String)>,
}

/// A read that is about to be made, with what the laws have to know of it.
pub struct Reading {
    name: String,
    pub service: usize,
    isolate: Group,
    asked_at: u64,
    /// The versions that were written through the isolate.
    written: BTreeMap<String, u64>,
    /// Whether the isolate can read the log, as far as it knows.
    reads_log: bool,
    /// The client's own write, if it sends its token.
    pub own: Option<OwnWrite>,
}

impl Reading {
    /// How a response came about, for messages.
    pub fn how(&self, got: &ClientResponse) -> String {
        let how = got.headers.get("cache-status").unwrap_or_default();
        let how = how.strip_prefix("evergraph; ").unwrap_or(how);
        format!("{how}, isolate{}", self.isolate)
    }
}

impl Fleet {
    /// Notes a read that is about to be made.
    pub fn reading(&self, name: &str, which: usize, what: &str) -> Reading {
        let universe = &self.universe;
        let (service, place, isolate) = self.where_is(which);
        let asked_at = universe.now();
        universe.trace(|| {
            format!("{name}: asks isolate{isolate} in place{place} for {what} of service{service}")
        });
        Reading {
            name: name.to_owned(),
            service,
            isolate,
            asked_at,
            written: universe.laws.all_written_by(isolate, asked_at),
            reads_log: universe.reads_log(isolate),
            own: None,
        }
    }

    /// Judges the objects in a JSON body.
    pub fn judge_body(
        &self,
        reading: &Reading,
        got: &ClientResponse,
        view: &'static str,
        id: Option<&str>,
    ) {
        if got.status != 200 {
            return;
        }
        match serde_json::from_slice::<Value>(&got.body) {
            Ok(body) => self.judge_answer(reading, got, &body, view, id),
            Err(_) => {
                let (body, how) = (brief(&got.body), reading.how(got));
                self.universe.laws.report(format!("no JSON: {body} ({how})"));
            }
        }
    }

    /// Judges the objects of a response.
    pub fn judge_answer(
        &self,
        reading: &Reading,
        got: &ClientResponse,
        body: &Value,
        view: &'static str,
        id: Option<&str>,
    ) {
        let (universe, name) = (&self.universe, &reading.name);
        let how = reading.how(got);
        universe.trace(|| format!("{name}: sees {} ({how})", brief(body.to_string().as_bytes())));
        self.count(got.headers.get("x-cache").unwrap_or_default());
        for object in objects(body) {
            let shown = self.shown(name, object, (reading.service, id), &how);
            self.judge(reading, got, &shown, view);
        }
    }

    /// Judges a response by the version of an entity that it shows.
    pub fn judge_version(
        &self,
        reading: &Reading,
        got: &ClientResponse,
        entity: &str,
        version: u64,
    ) {
        let (universe, name) = (&self.universe, &reading.name);
        let how = reading.how(got);
        universe.trace(|| format!("{name}: sees {entity} at version {version} ({how})"));
        self.count(got.headers.get("x-cache").unwrap_or_default());
        let shown = ShownVersion { service: reading.service, entity: entity.to_owned(), version };
        self.judge(reading, got, &shown, BY_REST);
    }

    fn judge(
        &self,
        reading: &Reading,
        got: &ClientResponse,
        shown: &ShownVersion,
        view: &'static str,
    ) {
        let laws = &self.universe.laws;
        let how = reading.how(got);
        // A lagging origin does not show the write itself.
        let own = reading.own.as_ref();
        let own = own.filter(|own| own.entity == shown.entity && self.settles == 0);
        let reads_log = reading.reads_log && self.universe.reads_log(reading.isolate);
        let promised = reads_log || !self.serves_unread(reading.service);
        if promised {
            self.judge_pause(reading, got, &how);
        }
        let judged = ReadTerms {
            view,
            hit: got.headers.get("x-cache") == Some("HIT"),
            asked_at: reading.asked_at,
            grace: promised.then_some(self.grace),
            own: own.map(|own| own.version),
            how: &how,
        };
        laws.check_read(shown, &judged);
        // What a lagging origin showed meanwhile is purged when the log repeats the purge.
        let written = reading.written.get(&shown.entity).filter(|_| promised || self.settles == 0);
        if let Some(written) = written.filter(|written| shown.version < **written) {
            laws.report(format!(
                "stale: {} at version {} by isolate{}, through which {written} was written ({how})",
                shown.entity, shown.version, reading.isolate
            ));
        }
    }

    /// A stored response may not answer a request that began when the pause was known everywhere. A log
    /// that has lost its storage has forgotten the pause.
    fn judge_pause(&self, reading: &Reading, got: &ClientResponse, how: &str) {
        let universe = &self.universe;
        let Some(known_at) = reading.asked_at.checked_sub(self.grace) else { return };
        let Some(until) = universe.laws.paused_by(reading.service, known_at) else { return };
        let holds = until > EPOCH_MILLIS + universe.now() + CLOCKS_MILLIS
            && universe.logs[reading.service].pause() == until
            && !universe.versions_meet.get();
        let is_stored = matches!(got.headers.get("x-cache"), Some("HIT" | "STALE" | "REVALIDATED"));
        if holds && is_stored {
            universe.laws.report(format!("served while the cache was paused: {how}"));
        }
    }

    /// Notes a write that is about to be sent.
    pub fn sent(&self, which: usize, write: u64) -> SentWrite {
        let (service, _, isolate) = self.where_is(which);
        let universe = &self.universe;
        universe.trace(|| format!("write {write} goes to service{service} by isolate{isolate}"));
        SentWrite { write, service, isolate }
    }

    /// Writes a resource.
    pub async fn put(self: &Rc<Self>, name: &str, which: usize, path: &str) {
        let write = self.write_number();
        let sent = self.sent(which, write);
        let mut asked = request("PUT", path);
        asked.headers.set("x-write", write.to_string());
        let name = name.to_owned();
        let look = move |fleet: &Rc<Self>, got: &ClientResponse| {
            fleet.judge_write(&name, sent, got);
        };
        self.ask_and(which, asked, Vec::new(), Some(sent), look).await;
    }

    /// Writes a user by a mutation.
    pub async fn update_me(self: &Rc<Self>, name: &str, which: usize) {
        let write = self.write_number();
        let sent = self.sent(which, write);
        let body = json!({ "query": UPDATE_ME, "variables": { "write": write } });
        let of_write = name.to_owned();
        let look = move |fleet: &Rc<Self>, got: &ClientResponse| {
            fleet.judge_write(&of_write, sent, got);
        };
        let body = body.to_string().into_bytes();
        self.ask_and(which, graphql(Some(name)), body, Some(sent), look).await;
    }

    fn purge_flag(&self, service: usize, name: &str, value: Value) -> bool {
        self.configs[service]["purge"][name] == value
    }

    /// Whether a service serves hits while the log cannot be read.
    fn serves_unread(&self, service: usize) -> bool {
        self.purge_flag(service, "unreadable", json!("serve"))
    }

    /// Judges the response to a write. Returns the write with its token, if there is one.
    pub fn judge_write(
        self: &Rc<Self>,
        name: &str,
        sent: SentWrite,
        got: &ClientResponse,
    ) -> Option<OwnWrite> {
        let universe = &self.universe;
        let SentWrite { write, service, isolate } = sent;
        let token = got.headers.get("evergraph-purge").map(str::to_owned);
        universe.trace(|| {
            let purge = token.as_ref().map_or("not recorded", String::as_str);
            let (status, shown) = (got.status, brief(&got.body));
            format!("{name}: write {write} is answered {status}, purge {purge}: {shown}")
        });
        // Also if the response was lost: the isolate has to expect the change. If a gateway gave up, the
        // origin may have changed data after the purge, which is repeated then.
        let made = universe.apis[service].entities.made.borrow().get(&write).cloned();
        if let Some((entity, version)) = made.filter(|_| got.status != 504) {
            let unawaited = self.purge_flag(service, "wait", json!(false));
            let later = if unawaited { UNAWAITED_MILLIS + universe.now() } else { 0 };
            let at =
                (universe.apis[service].entities.changed_at(version) + self.settles).max(later);
            universe.laws.note_written(isolate, &entity, version, at);
        }
        if ![200, 422].contains(&got.status) {
            if token.is_some() {
                self.expect_late_commit(service, write);
            }
            return None;
        }
        let arrivals =
            universe.apis[service].entities.arrivals.borrow().get(&write).copied().unwrap_or(0);
        if arrivals != 1 {
            universe
                .laws
                .report(format!("write {write} was answered and arrived {arrivals} times"));
        }
        let body = serde_json::from_slice::<Value>(&got.body).ok()?;
        let object = objects(&body).first().copied()?;
        let shown = self.shown(name, object, (service, None), "write");
        if got.headers.get("cache-status").is_some_and(|how| how.ends_with("purge-pending")) {
            self.pending(isolate, &shown);
        }
        let token = token?;
        universe.laws.note_recorded(service, &shown.entity, shown.version, universe.now());
        self.token_is_of_a_later_record(service, &token, &shown);
        let service_name = self.service_name(service);
        let mut cookies = got.headers.get_all("set-cookie");
        let cookie = cookies.find(|cookie| is_purge_cookie(&service_name, cookie));
        // Some clients send the header nevertheless.
        let cookie = cookie.filter(|_| universe.random.happens(700));
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()?.split_once('='));
        let cookie = cookie.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(OwnWrite { entity: shown.entity, version: shown.version, token, cookie })
    }

    /// What an object of a response shows. Checks that it is for this client and this request.
    pub fn shown(
        &self,
        name: &str,
        object: &Value,
        (service, id): (usize, Option<&str>),
        how: &str,
    ) -> ShownVersion {
        let laws = &self.universe.laws;
        let shown_id = object["id"].as_str().unwrap_or_default();
        if object["service"] != json!(service) {
            laws.report(format!(
                "another service's answer: {object} for service {service} ({how})"
            ));
        }
        let entity = match object["__typename"].as_str() {
            Some("User") => {
                if object["who"] != json!(name) {
                    laws.report(format!("another person's answer: {object} for {name} ({how})"));
                }
                user(shown_id)
            }
            Some("Text") => text(shown_id),
            _ => {
                if id.is_some_and(|id| id != shown_id) {
                    laws.report(format!("another request's answer: {object} for {id:?} ({how})"));
                }
                product(shown_id)
            }
        };
        ShownVersion { service, entity, version: object["v"].as_u64().unwrap_or(0) }
    }

    /// Expects that a write whose outcome is unknown is purged: once the purge was repeated for the last
    /// time, no response is older than what the write did until then.
    fn expect_late_commit(&self, service: usize, write: u64) {
        let universe = self.universe.clone();
        let repeated_at = universe.now() + LAST_REPETITION_MILLIS;
        universe.executor.clone().spawn(0, async move {
            universe.executor.sleep(LAST_REPETITION_MILLIS).await;
            let made = universe.apis[service].entities.made.borrow().get(&write).cloned();
            if let Some((entity, version)) = made {
                universe.laws.note_recorded(service, &entity, version, repeated_at);
            }
        });
    }

    /// Expects that an isolate puts a purge that the log did not take into the outbox soon.
    pub fn pending(self: &Rc<Self>, isolate: Group, shown: &ShownVersion) {
        let universe = self.universe.clone();
        let at = universe.apis[shown.service].entities.changed_at(shown.version);
        universe.laws.note_pending(isolate, shown, at);
        let (fleet, shown) = (self.clone(), shown.clone());
        universe.executor.clone().spawn(0, async move {
            universe.executor.sleep(SOON_MILLIS).await;
            if fleet.lives(isolate) && !universe.laws.was_put(isolate, &shown, at) {
                universe.laws.report(format!(
                    "not put into the outbox: {} at version {} by isolate{isolate}",
                    shown.entity, shown.version
                ));
            }
        });
    }

    /// Counts every write that arrived as recorded now, with or without a response, unless its isolate
    /// ended or its request was cut off before it could purge.
    pub fn expect_all_writes(&self) {
        let slots = self.slots.borrow();
        for (sent, invocation) in self.sent.borrow().values() {
            let SentWrite { write, service, isolate } = *sent;
            let made = self.universe.apis[service].entities.made.borrow().get(&write).cloned();
            let lives = slots.iter().any(|slot| slot.group == isolate);
            let made = made.filter(|_| lives && !invocation.was_cut_early());
            if let Some((entity, version)) = made {
                self.universe.laws.note_recorded(service, &entity, version, self.universe.now());
                let changed_at = self.universe.apis[service].entities.changed_at(version);
                let shown = ShownVersion { service, entity, version };
                self.universe.laws.note_promised(shown, changed_at);
            }
        }
    }

    /// Checks that the token of a write names a record that was appended after the origin had done the
    /// write.
    fn token_is_of_a_later_record(&self, service: usize, token: &str, shown: &ShownVersion) {
        let log = &self.universe.logs[service];
        let Some(record) = self.universe.record_of(&log.id(), token) else {
            return self.universe.laws.report(format!("nobody has signed {token}"));
        };
        // A log that took its place in between has other numbers.
        let at = Some(record).filter(|record| record.epoch == log.epoch());
        let at = at.and_then(|record| log.written_down_at(record.seq));
        let changed_at = self.universe.apis[service].entities.changed_at(shown.version);
        if at.is_some_and(|at| at < changed_at) {
            self.universe.laws.report(format!(
                "an older purge: {} became version {} at {changed_at}, and its purge {record:?} was recorded at {at:?}",
                shown.entity, shown.version
            ));
        }
    }
}
