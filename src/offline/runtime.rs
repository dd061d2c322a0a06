//! The service's traits for one recorded request.

use super::platform::Platform;
use super::recorded::{Answer, Recorded};
use crate::config::Algorithm;
use crate::http::{Headers, OriginalFields};
use crate::purge::{IntentId, KvClaim, KvGrant, Mark, NewRecord, ReadReply, VersionId};
use crate::service::{
    AnswerTable, AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock,
    Deployment, EdgeBytes, EdgeCache, EdgeValue, ExternalFetch, Fault, FetchedText, KvStore,
    LogSink, MemoryBudget, Origin, OriginFailure, OriginRequest, OriginRequestKind, OriginResponse,
    PageAssets, PurgeLog, Reply, Runtime, Secrets, Signals, SignatureVerifier, StatisticsSink,
};
use crate::time::Timestamp;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::future::{Future, ready};
use std::rc::Rc;

/// The token of the world's only administrator.
pub(super) const ADMIN_TOKEN: &str = "offline";

/// One request while it is handled, and the origin's responses to it.
pub(super) struct Exchange {
    recorded: Rc<Recorded>,
    bodies: RefCell<Vec<Rc<[u8]>>>,
    origin_requests: Cell<u64>,
    lines: RefCell<Vec<Value>>,
}

impl Exchange {
    pub fn new(recorded: Rc<Recorded>) -> Self {
        Self {
            recorded,
            bodies: RefCell::default(),
            origin_requests: Cell::new(0),
            lines: RefCell::default(),
        }
    }

    /// The client's answer.
    pub fn answer(&self, reply: Reply, millis: u64) -> Answer {
        let (status, headers, body) = match reply {
            Reply::Whole(response) => (response.status, response.headers, response.body),
            Reply::Origin { handle, status, headers } => (status, headers, self.body(handle)),
            Reply::Untouched { handle } | Reply::Socket { handle } => {
                let response = &self.recorded.response;
                (response.status, response.headers.clone(), self.body(handle))
            }
        };
        let (origin_requests, lines) = (self.origin_requests.get(), self.lines.borrow().clone());
        Answer { status, headers, body, millis, origin_requests, lines }
    }

    fn body(&self, handle: u32) -> Rc<[u8]> {
        let found = self.bodies.borrow().get(handle as usize).cloned();
        found.unwrap_or_else(|| Rc::from([]))
    }
}

/// The runtime of one request.
#[derive(Clone)]
pub(super) struct OfflineRuntime {
    pub platform: Rc<Platform>,
    pub exchange: Rc<Exchange>,
}

impl Runtime for OfflineRuntime {}

impl OfflineRuntime {
    fn until(&self, seconds: u64) -> Option<Timestamp> {
        let millis = seconds.saturating_mul(1_000);
        Some(Timestamp::from_millis(self.now().as_millis().saturating_add(millis)))
    }

    fn read(&self, handle: u32, limit: usize) -> BodyRead {
        whole(self.exchange.body(handle), limit)
    }
}

fn whole(body: Rc<[u8]>, limit: usize) -> BodyRead {
    if body.len() > limit { BodyRead::TooLarge } else { BodyRead::Whole(body) }
}

impl PageAssets for OfflineRuntime {
    fn page_asset(&self, _name: &str) -> Option<String> {
        None
    }
}

/// Nothing collects the numbers of a recording.
impl StatisticsSink for OfflineRuntime {}

impl EdgeCache for OfflineRuntime {
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault> {
        Ok(self.platform.edge.get(key, self.now()))
    }

    async fn edge_put(
        &self,
        key: &str,
        value: EdgeBytes<'_>,
        fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault> {
        let value = EdgeValue { bytes: value.to_vec(), fields: fields.cloned() };
        self.platform.edge.put(key, value, self.until(seconds));
        Ok(())
    }
}

impl KvStore for OfflineRuntime {
    fn kv_bound(&self) -> bool {
        true
    }

    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.platform.kv.get(key, self.now()).map(|value| value.bytes))
    }

    async fn kv_put(&self, key: &str, value: &[u8], seconds: u64) -> Result<(), Fault> {
        let value = EdgeValue { bytes: value.to_vec(), fields: None };
        self.platform.kv.put(key, value, self.until(seconds));
        Ok(())
    }

    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        self.platform.kv.put(key, EdgeValue { bytes: value.to_vec(), fields: None }, None);
        Ok(())
    }

    async fn kv_list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, Fault> {
        Ok(self.platform.kv.keys(prefix, limit))
    }

    async fn kv_delete(&self, key: &str) -> Result<(), Fault> {
        self.platform.kv.remove(key);
        Ok(())
    }
}

impl PurgeLog for OfflineRuntime {
    fn log_id(&self) -> String {
        "offline".to_owned()
    }

    async fn log_since(&self, mark: Option<Mark>) -> Result<ReadReply, Fault> {
        self.platform.log.since(mark, self.now())
    }

    async fn log_since_neighbors(&self, mark: Mark) -> Result<ReadReply, Fault> {
        self.platform.log.since(Some(mark), self.now())
    }

    async fn log_append(&self, mark: Option<Mark>, new: &NewRecord) -> Result<AppendReply, Fault> {
        self.platform.log.append(mark, new, self.now())
    }

    async fn log_intend(&self, intent: &NewRecord) -> Result<IntentId, Fault> {
        self.platform.log.intend(intent, self.now())
    }

    async fn log_claim_kv_writes(&self, claim: &KvClaim) -> Result<KvGrant, Fault> {
        self.platform.log.claim(claim, self.now())
    }
}

impl Origin for OfflineRuntime {
    async fn request_body(&self, limit: usize, _copies: usize) -> BodyRead {
        whole(self.exchange.recorded.body.clone(), limit)
    }

    /// Whatever is asked, the response is the recorded one, or a 304 if the recorded one matches the
    /// request's `If-None-Match`.
    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure> {
        let asked_at = self.now();
        let Recorded { millis, response, .. } = &*self.exchange.recorded;
        add(&self.platform.origin_requests, 1);
        add(&self.exchange.origin_requests, 1);
        add(&self.platform.origin_millis, *millis);
        self.platform.executor.sleep(*millis).await;
        let is_known = !matches!(ask.kind, OriginRequestKind::Post(_))
            && response.status == 200
            && names_etag(ask.headers, &response.headers);
        let status = if is_known { 304 } else { response.status };
        let body = response.body.clone().filter(|_| !is_known).unwrap_or_else(|| Rc::from([]));
        add(&self.platform.origin_bytes, body.len() as u64);
        let mut bodies = self.exchange.bodies.borrow_mut();
        bodies.push(body);
        let handle = u32::try_from(bodies.len() - 1).unwrap_or(u32::MAX);
        let headers = response.headers.clone();
        Ok(OriginResponse { handle, status, headers, asked_at, at: self.now() })
    }

    async fn ask_untouched(&self, _: &str, _: &Headers) -> Result<OriginResponse, OriginFailure> {
        let fault = "a recording has no response that changes the protocol".to_owned();
        Err(OriginFailure { timed_out: false, fault })
    }

    async fn response_body(&self, handle: u32, limit: usize) -> BodyRead {
        self.read(handle, limit)
    }

    async fn short_body(&self, handle: u32, limit: usize, _millis: u64) -> Option<BodyRead> {
        Some(self.read(handle, limit))
    }

    fn copied_body(&self, handle: u32, limit: usize) -> impl Future<Output = BodyRead> + 'static {
        ready(self.read(handle, limit))
    }
}

/// Whether the request's `If-None-Match` names the response's `ETag` (RFC 9110 §13.1.2).
fn names_etag(request: &Headers, response: &Headers) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let Some(etag) = response.get("etag").map(opaque) else { return false };
    request.members("if-none-match").any(|tag| opaque(tag) == etag)
}

fn add(counter: &Cell<u64>, more: u64) {
    counter.set(counter.get().saturating_add(more));
}

impl BodyPassThrough for OfflineRuntime {
    fn body_end(&self, _handle: u32) -> impl Future<Output = BodyEnd> + 'static {
        ready(BodyEnd::Whole)
    }

    fn release_end(&self, _handle: u32) {}
}

impl MemoryBudget for OfflineRuntime {
    fn reserve_memory(&self, _bytes: usize) -> bool {
        true
    }
}

impl ExternalFetch for OfflineRuntime {
    async fn fetch_text(&self, url: &str, _: usize, _: u64) -> Result<FetchedText, Fault> {
        Err(format!("{url} is not part of the recording"))
    }
}

impl SignatureVerifier for OfflineRuntime {
    /// The recording's own service has accepted the token.
    async fn verify(&self, _: Algorithm, _: &str, _: &str, _: &[u8]) -> Result<bool, Fault> {
        Ok(true)
    }
}

impl Clock for OfflineRuntime {
    fn now(&self) -> Timestamp {
        self.platform.executor.now()
    }

    async fn sleep(&self, millis: u64) {
        self.platform.executor.sleep(millis).await;
    }
}

impl BackgroundWork for OfflineRuntime {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.platform.executor.spawn(work);
    }
}

impl Signals for OfflineRuntime {
    fn create_signal(&self) -> u32 {
        self.platform.signals.create()
    }

    fn resolve_signal(&self, signal: u32) {
        self.platform.signals.resolve(signal);
    }

    async fn wait_for_signal(&self, signal: u32) {
        self.platform.signals.wait(signal).await;
    }
}

impl LogSink for OfflineRuntime {
    fn line(&self, line: &str) {
        self.exchange.lines.borrow_mut().extend(serde_json::from_str(line).ok());
    }
}

impl AnswerTable for OfflineRuntime {}

impl Secrets for OfflineRuntime {
    fn admin_tokens(&self) -> Option<String> {
        Some(ADMIN_TOKEN.to_owned())
    }

    /// Any secret that is long enough: signatures are not checked.
    fn jwt_secret(&self) -> Option<String> {
        Some("a secret with which nothing is ever signed".to_owned())
    }
}

impl Deployment for OfflineRuntime {
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
