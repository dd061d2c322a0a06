//! The service's runtime for one request in the simulation.

use super::environment::EPOCH_MILLIS;
use super::executor::{Group, Promise};
use super::lifecycle::Invocation;
use super::origin::ApiResponse;
use super::tokens::{SECRET, verified};
use super::universe::{SlowOrigin, Universe};
use crate::config::Algorithm;
use crate::http::{Headers, OriginalFields, Request, form_pairs};
use crate::purge::{
    self, Delta, IntentId, KvClaim, KvGrant, LogRequest, Mark, NewRecord, Version, VersionId,
};
use crate::service::{
    AnswerTable, AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock,
    Deployment, EdgeBytes, EdgeCache, EdgeValue, ExternalFetch, Fault, FetchedText, KvStore,
    LogSink, Memo, MemoryBudget, Origin, OriginFailure, OriginRequest, OriginRequestKind,
    OriginResponse, PageAssets, PurgeLog, Runtime, Secrets, Signals, SignatureVerifier,
    StatisticsSink,
};
use crate::time::Timestamp;
use futures_util::future::{Either, select};
use serde_json::Value;
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

/// How late an origin commits a write after a gateway has given up, at most.
const LATEST_COMMIT_MILLIS: u64 = 55_000;

/// One client's request in one isolate.
#[derive(Clone)]
pub struct SimulatedRuntime {
    pub universe: Rc<Universe>,
    pub service: usize,
    /// Which purge log it has.
    pub log: usize,
    pub place: usize,
    pub isolate: Group,
    pub request: Rc<Request>,
    pub body: Rc<[u8]>,
    pub answers: Rc<RefCell<Vec<ApiResponse>>>,
    pub invocation: Rc<Invocation>,
    /// What the table of answers was told.
    pub told: Rc<RefCell<Option<Memo>>>,
}

impl Runtime for SimulatedRuntime {}

impl EdgeCache for SimulatedRuntime {
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault> {
        let (universe, place, key) = (self.universe.clone(), self.place, key.to_owned());
        let get = async move { universe.edges[place].get(&universe, &key).await };
        let found = self.invocation.call(get).await??;
        Ok(found.map(|bytes| EdgeValue { bytes, fields: None }))
    }

    async fn edge_put(
        &self,
        key: &str,
        value: EdgeBytes<'_>,
        _fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault> {
        let (universe, place) = (self.universe.clone(), self.place);
        let (key, value) = (key.to_owned(), value.to_vec());
        let put = async move { universe.edges[place].put(&universe, &key, &value, seconds).await };
        self.invocation.call(put).await?
    }
}

impl KvStore for SimulatedRuntime {
    fn kv_bound(&self) -> bool {
        true
    }

    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        let (universe, place, key) = (self.universe.clone(), self.place, key.to_owned());
        let get = async move { universe.kv.get(&universe, place, &key).await };
        self.invocation.call(get).await?
    }

    async fn kv_put(&self, key: &str, value: &[u8], seconds: u64) -> Result<(), Fault> {
        self.universe.logs[self.log].kv_writes.note(key, value);
        let is_purge = key.starts_with("outbox/");
        let new = is_purge.then(|| NewRecord::decode_from_outbox(value).ok()).flatten();
        let kept = new.map(|new| (self.service, self.isolate, new.record));
        if let Some((service, isolate, record)) = &kept {
            self.universe.laws.note_put_started(*service, *isolate, record, self.universe.now());
        }
        let (universe, place) = (self.universe.clone(), self.place);
        let (key, value) = (key.to_owned(), value.to_vec());
        let put = async move {
            let put = universe.kv.put(&universe, place, &key, &value, seconds).await;
            if let (Ok(true), Some((service, isolate, record))) = (&put, &kept) {
                universe.trace(|| format!("isolate{isolate}: {key} is in the outbox"));
                universe.laws.note_put_stored(*service, *isolate, record, universe.now());
            }
            put.map(|_| ())
        };
        self.invocation.call(put).await?
    }

    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        self.kv_put(key, value, 1_000_000_000).await
    }

    async fn kv_list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, Fault> {
        let (universe, place, prefix) = (self.universe.clone(), self.place, prefix.to_owned());
        let list = async move { universe.kv.list(&universe, place, &prefix, limit).await };
        self.invocation.call(list).await?
    }

    async fn kv_delete(&self, key: &str) -> Result<(), Fault> {
        let (universe, place, key) = (self.universe.clone(), self.place, key.to_owned());
        let delete = async move { universe.kv.delete(&universe, place, &key).await };
        self.invocation.call(delete).await?.map(|_| ())
    }
}

impl PurgeLog for SimulatedRuntime {
    fn log_id(&self) -> String {
        self.universe.logs[self.log].id()
    }

    async fn log_since(&self, mark: Option<Mark>) -> Result<purge::ReadReply, Fault> {
        self.ask_log(LogRequest { mark, ..LogRequest::default() }).await
    }

    async fn log_since_neighbors(&self, mark: Mark) -> Result<purge::ReadReply, Fault> {
        let question =
            LogRequest { mark: Some(mark), is_from_neighbor: true, ..LogRequest::default() };
        self.ask_log(question).await
    }

    async fn log_append(&self, mark: Option<Mark>, new: &NewRecord) -> Result<AppendReply, Fault> {
        let (universe, log, isolate) = (self.universe.clone(), self.log, self.isolate);
        let is_for_current = new.record.pause.is_some();
        let question = LogRequest { mark, new: Some(new.clone()), ..LogRequest::default() };
        let append = async move {
            let log = &universe.logs[log];
            let send = async |version| log.append(&universe, &question, version).await;
            match is_for_current {
                true => send(Version::CURRENT).await,
                false => universe.in_spoken_version(isolate, send).await,
            }
        };
        let appended = self.invocation.call(append).await.and_then(|appended| appended);
        if appended.is_err() {
            self.universe.has_read_log(self.isolate, false);
        }
        self.universe.trace(|| match &appended {
            Ok(appended) => format!("isolate{isolate}: purge {} is recorded", appended.seq),
            Err(fault) => format!("isolate{isolate}: a purge is not recorded: {fault}"),
        });
        appended
    }

    async fn log_intend(&self, intent: &NewRecord) -> Result<IntentId, Fault> {
        let (universe, log, intent) = (self.universe.clone(), self.log, intent.clone());
        let isolate = self.isolate;
        let intend = async move {
            let log = &universe.logs[log];
            let send = async |version| log.intend(&universe, &intent, version).await;
            universe.in_spoken_version(isolate, send).await
        };
        let noted = self.invocation.call(intend).await?;
        self.universe.trace(|| match &noted {
            Ok(_) => format!("isolate{isolate}: an intent is noted"),
            Err(fault) => format!("isolate{isolate}: an intent is not noted: {fault}"),
        });
        noted
    }

    async fn log_claim_kv_writes(&self, claim: &KvClaim) -> Result<KvGrant, Fault> {
        let (universe, log, claim) = (self.universe.clone(), self.log, *claim);
        let claiming = async move { universe.logs[log].claim(&universe, &claim).await };
        self.invocation.call(claiming).await?
    }
}

impl SimulatedRuntime {
    async fn ask_log(&self, question: LogRequest) -> Result<purge::ReadReply, Fault> {
        let (universe, log, isolate) = (self.universe.clone(), self.log, self.isolate);
        let since = async move {
            let log = &universe.logs[log];
            let send = async |version| log.since(&universe, &question, version).await;
            universe.in_spoken_version(isolate, send).await
        };
        self.universe.asks_log(self.isolate);
        let said = match self.universe.calls_go_on.get() {
            true => self.invocation.call(since).await,
            false => self.invocation.call_while_awaited(since).await,
        };
        let said = said.and_then(|said| said);
        self.universe.has_read_log(self.isolate, said.is_ok());
        let said = said?;
        match &said.delta {
            Delta::Records { records, .. } if records.is_empty() => {}
            Delta::Records { after, records, floor, .. } => self.universe.trace(|| {
                let last = after + records.len() as u64;
                format!("isolate{isolate}: learns purges {} to {last}, floor {floor}", after + 1)
            }),
            Delta::Snapshot { .. } | Delta::EncodedSnapshot { .. } => {
                self.universe.trace(|| format!("isolate{isolate}: learns a snapshot of the log"));
            }
        }
        Ok(said)
    }
}

impl StatisticsSink for SimulatedRuntime {}

impl Origin for SimulatedRuntime {
    async fn request_body(&self, _limit: usize, _copies: usize) -> BodyRead {
        BodyRead::Whole(self.body.clone())
    }

    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure> {
        let (method, body) = match ask.kind {
            OriginRequestKind::Unchanged => (self.request.method.as_str(), &*self.body),
            OriginRequestKind::OtherUrl
            | OriginRequestKind::Get
            | OriginRequestKind::Completed(None) => ("GET", &[] as &[u8]),
            OriginRequestKind::Post(body) | OriginRequestKind::Completed(Some(body)) => {
                ("POST", body)
            }
        };
        let path = ask.url.splitn(4, '/').nth(3).unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!("/{path}");
        let in_url = (method == "GET" && path == "/graphql").then(|| query_in_url(query));
        let body = in_url.as_deref().unwrap_or(body);
        if method != "GET" && method != "HEAD" && self.universe.fails(|faults| faults.origin_late) {
            return Ok(self.given_up(method, &path, ask.headers, body));
        }
        if let Some(slow) = self.universe.slow.get().filter(|_| !ask.may_retry) {
            return Ok(self.ask_slowly(slow, method, &path, ask.headers, body).await);
        }
        let (universe, service, may_retry) = (self.universe.clone(), self.service, ask.may_retry);
        let (method, headers, body) = (method.to_owned(), ask.headers.clone(), body.to_vec());
        let asking = async move {
            let api = &universe.apis[service];
            let said = api.answer(&universe, &method, &path, &headers, &body).await;
            match said {
                None if may_retry => api.answer(&universe, &method, &path, &headers, &body).await,
                said => said,
            }
        };
        let broke = |fault: Fault| OriginFailure { timed_out: false, fault };
        let said = self.invocation.call(asking).await.map_err(broke)?;
        let said = said.ok_or_else(|| broke("the connection broke".to_owned()))?;
        Ok(self.told(said))
    }

    async fn ask_untouched(
        &self,
        url: &str,
        headers: &Headers,
    ) -> Result<OriginResponse, OriginFailure> {
        self.ask(&OriginRequest {
            url,
            headers,
            may_retry: false,
            kind: OriginRequestKind::Unchanged,
        })
        .await
    }

    fn copied_body(&self, handle: u32, limit: usize) -> impl Future<Output = BodyRead> + 'static {
        let world = self.clone();
        async move { world.response_body(handle, limit).await }
    }

    async fn short_body(&self, handle: u32, limit: usize, _millis: u64) -> Option<BodyRead> {
        Some(self.response_body(handle, limit).await)
    }

    async fn response_body(&self, handle: u32, limit: usize) -> BodyRead {
        let answers = self.answers.borrow();
        let body = &answers[handle as usize].2;
        if body.len() > limit {
            BodyRead::TooLarge
        } else {
            BodyRead::Whole(body.as_slice().into())
        }
    }
}

impl SimulatedRuntime {
    pub fn told(&self, said: ApiResponse) -> OriginResponse {
        let (status, headers) = (said.0, said.1.clone());
        let mut answers = self.answers.borrow_mut();
        answers.push(said);
        let handle = answers.len() as u32 - 1;
        OriginResponse { handle, status, headers, asked_at: self.now(), at: self.now() }
    }

    /// Asks an origin that commits whether or not anybody still waits.
    pub async fn ask_slowly(
        &self,
        slow: SlowOrigin,
        method: &str,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> OriginResponse {
        let (universe, service) = (self.universe.clone(), self.service);
        let (method, path) = (method.to_owned(), path.to_owned());
        let (headers, body) = (headers.clone(), body.to_vec());
        let (promise, keep) = Promise::<ApiResponse>::new();
        self.universe.executor.spawn(0, async move {
            universe.executor.sleep(slow.commits).await;
            let said = universe.apis[service].handle(&universe, &method, &path, &headers, &body);
            universe.trace(|| format!("origin{service}: {method} {path} is done"));
            keep(said);
        });
        let gateway = self.universe.executor.sleep(slow.gives_up);
        self.told(match select(pin!(promise), pin!(gateway)).await {
            Either::Left((said, _)) => said,
            Either::Right(_) => (504, Headers::new(), b"the gateway gives up".to_vec()),
        })
    }

    /// A gateway that gives up, while the origin behind it goes on.
    fn given_up(&self, method: &str, path: &str, headers: &Headers, body: &[u8]) -> OriginResponse {
        let universe = self.universe.clone();
        let (service, method, path) = (self.service, method.to_owned(), path.to_owned());
        let (headers, body) = (headers.clone(), body.to_vec());
        universe.executor.clone().spawn(0, async move {
            universe.takes(0, LATEST_COMMIT_MILLIS).await;
            universe.apis[service].handle(&universe, &method, &path, &headers, &body);
            universe.trace(|| format!("origin{service}: {method} {path} is done, late"));
        });
        self.told((504, Headers::new(), b"the gateway gives up".to_vec()))
    }
}

impl BodyPassThrough for SimulatedRuntime {
    fn body_end(&self, _handle: u32) -> impl Future<Output = BodyEnd> + 'static {
        std::future::ready(BodyEnd::Whole)
    }

    fn release_end(&self, _handle: u32) {}
}

impl MemoryBudget for SimulatedRuntime {
    fn reserve_memory(&self, _bytes: usize) -> bool {
        true
    }
}

impl ExternalFetch for SimulatedRuntime {
    async fn fetch_text(&self, _: &str, _: usize, _: u64) -> Result<FetchedText, Fault> {
        Err("there is nothing else in this world".to_owned())
    }
}

impl SignatureVerifier for SimulatedRuntime {
    async fn verify(
        &self,
        _: Algorithm,
        key: &str,
        signed: &str,
        signature: &[u8],
    ) -> Result<bool, Fault> {
        Ok(verified(key, signed, signature))
    }
}

impl Clock for SimulatedRuntime {
    fn now(&self) -> Timestamp {
        let drift = self.universe.drift(self.place, self.isolate);
        Timestamp::from_millis(EPOCH_MILLIS + self.universe.now() + drift)
    }

    async fn sleep(&self, millis: u64) {
        self.universe.executor.sleep(millis).await;
    }
}

impl BackgroundWork for SimulatedRuntime {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.invocation.spawn(work);
    }
}

impl Signals for SimulatedRuntime {
    fn create_signal(&self) -> u32 {
        self.universe.signals.open()
    }

    fn resolve_signal(&self, signal: u32) {
        self.universe.signals.give(signal);
    }

    async fn wait_for_signal(&self, signal: u32) {
        self.universe.signals.wait(signal).await;
    }
}

impl LogSink for SimulatedRuntime {
    fn line(&self, line: &str) {
        if let Some(line) = readable(line) {
            self.universe.trace(|| format!("isolate{}: {line}", self.isolate));
        }
    }
}

/// A GraphQL request in a URL, as JSON for a body.
fn query_in_url(query: &str) -> Vec<u8> {
    let pairs = form_pairs(query).unwrap_or_default().into_iter();
    let members = pairs.map(|(name, value)| match name.as_str() {
        "query" => (name, Value::String(value)),
        _ => (name, serde_json::from_str(&value).unwrap_or_default()),
    });
    Value::Object(members.collect()).to_string().into_bytes()
}

/// A short form of a log line. `None` if the trace shows it already.
fn readable(line: &str) -> Option<String> {
    let said: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| said[name].as_str().unwrap_or_default();
    match text("event") {
        "bypass" | "purge" => None,
        "failure" => Some(format!("{}: {}", text("part"), text("fault"))),
        event @ ("hit" | "stale" | "miss") => {
            // The digest tells keys apart by its first digits.
            let (name, digest) = text("key").rsplit_once('/').unwrap_or_default();
            let digest: String = digest.chars().take(6).collect();
            let stored = if said["stored"] == false { " and does not store it" } else { "" };
            Some(format!("{event} {name}/{digest}{stored}"))
        }
        _ => Some(line.to_owned()),
    }
}

impl AnswerTable for SimulatedRuntime {
    fn tell(&self, memo: Memo) {
        self.told.replace(Some(memo));
    }
}

impl Secrets for SimulatedRuntime {
    fn admin_tokens(&self) -> Option<String> {
        Some(self.universe.admin_tokens(self.isolate))
    }

    fn jwt_secret(&self) -> Option<String> {
        Some(SECRET.to_owned())
    }
}

impl Deployment for SimulatedRuntime {
    fn log_bound(&self) -> bool {
        true
    }

    fn version_id(&self) -> Option<VersionId> {
        let deployed = self.universe.deployed_version.get();
        deployed.and_then(|number| VersionId::parse(&format!("version-{number}")))
    }

    fn openapi(&self) -> Option<String> {
        None
    }
}

impl PageAssets for SimulatedRuntime {
    fn page_asset(&self, _name: &str) -> Option<String> {
        None
    }
}
