//! The runtime's state, and what a test does with it: prepares answers, makes parts fail, looks at
//! what was asked.

use super::executor::Executor;
use crate::alerts::AlertRules;
use crate::config::Alerts;
use crate::http::{Headers, Method, Request, Url};
use crate::purge::{KvUse, Log, LogLimits, Mark, MemoryRows, Record, Seq, Version, VersionId};
use crate::service::answers::Memo;
use crate::service::runtime::{EdgeValue, Fault, FetchedText};
use crate::statistics::{self, Book, Rows as _, Table};
use crate::time::{Timestamp, Ttl};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::rc::Rc;
use std::task::Waker;

/// When a test begins.
const START_MILLIS: u64 = 1_700_000_000_000;
/// The epoch of the purge log.
const EPOCH: u64 = 7;

/// A call to a part outside of the isolate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is a method of a trait in service/runtime.rs")]
pub enum Call {
    EdgeGet,
    EdgePut,
    KvGet,
    KvPut,
    KvList,
    KvDelete,
    LogSince,
    LogAppend,
    LogIntend,
    LogClaim,
    Fetch,
    FetchText,
    Verify,
    Statistics,
}

/// What the origin was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct SentRequest {
    /// The client's method for a request that is sent unchanged, else `GET` or `POST`.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// Whether it may be sent again if the connection breaks.
    pub may_retry: bool,
}

/// How calls of one kind behave.
#[derive(Debug, Clone, Default)]
struct Behavior {
    fault: Option<Fault>,
    /// How many calls do not fail before the others do.
    spared: usize,
    millis: u64,
    calls: usize,
}

type Responder = dyn Fn(&SentRequest) -> (u16, Headers, Vec<u8>);

/// The runtime of one isolate, with the isolate's number. A clone is the same runtime.
#[derive(Clone)]
pub struct TestRuntime(pub(super) Rc<State>, pub(super) u64);

pub(super) struct State {
    pub executor: Rc<Executor>,
    behaviors: RefCell<BTreeMap<Call, Behavior>>,
    pub edge: RefCell<BTreeMap<String, EdgeValue>>,
    pub kv: RefCell<BTreeMap<String, Vec<u8>>>,
    pub kv_metadata: RefCell<BTreeMap<String, String>>,
    pub has_kv: Cell<bool>,
    pub log: RefCell<Log<MemoryRows>>,
    pub intents: Cell<u64>,
    pub kv_use: Cell<KvUse>,
    /// The version in which the log replies.
    pub log_version: Cell<Version>,
    /// The versions that have a record in the log.
    pub versions: RefCell<BTreeSet<VersionId>>,
    pub version_id: RefCell<Option<VersionId>>,
    pub method: RefCell<String>,
    pub request_body: RefCell<Rc<[u8]>>,
    pub responder: RefCell<Box<Responder>>,
    pub sent: RefCell<Vec<SentRequest>>,
    pub bodies: RefCell<Vec<Rc<[u8]>>>,
    pub texts: RefCell<BTreeMap<String, FetchedText>>,
    pub signals: RefCell<BTreeMap<u32, Vec<Waker>>>,
    pub next_signal: Cell<u32>,
    pub has_memory: Cell<bool>,
    pub statistics: RefCell<Option<Book<statistics::MemoryRows>>>,
    /// How long the statistics object's replies take, after it has done what it was told.
    pub statistics_reply_millis: Cell<u64>,
    pub has_analytics: Cell<bool>,
    pub data_points: RefCell<Vec<(String, Vec<f64>)>>,
    lines: RefCell<Vec<Value>>,
    pub admin_tokens: RefCell<Option<String>>,
    pub jwt_secret: RefCell<Option<String>>,
    /// What the table of answers was told last.
    pub told: RefCell<Option<Memo>>,
    pub repeated: Cell<u64>,
}

impl TestRuntime {
    /// A runtime whose parts all work: empty stores, an empty purge log, and an origin that answers
    /// `{"data":{}}`.
    pub fn new() -> Self {
        let answer = |_: &SentRequest| (200, json_headers(), br#"{"data":{}}"#.to_vec());
        let log = Log::open(
            MemoryRows::default(),
            Ttl::from_seconds(3_600),
            LogLimits::default(),
            || EPOCH,
        );
        let state = Rc::new(State {
            executor: Rc::default(),
            behaviors: RefCell::default(),
            edge: RefCell::default(),
            kv: RefCell::default(),
            kv_metadata: RefCell::default(),
            has_kv: Cell::new(true),
            log: RefCell::new(log.unwrap()),
            intents: Cell::new(0),
            kv_use: Cell::default(),
            log_version: Cell::new(Version::CURRENT),
            versions: RefCell::default(),
            version_id: RefCell::default(),
            method: RefCell::new("GET".to_owned()),
            request_body: RefCell::new(Rc::from([])),
            responder: RefCell::new(Box::new(answer)),
            sent: RefCell::default(),
            bodies: RefCell::default(),
            texts: RefCell::default(),
            signals: RefCell::default(),
            next_signal: Cell::new(0),
            has_memory: Cell::new(true),
            statistics: RefCell::default(),
            statistics_reply_millis: Cell::default(),
            has_analytics: Cell::default(),
            data_points: RefCell::default(),
            lines: RefCell::default(),
            admin_tokens: RefCell::new(Some("secret".to_owned())),
            jwt_secret: RefCell::default(),
            told: RefCell::default(),
            repeated: Cell::default(),
        });
        Self(state, 1)
    }

    /// The runtime of another isolate over the same parts.
    pub fn of_isolate(&self, number: u64) -> Self {
        Self(self.0.clone(), number)
    }

    /// What the table of answers was told last.
    pub fn take_told(&self) -> Option<Memo> {
        self.0.told.take()
    }

    /// A runtime to which no KV namespace is bound.
    pub fn without_kv() -> Self {
        let runtime = Self::new();
        runtime.0.has_kv.set(false);
        runtime
    }

    /// A runtime to which the statistics object and a data set are bound.
    pub fn with_statistics() -> Self {
        let runtime = Self::new();
        runtime.loses_statistics();
        runtime.0.has_analytics.set(true);
        runtime
    }

    /// The statistics object is new, or has lost its storage.
    pub fn loses_statistics(&self) {
        *self.0.statistics.borrow_mut() = {
            let rules = AlertRules { service: "shop".to_owned(), config: Alerts::default() };
            Some(Book::new(statistics::MemoryRows::default()).with_alerts(rules))
        };
    }

    /// A row of the statistics object is damaged, or written by a test.
    pub fn writes_statistics_row(&self, table: Table, number: u64, text: &str) {
        let book = self.0.statistics.borrow();
        book.as_ref().unwrap().rows().put(table, number, text).unwrap();
    }

    /// The statistics object is not bound any more.
    pub fn unbinds_statistics(&self) {
        self.0.statistics.replace(None);
    }

    /// KV and the edge cache are empty.
    pub fn loses_stores(&self) {
        self.0.kv.borrow_mut().clear();
        self.0.edge.borrow_mut().clear();
    }

    /// The data points so far.
    pub fn data_points(&self) -> Vec<(String, Vec<f64>)> {
        self.0.data_points.borrow().clone()
    }

    // Running.

    /// Runs a future to its end in virtual time.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.executor.run(work)
    }

    /// Lets so many milliseconds pass, in which the background work goes on.
    pub fn advance(&self, millis: u64) {
        self.0.executor.advance(millis);
    }

    /// How many background tasks have not ended.
    pub fn tasks(&self) -> usize {
        self.0.executor.tasks()
    }

    /// The runtime ends all background work where it is, as it does some time after a response.
    pub fn cuts_off(&self) {
        self.0.executor.cut_off();
    }

    // What calls do.

    /// From now on each call of that kind fails.
    pub fn fails(&self, call: Call, fault: &str) {
        self.0.behaviors.borrow_mut().entry(call).or_default().fault = Some(fault.to_owned());
    }

    /// The same after so many further calls.
    pub fn fails_after(&self, call: Call, calls: usize, fault: &str) {
        self.fails(call, fault);
        self.0.behaviors.borrow_mut().entry(call).or_default().spared = calls;
    }

    /// From now on each call of that kind takes so many milliseconds.
    pub fn takes(&self, call: Call, millis: u64) {
        self.0.behaviors.borrow_mut().entry(call).or_default().millis = millis;
    }

    /// From now on calls of that kind work, and at once.
    pub fn works(&self, call: Call) {
        let mut behaviors = self.0.behaviors.borrow_mut();
        let behavior = behaviors.entry(call).or_default();
        (behavior.fault, behavior.spared, behavior.millis) = (None, 0, 0);
    }

    /// From now on the statistics object does at once what it is told, and its replies take so long.
    pub fn statistics_replies_take(&self, millis: u64) {
        self.0.statistics_reply_millis.set(millis);
    }

    /// How many calls of that kind there were.
    pub fn calls(&self, call: Call) -> usize {
        self.0.behaviors.borrow().get(&call).map_or(0, |behavior| behavior.calls)
    }

    /// Counts a call, waits as long as it takes, and fails if it is to fail.
    pub(super) async fn call(&self, call: Call) -> Result<(), Fault> {
        let millis = {
            let mut behaviors = self.0.behaviors.borrow_mut();
            let behavior = behaviors.entry(call).or_default();
            behavior.calls += 1;
            behavior.millis
        };
        if millis > 0 {
            self.0.executor.clone().sleep(millis).await;
        }
        let mut behaviors = self.0.behaviors.borrow_mut();
        let behavior = behaviors.entry(call).or_default();
        if behavior.spared > 0 {
            behavior.spared -= 1;
            return Ok(());
        }
        behavior.fault.clone().map_or(Ok(()), Err)
    }

    // The client's request, and other servers.

    /// The method and the body of the client's request, as far as the runtime holds them.
    pub fn sends(&self, method: &str, body: impl AsRef<[u8]>) {
        self.0.method.replace(method.to_owned());
        self.0.request_body.replace(body.as_ref().into());
    }

    /// How the origin answers from now on.
    pub fn origin_answers(
        &self,
        answer: impl Fn(&SentRequest) -> (u16, Headers, Vec<u8>) + 'static,
    ) {
        *self.0.responder.borrow_mut() = Box::new(answer);
    }

    /// The origin answers with that status and JSON from now on.
    pub fn origin_answers_json(&self, status: u16, body: &Value) {
        let body = body.to_string().into_bytes();
        self.origin_answers(move |_| (status, json_headers(), body.clone()));
    }

    /// What the origin was asked, in its order.
    pub fn sent(&self) -> Vec<SentRequest> {
        self.0.sent.borrow().clone()
    }

    /// Another server has that text at that URL.
    pub fn has_text(&self, url: &str, cache_control: &str, text: &str) {
        let text = FetchedText { cache_control: cache_control.to_owned(), text: text.to_owned() };
        self.0.texts.borrow_mut().insert(url.to_owned(), text);
    }

    /// The secrets `ADMIN_TOKENS` and `JWT_SECRET`.
    pub fn has_secrets(&self, admin_tokens: Option<&str>, jwt_secret: Option<&str>) {
        self.0.admin_tokens.replace(admin_tokens.map(str::to_owned));
        self.0.jwt_secret.replace(jwt_secret.map(str::to_owned));
    }

    /// A version with that id is deployed.
    pub fn deploys(&self, version: &str) {
        self.0.version_id.replace(VersionId::parse(version));
    }

    /// Whether the budget for bodies in flight has room.
    pub fn has_memory(&self, has_memory: bool) {
        self.0.has_memory.set(has_memory);
    }

    // Stores and the log.

    /// What KV has under a key.
    pub fn kv_value(&self, key: &str) -> Option<Vec<u8>> {
        self.0.kv.borrow().get(key).cloned()
    }

    /// Puts a value into KV.
    pub fn set_kv(&self, key: &str, value: impl AsRef<[u8]>) {
        self.0.kv.borrow_mut().insert(key.to_owned(), value.as_ref().to_vec());
    }

    /// The keys in KV.
    pub fn kv_keys(&self) -> Vec<String> {
        self.0.kv.borrow().keys().cloned().collect()
    }

    /// Another isolate records a purge.
    pub fn records(&self, record: &Record) -> Mark {
        let mut log = self.0.log.borrow_mut();
        let seq = log.append(record, self.at()).unwrap();
        Mark { epoch: log.epoch(), seq }
    }

    /// The log replies in that version from now on.
    pub fn log_replies_in(&self, version: Version) {
        self.0.log_version.set(version);
    }

    /// The number of the last record of the log.
    pub fn log_head(&self) -> Seq {
        self.0.log.borrow().head()
    }

    // Time and log lines.

    /// What the clock shows.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millis(START_MILLIS + self.0.executor.now())
    }

    /// The platform has given the answer to the next request so many times.
    pub fn has_repeated(&self, times: u64) {
        self.0.repeated.set(times);
    }

    /// The log lines so far.
    pub fn lines(&self) -> Vec<Value> {
        self.0.lines.borrow().clone()
    }

    /// Whether a failure of that part was logged.
    pub fn has_reported(&self, part: &str) -> bool {
        let is_it = |line: &Value| line["event"] == "failure" && line["part"] == part;
        self.0.lines.borrow().iter().any(is_it)
    }

    pub(super) fn log_line(&self, line: &str) {
        self.0.lines.borrow_mut().push(serde_json::from_str(line).unwrap());
    }
}

/// A client's request for a URL of `https://shop.example`.
pub fn request(method: &str, target: &str) -> Request {
    Request {
        method: Method::parse(method),
        url: Url::parse(&format!("https://shop.example{target}")).unwrap(),
        headers: Headers::new(),
    }
}

fn json_headers() -> Headers {
    [("content-type", "application/json")].into_iter().collect()
}
