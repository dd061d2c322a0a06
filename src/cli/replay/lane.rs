//! One configuration with its two worlds.

use super::difference::{Difference, difference};
use super::judging::{Judging, Read};
use super::names::RequestName;
use super::tally::{Answered, Tally, type_of};
use crate::cli::knowledge::Knowledge;
use crate::offline::{Answer, Purges, Recorded, Usage, World};
use crate::service::Fault;
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A configuration under test.
pub(super) struct Lane {
    pub name: String,
    worlds: [Rc<World>; 2],
    /// What the uploads have used.
    before: Usage,
    answers: Rc<RefCell<Vec<(u64, usize, Answer)>>>,
    open: BTreeMap<u64, Open>,
    pub tally: Tally,
    pub judging: Judging,
}

/// A request that not both worlds have answered.
struct Open {
    recorded: Rc<Recorded>,
    name: Rc<RequestName>,
    type_name: Option<String>,
    /// For each world whose answer is known: the difference, if it came from the cache.
    differences: [Option<Option<Difference>>; 2],
}

/// How long before the first request the schema and the documents are uploaded.
const UPLOAD_MILLIS: u64 = 120_000;

const WITH_PURGES: usize = 0;
const BY_LIFETIME_ALONE: usize = 1;

impl Lane {
    /// Worlds that begin at a time, and whose stores take at most `store_bytes` each. The configuration, as
    /// JSON, has no fault.
    pub fn new(
        name: String,
        config: &Value,
        knowledge: &Knowledge,
        start: Timestamp,
        store_bytes: usize,
    ) -> Result<Self, Fault> {
        let config = for_replay(config);
        let early = Timestamp::from_millis(start.as_millis().saturating_sub(UPLOAD_MILLIS));
        let world = |purges| World::new(&config, early, purges, store_bytes);
        let (with_purges, by_lifetime_alone) = (world(Purges::Recorded)?, world(Purges::Ignored)?);
        knowledge.upload(&with_purges)?;
        knowledge.upload(&by_lifetime_alone)?;
        let before = with_purges.usage();
        Ok(Self {
            name,
            before,
            worlds: [with_purges, by_lifetime_alone],
            answers: Rc::default(),
            open: BTreeMap::new(),
            tally: Tally::default(),
            judging: Judging::default(),
        })
    }

    /// Sends a request to both worlds.
    pub fn send(&mut self, number: u64, recorded: &Rc<Recorded>, name: &Rc<RequestName>) {
        let open = Open {
            recorded: recorded.clone(),
            name: name.clone(),
            type_name: None,
            differences: [None, None],
        };
        self.open.insert(number, open);
        if name.is_write {
            self.judging.write(recorded.at, end_of(recorded));
        }
        for (which, world) in self.worlds.iter().enumerate() {
            let answers = self.answers.clone();
            world.send(recorded, move |answer| answers.borrow_mut().push((number, which, answer)));
        }
        self.take_answers();
        self.judging.judge_until(recorded.at);
    }

    /// Lets time pass until everything that was sent is answered.
    pub fn finish(&mut self, end: Timestamp) {
        for world in &self.worlds {
            world.run_until(end);
        }
        self.take_answers();
        self.judging.judge_until(Timestamp::from_millis(u64::MAX));
    }

    /// What the world with purges has used.
    pub fn usage(&self) -> Usage {
        let usage = self.worlds.first().map(|world| world.usage()).unwrap_or_default();
        usage.since(&self.before)
    }

    /// How much there is in memory besides the isolates and the tables of the report: what the worlds have,
    /// requests that are under way, and what is not judged yet.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        let worlds: usize = self.worlds.iter().map(|world| world.count()).sum();
        worlds + self.open.len() + self.answers.borrow().len() + self.judging.count()
    }

    fn take_answers(&mut self) {
        let answers = self.answers.take();
        for (number, which, answer) in answers {
            let Some(open) = self.open.get_mut(&number) else { continue };
            if which == WITH_PURGES {
                self.tally.add(&open.recorded, &open.name.operation, &answer);
            }
            open.type_name = open.type_name.take().or_else(|| type_of(&answer));
            if let Some(difference) = open.differences.get_mut(which) {
                *difference = Some(cached_difference(&open.recorded, &answer));
            }
            if open.differences.iter().all(Option::is_some)
                && let Some(open) = self.open.remove(&number)
            {
                self.judging.read(open.into_read());
            }
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.worlds.iter().for_each(|world| world.end());
    }
}

impl Open {
    fn into_read(mut self) -> Read {
        let mut difference =
            |which: usize| self.differences.get_mut(which).and_then(Option::take).flatten();
        let (with_purges, by_lifetime_alone) =
            (difference(WITH_PURGES), difference(BY_LIFETIME_ALONE));
        Read {
            start: self.recorded.at,
            end: end_of(&self.recorded),
            operation: self.name.operation.clone(),
            type_name: self.type_name.unwrap_or_else(|| "-".to_owned()),
            url: self.recorded.request.url.target(),
            with_purges,
            by_lifetime_alone,
        }
    }
}

/// When the client of the recording had its answer.
fn end_of(recorded: &Recorded) -> Timestamp {
    Timestamp::from_millis(recorded.at.as_millis().saturating_add(recorded.millis))
}

/// How an answer from the cache differs from the recorded one: by its body, or because only one of them says
/// that there is nothing. Other statuses say nothing about the state that a read shows.
fn cached_difference(recorded: &Recorded, answer: &Answer) -> Option<Difference> {
    let statuses = [answer.status, recorded.response.status];
    let is_comparable = Answered::of(answer).is_cached()
        && statuses.iter().all(|status| matches!(status, 200 | 404 | 410))
        && recorded.request.method.as_str() != "HEAD";
    let body = recorded.response.body.as_ref().filter(|_| is_comparable)?;
    match statuses.map(|status| status == 200) {
        [true, true] => difference(&answer.body, body),
        [false, false] => None,
        _ => Some(Difference {
            path: "status".to_owned(),
            served: answer.status.to_string(),
            recorded: recorded.response.status.to_string(),
        }),
    }
}

/// The configuration with the settings that a replay needs.
fn for_replay(config: &Value) -> Value {
    let mut config = config.clone();
    let Some(root) = config.as_object_mut() else { return config };
    // Log lines say which type a request had, and why it was not looked up.
    let everything = ["hits", "stale", "misses", "revalidated", "bypasses"];
    let log = everything.iter().map(|name| ((*name).to_owned(), json!(1))).collect();
    root.insert("log".to_owned(), Value::Object(log));
    // The recording has the response, however long it took.
    root.insert("origin_timeout".to_owned(), json!({ "read_ms": 0, "write_ms": 0 }));
    // The recorded responses lack what Evergraph would have added to the queries.
    let graphql = root.entry("graphql").or_insert_with(|| json!({}));
    if let Some(graphql) = graphql.as_object_mut() {
        graphql.insert("inject".to_owned(), json!(false));
        if graphql.get("schema") == Some(&json!("introspect")) {
            graphql.insert("schema".to_owned(), json!("none"));
        }
    }
    config
}
