//! The runtime's state, and what a test does with it: prepares answers, makes parts fail, looks at
//! what was asked.

use super::executor::Executor;
use crate::http::{Headers, Method, Request, Url};
use crate::purge::{KvUse, Log, LogLimits, Mark, MemoryRows, Record, Seq, VersionId};
use crate::service::runtime::{EdgeValue, Fault, FetchedText};
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
    millis: u64,
    calls: usize,
}

type Responder = dyn Fn(&SentRequest) -> (u16, Headers, Vec<u8>);

/// The runtime of one isolate. A clone is the same runtime.
#[derive(Clone)]
pub struct TestRuntime(pub(super) Rc<State>);

pub(super) struct State {
    pub executor: Rc<Executor>,
    behaviors: RefCell<BTreeMap<Call, Behavior>>,
    pub edge: RefCell<BTreeMap<String, EdgeValue>>,
    pub kv: RefCell<BTreeMap<String, Vec<u8>>>,
    pub has_kv: Cell<bool>,
    pub log: RefCell<Log<MemoryRows>>,
    pub intents: Cell<u64>,
    pub kv_use: Cell<KvUse>,
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
    lines: RefCell<Vec<Value>>,
    pub admin_tokens: RefCell<Option<String>>,
    pub jwt_secret: RefCell<Option<String>>,
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
        Self(Rc::new(State {
            executor: Rc::default(),
            behaviors: RefCell::default(),
            edge: RefCell::default(),
            kv: RefCell::default(),
            has_kv: Cell::new(true),
            log: RefCell::new(log.unwrap()),
            intents: Cell::new(0),
            kv_use: Cell::default(),
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
            lines: RefCell::default(),
            admin_tokens: RefCell::new(Some("secret".to_owned())),
            jwt_secret: RefCell::default(),
        }))
    }

    /// A runtime to which no KV namespace is bound.
    pub fn without_kv() -> Self {
        let runtime = Self::new();
        runtime.0.has_kv.set(false);
        runtime
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

    // What calls do.

    /// From now on each call of that kind fails.
    pub fn fails(&self, call: Call, fault: &str) {
        self.0.behaviors.borrow_mut().entry(call).or_default().fault = Some(fault.to_owned());
    }

    /// From now on each call of that kind takes so many milliseconds.
    pub fn takes(&self, call: Call, millis: u64) {
        self.0.behaviors.borrow_mut().entry(call).or_default().millis = millis;
    }

    /// From now on calls of that kind work, and at once.
    pub fn works(&self, call: Call) {
        let mut behaviors = self.0.behaviors.borrow_mut();
        let behavior = behaviors.entry(call).or_default();
        (behavior.fault, behavior.millis) = (None, 0);
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
        let fault = self.0.behaviors.borrow().get(&call).and_then(|one| one.fault.clone());
        fault.map_or(Ok(()), Err)
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

    /// The number of the last record of the log.
    pub fn log_head(&self) -> Seq {
        self.0.log.borrow().head()
    }

    // Time and log lines.

    /// What the clock shows.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_millis(START_MILLIS + self.0.executor.now())
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
