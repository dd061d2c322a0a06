//! A platform in memory for the service: a virtual clock, an origin that follows a script, an edge
//! cache and a purge log. There is no KV.

use super::cases::{Fields, OriginReply};
use super::executor::{Executor, Signals};
use evergraph::config::Algorithm;
use evergraph::http::{Headers, Method, OriginalFields, Request};
use evergraph::purge::{
    IntentId, KvClaim, KvGrant, Log, LogLimits, LogTime, Mark, MemoryRows, NewRecord, ReadReply,
    Record, Version, VersionId,
};
use evergraph::service::{
    self, AnswerTable, AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock,
    Deployment, EdgeBytes, EdgeCache, EdgeValue, ExternalFetch, Fault, FetchedText, KvStore,
    LogSink, MemoryBudget, Origin, OriginFailure, OriginRequest, OriginRequestKind, OriginResponse,
    PageAssets, PurgeLog, Reply, Runtime, Secrets, SignatureVerifier, StatisticsSink,
};
use evergraph::time::{Timestamp, Ttl};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// What all requests of a case share.
pub struct WorkersRuntime {
    pub executor: Executor,
    signals: Signals,
    edge_cache: RefCell<HashMap<String, EdgeCacheEntry>>,
    log: RefCell<Log<MemoryRows>>,
    /// Purges that the log repeats, and when.
    repeats: RefCell<Vec<(Timestamp, Record)>>,
    intents: Cell<u64>,
    /// The origin's next responses.
    pub script: RefCell<VecDeque<OriginReply>>,
    /// What was wrong with the requests to the origin.
    pub faults: RefCell<Vec<String>>,
    log_lines: RefCell<Vec<String>>,
}

struct EdgeCacheEntry {
    bytes: Vec<u8>,
    fields: Option<Rc<dyn OriginalFields>>,
    until: Timestamp,
}

impl WorkersRuntime {
    /// A platform with empty stores.
    pub fn new(now: Timestamp) -> Rc<Self> {
        let log = Log::open(MemoryRows::default(), Ttl::MAX, LogLimits::default(), || 1).unwrap();
        let executor = Executor::default();
        executor.advance_to(now.as_millis());
        Rc::new(Self {
            executor,
            signals: Signals::default(),
            edge_cache: RefCell::default(),
            log: RefCell::new(log),
            repeats: RefCell::default(),
            intents: Cell::new(0),
            script: RefCell::default(),
            faults: RefCell::default(),
            log_lines: RefCell::default(),
        })
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.executor.now())
    }

    /// The service's log lines since the last call.
    pub fn take_log_lines(&self) -> Vec<String> {
        self.log_lines.take()
    }

    /// Appends the repeated purges that are due.
    fn repeat_due(&self) {
        let (due, later) = self.repeats.take().into_iter().partition(|(at, _)| *at <= self.now());
        self.repeats.replace(later);
        let due: Vec<(Timestamp, Record)> = due;
        for (at, record) in due {
            self.log.borrow_mut().append(&record, at).unwrap();
        }
    }
}

/// The platform for one client's request.
#[derive(Clone)]
pub struct RequestRuntime {
    platform: Rc<WorkersRuntime>,
    request: Rc<Request>,
    /// The bodies of the origin's responses by their handles.
    bodies: Rc<RefCell<Vec<Rc<[u8]>>>>,
}

impl RequestRuntime {
    pub fn new(platform: Rc<WorkersRuntime>, request: Request) -> Self {
        Self { platform, request: Rc::new(request), bodies: Rc::default() }
    }

    /// The response that the client gets.
    pub fn response(&self, reply: Reply) -> evergraph::http::Response {
        match reply {
            Reply::Whole(response) => response,
            Reply::Origin { handle, status, headers } => {
                let body = self.bodies.borrow()[handle as usize].clone();
                evergraph::http::Response { status, headers, body }
            }
            other => panic!("{other:?} is not HTTP caching"),
        }
    }
}

/// What is wrong with header fields.
pub fn field_faults(expected: &Fields, got: &Headers) -> Vec<String> {
    let wrong = expected.iter().filter(|(name, value)| got.joined(name) != *value);
    wrong
        .map(|(name, value)| format!("{name}: expected {value:?}, got {:?}", got.joined(name)))
        .collect()
}

impl Runtime for RequestRuntime {}

impl StatisticsSink for RequestRuntime {}

impl Origin for RequestRuntime {
    async fn request_body(&self, _limit: usize, _copies: usize) -> BodyRead {
        BodyRead::Whole([].into())
    }

    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure> {
        let platform = &self.platform;
        let reply = platform.script.borrow_mut().pop_front();
        let Some(reply) = reply else {
            platform.faults.borrow_mut().push("the origin got one request more".to_owned());
            return Err(OriginFailure { timed_out: false, fault: "not in the script".to_owned() });
        };
        let wrong = field_faults(&reply.request_fields, ask.headers).into_iter();
        platform.faults.borrow_mut().extend(wrong.map(|fault| format!("the origin got {fault}")));
        let asked_at = platform.now();
        if reply.delay > 0 {
            platform.executor.sleep(reply.delay * 1_000).await;
        }
        let Some(status) = reply.status else {
            return Err(OriginFailure { timed_out: false, fault: "it fails".to_owned() });
        };
        let is_head =
            matches!(ask.kind, OriginRequestKind::Unchanged) && self.request.method == Method::Head;
        let body = if is_head { Rc::default() } else { reply.body.into_bytes().into() };
        let mut bodies = self.bodies.borrow_mut();
        bodies.push(body);
        let handle = bodies.len() as u32 - 1;
        Ok(OriginResponse { handle, status, headers: reply.headers, asked_at, at: platform.now() })
    }

    async fn ask_untouched(
        &self,
        _url: &str,
        _headers: &Headers,
    ) -> Result<OriginResponse, OriginFailure> {
        panic!("no case changes the protocol")
    }

    async fn response_body(&self, handle: u32, limit: usize) -> BodyRead {
        let body = self.bodies.borrow()[handle as usize].clone();
        if body.len() > limit { BodyRead::TooLarge } else { BodyRead::Whole(body) }
    }

    async fn short_body(&self, handle: u32, limit: usize, _millis: u64) -> Option<BodyRead> {
        Some(self.response_body(handle, limit).await)
    }

    fn copied_body(&self, handle: u32, limit: usize) -> impl Future<Output = BodyRead> + 'static {
        let runtime = self.clone();
        async move { runtime.response_body(handle, limit).await }
    }
}

impl BodyPassThrough for RequestRuntime {
    fn body_end(&self, _handle: u32) -> impl Future<Output = BodyEnd> + 'static {
        std::future::ready(BodyEnd::Whole)
    }

    fn release_end(&self, _handle: u32) {}
}

impl EdgeCache for RequestRuntime {
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault> {
        let entries = self.platform.edge_cache.borrow();
        let entry = entries.get(key).filter(|entry| self.platform.now() < entry.until);
        Ok(entry
            .map(|entry| EdgeValue { bytes: entry.bytes.clone(), fields: entry.fields.clone() }))
    }

    async fn edge_put(
        &self,
        key: &str,
        value: EdgeBytes<'_>,
        fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault> {
        let until = Timestamp::from_millis(self.platform.executor.now() + seconds * 1_000);
        let entry = EdgeCacheEntry { bytes: value.to_vec(), fields: fields.cloned(), until };
        self.platform.edge_cache.borrow_mut().insert(key.to_owned(), entry);
        Ok(())
    }
}

impl KvStore for RequestRuntime {
    fn kv_bound(&self) -> bool {
        false
    }

    async fn kv_get(&self, _key: &str) -> Result<Option<Vec<u8>>, Fault> {
        no_kv()
    }

    async fn kv_put(&self, _key: &str, _value: &[u8], _seconds: u64) -> Result<(), Fault> {
        no_kv()
    }

    async fn kv_put_without_expiry(&self, _key: &str, _value: &[u8]) -> Result<(), Fault> {
        no_kv()
    }

    async fn kv_list(&self, _prefix: &str, _limit: usize) -> Result<Vec<String>, Fault> {
        no_kv()
    }

    async fn kv_delete(&self, _key: &str) -> Result<(), Fault> {
        no_kv()
    }
}

fn no_kv<T>() -> Result<T, Fault> {
    Err("there is no KV".to_owned())
}

impl PurgeLog for RequestRuntime {
    fn log_id(&self) -> String {
        "the-log".to_owned()
    }

    async fn log_since(&self, mark: Option<Mark>) -> Result<ReadReply, Fault> {
        self.platform.repeat_due();
        let time = LogTime { clock: 1, at: self.platform.now() };
        Ok(ReadReply {
            time,
            version: Version::CURRENT,
            delta: self.platform.log.borrow_mut().since_encoded(mark, Version::CURRENT),
        })
    }

    async fn log_since_neighbors(&self, mark: Mark) -> Result<ReadReply, Fault> {
        self.log_since(Some(mark)).await
    }

    async fn log_append(&self, mark: Option<Mark>, new: &NewRecord) -> Result<AppendReply, Fault> {
        self.platform.repeat_due();
        let now = self.platform.now();
        self.platform.repeats.borrow_mut().extend(new.repeats(0, now));
        let mut log = self.platform.log.borrow_mut();
        let seq = if new.is_empty() { log.head() } else { log.append(&new.record, now).unwrap() };
        let version = Version::CURRENT;
        Ok(AppendReply { seq, version, delta: log.since_encoded(mark, version) })
    }

    async fn log_intend(&self, _intent: &NewRecord) -> Result<IntentId, Fault> {
        self.platform.intents.set(self.platform.intents.get() + 1);
        Ok(IntentId::of(self.platform.intents.get()))
    }

    async fn log_claim_kv_writes(&self, _claim: &KvClaim) -> Result<KvGrant, Fault> {
        no_kv()
    }
}

impl MemoryBudget for RequestRuntime {
    fn reserve_memory(&self, _bytes: usize) -> bool {
        true
    }
}

impl ExternalFetch for RequestRuntime {
    async fn fetch_text(&self, _: &str, _: usize, _: u64) -> Result<FetchedText, Fault> {
        Err("there is no other server".to_owned())
    }
}

impl SignatureVerifier for RequestRuntime {
    async fn verify(&self, _: Algorithm, _: &str, _: &str, _: &[u8]) -> Result<bool, Fault> {
        Ok(false)
    }
}

impl Clock for RequestRuntime {
    fn now(&self) -> Timestamp {
        self.platform.now()
    }

    async fn sleep(&self, millis: u64) {
        self.platform.executor.sleep(millis).await;
    }
}

impl BackgroundWork for RequestRuntime {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.platform.executor.spawn(work);
    }
}

impl service::Signals for RequestRuntime {
    fn create_signal(&self) -> u32 {
        self.platform.signals.open()
    }

    fn resolve_signal(&self, signal: u32) {
        self.platform.signals.give(signal);
    }

    async fn wait_for_signal(&self, signal: u32) {
        self.platform.signals.wait(signal).await;
    }
}

impl LogSink for RequestRuntime {
    fn line(&self, line: &str) {
        self.platform.log_lines.borrow_mut().push(line.to_owned());
    }
}

impl AnswerTable for RequestRuntime {}

impl Secrets for RequestRuntime {
    fn admin_tokens(&self) -> Option<String> {
        None
    }

    fn jwt_secret(&self) -> Option<String> {
        None
    }
}

impl PageAssets for RequestRuntime {
    fn page_asset(&self, _name: &str) -> Option<String> {
        None
    }
}

impl Deployment for RequestRuntime {
    fn log_bound(&self) -> bool {
        true
    }

    fn version_id(&self) -> Option<VersionId> {
        None
    }

    fn openapi(&self) -> Option<String> {
        None
    }
}
