//! The runtime's traits over the state.

use super::runtime::{Call, SentRequest, TestRuntime};
use crate::config::Algorithm;
use crate::http::{Headers, OriginalFields};
use crate::key::sha256_hex;
use crate::purge::{IntentId, KvClaim, KvGrant, LogTime, Mark, NewRecord, ReadReply, VersionId};
use crate::service::answers::Memo;
use crate::service::runtime::{
    AnswerTable, AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock,
    Deployment, EdgeBytes, EdgeCache, EdgeValue, ExternalFetch, Fault, FetchedText, KvKey, KvPage,
    KvStore, LogSink, MemoryBudget, Origin, OriginFailure, OriginRequest, OriginRequestKind,
    OriginResponse, PageAssets, PurgeLog, Runtime, Secrets, Signals, SignatureVerifier,
    StatisticsSink,
};
use crate::time::Timestamp;
use std::future::{Future, poll_fn, ready};
use std::rc::Rc;
use std::task::{Poll, Waker};

impl Runtime for TestRuntime {}

impl EdgeCache for TestRuntime {
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault> {
        self.call(Call::EdgeGet).await?;
        Ok(self.0.edge.borrow().get(key).cloned())
    }

    async fn edge_put(
        &self,
        key: &str,
        value: EdgeBytes<'_>,
        fields: Option<&Rc<dyn OriginalFields>>,
        _seconds: u64,
    ) -> Result<(), Fault> {
        self.call(Call::EdgePut).await?;
        let value = EdgeValue { bytes: value.to_vec(), fields: fields.cloned() };
        self.0.edge.borrow_mut().insert(key.to_owned(), value);
        Ok(())
    }
}

impl KvStore for TestRuntime {
    fn kv_bound(&self) -> bool {
        self.0.has_kv.get()
    }

    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.call(Call::KvGet).await?;
        Ok(self.kv_value(key))
    }

    async fn kv_put(&self, key: &str, value: &[u8], _seconds: u64) -> Result<(), Fault> {
        self.kv_put_without_expiry(key, value).await
    }

    async fn kv_put_described(
        &self,
        key: &str,
        value: &[u8],
        seconds: u64,
        metadata: &str,
    ) -> Result<(), Fault> {
        self.kv_put(key, value, seconds).await?;
        self.0.kv_metadata.borrow_mut().insert(key.to_owned(), metadata.to_owned());
        Ok(())
    }

    async fn kv_list_page(
        &self,
        prefix: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<KvPage, Fault> {
        self.call(Call::KvList).await?;
        if prefix.len() > 512 {
            return Err("KV GET failed: 414 URI Too Long".to_owned());
        }
        if cursor.is_some_and(|cursor| !cursor.starts_with(prefix)) {
            return Err("KV GET failed: 400 Invalid cursor".to_owned());
        }
        let metadata = self.0.kv_metadata.borrow();
        let after = |key: &String| cursor.is_none_or(|cursor| key.as_str() > cursor);
        let mut names =
            self.kv_keys().into_iter().filter(|key| key.starts_with(prefix) && after(key));
        let keys: Vec<KvKey> = names
            .by_ref()
            .take(limit)
            .map(|name| {
                let metadata = metadata.get(&name).cloned();
                KvKey { name, metadata }
            })
            .collect();
        let cursor = names.next().and_then(|_| keys.last().map(|key| key.name.clone()));
        Ok(KvPage { keys, cursor })
    }

    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        self.call(Call::KvPut).await?;
        self.0.kv_metadata.borrow_mut().remove(key);
        self.set_kv(key, value);
        Ok(())
    }

    async fn kv_list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, Fault> {
        self.call(Call::KvList).await?;
        let keys = self.kv_keys().into_iter().filter(|key| key.starts_with(prefix));
        Ok(keys.take(limit).collect())
    }

    async fn kv_delete(&self, key: &str) -> Result<(), Fault> {
        self.call(Call::KvDelete).await?;
        self.0.kv.borrow_mut().remove(key);
        Ok(())
    }
}

impl PurgeLog for TestRuntime {
    fn log_id(&self) -> String {
        "test".to_owned()
    }

    async fn log_since(&self, mark: Option<Mark>) -> Result<ReadReply, Fault> {
        let time = LogTime { clock: 1, at: self.at() };
        self.call(Call::LogSince).await?;
        let version = self.0.log_version.get();
        let reply = ReadReply { time, version, delta: self.0.log.borrow().since(mark) };
        ReadReply::decode(&reply.encode()).map_err(|error| error.as_str().to_owned())
    }

    async fn log_since_neighbors(&self, mark: Mark) -> Result<ReadReply, Fault> {
        self.log_since(Some(mark)).await
    }

    async fn log_append(&self, mark: Option<Mark>, new: &NewRecord) -> Result<AppendReply, Fault> {
        self.call(Call::LogAppend).await?;
        let mut log = self.0.log.borrow_mut();
        let is_known = |id: &VersionId| !self.0.versions.borrow_mut().insert(id.clone());
        let seq = if new.for_version.as_ref().is_some_and(is_known) {
            0
        } else if new.is_empty() {
            log.head()
        } else {
            log.append(&new.record, self.at()).map_err(str::to_owned)?
        };
        let version = self.0.log_version.get();
        let reply = AppendReply { seq, version, delta: log.since(mark) };
        AppendReply::decode(&reply.encode()).map_err(|error| error.as_str().to_owned())
    }

    async fn log_intend(&self, _intent: &NewRecord) -> Result<IntentId, Fault> {
        self.call(Call::LogIntend).await?;
        self.0.intents.set(self.0.intents.get() + 1);
        Ok(IntentId::of(self.0.intents.get()))
    }

    async fn log_claim_kv_writes(&self, claim: &KvClaim) -> Result<KvGrant, Fault> {
        self.call(Call::LogClaim).await?;
        let mut kv_use = self.0.kv_use.get();
        let grant = kv_use.grant(*claim, self.at());
        self.0.kv_use.set(kv_use);
        Ok(grant)
    }
}

impl StatisticsSink for TestRuntime {
    fn statistics_bound(&self) -> bool {
        self.0.statistics.borrow().is_some()
    }

    fn isolate_number(&self) -> u64 {
        self.1
    }

    async fn statistics_call(&self, message: String) -> Result<String, Fault> {
        self.call(Call::Statistics).await?;
        let reply = {
            let mut book = self.0.statistics.borrow_mut();
            let book = book.as_mut().ok_or_else(|| "not bound".to_owned())?;
            book.handle(&message, self.at()).map_err(|fault| format!("{fault:?}"))
        };
        let millis = self.0.statistics_reply_millis.get();
        if millis > 0 {
            self.0.executor.clone().sleep(millis).await;
        }
        reply
    }

    fn analytics_bound(&self) -> bool {
        self.0.has_analytics.get()
    }

    fn write_data_point(&self, index: &str, doubles: &[f64]) -> Result<(), Fault> {
        self.0.data_points.borrow_mut().push((index.to_owned(), doubles.to_vec()));
        Ok(())
    }
}

impl Origin for TestRuntime {
    async fn request_body(&self, limit: usize, _copies: usize) -> BodyRead {
        read(self.0.request_body.borrow().clone(), limit)
    }

    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure> {
        let asked_at = self.at();
        let own = self.0.request_body.borrow().to_vec();
        let (method, body) = match ask.kind {
            OriginRequestKind::Unchanged => (self.0.method.borrow().clone(), own),
            // As in the Worker, a read with another URL has the client's own method and body.
            OriginRequestKind::OtherUrl | OriginRequestKind::Completed(None) => {
                (self.0.method.borrow().clone(), own)
            }
            OriginRequestKind::Get => ("GET".to_owned(), Vec::new()),
            OriginRequestKind::Post(body) | OriginRequestKind::Completed(Some(body)) => {
                ("POST".to_owned(), body.to_vec())
            }
        };
        let (url, headers) = (ask.url.to_owned(), ask.headers.clone());
        let sent = SentRequest { method, url, headers, body, may_retry: ask.may_retry };
        self.0.sent.borrow_mut().push(sent.clone());
        let asked = self.call(Call::Fetch).await;
        asked.map_err(|fault| OriginFailure { timed_out: false, fault })?;
        let (status, headers, body) = self.0.responder.borrow()(&sent);
        let mut bodies = self.0.bodies.borrow_mut();
        bodies.push(body.into());
        let handle = bodies.len() as u32 - 1;
        Ok(OriginResponse { handle, status, headers, asked_at, at: self.at() })
    }

    async fn ask_untouched(
        &self,
        url: &str,
        headers: &Headers,
    ) -> Result<OriginResponse, OriginFailure> {
        let kind = OriginRequestKind::Unchanged;
        self.ask(&OriginRequest { url, headers, may_retry: false, kind }).await
    }

    async fn response_body(&self, handle: u32, limit: usize) -> BodyRead {
        read(self.0.bodies.borrow()[handle as usize].clone(), limit)
    }

    async fn short_body(&self, handle: u32, limit: usize, _millis: u64) -> Option<BodyRead> {
        Some(self.response_body(handle, limit).await)
    }

    fn copied_body(&self, handle: u32, limit: usize) -> impl Future<Output = BodyRead> + 'static {
        ready(read(self.0.bodies.borrow()[handle as usize].clone(), limit))
    }
}

fn read(body: Rc<[u8]>, limit: usize) -> BodyRead {
    if body.len() > limit { BodyRead::TooLarge } else { BodyRead::Whole(body) }
}

impl BodyPassThrough for TestRuntime {
    fn body_end(&self, _handle: u32) -> impl Future<Output = BodyEnd> + 'static {
        ready(BodyEnd::Whole)
    }

    fn release_end(&self, _handle: u32) {}
}

impl MemoryBudget for TestRuntime {
    fn reserve_memory(&self, _bytes: usize) -> bool {
        self.0.has_memory.get()
    }
}

impl ExternalFetch for TestRuntime {
    async fn fetch_text(&self, url: &str, limit: usize, millis: u64) -> Result<FetchedText, Fault> {
        let started = self.at();
        self.call(Call::FetchText).await?;
        if self.at().millis_since(started) > millis {
            return Err(format!("no answer within {millis} ms"));
        }
        let text = self.0.texts.borrow().get(url).cloned();
        text.filter(|found| found.text.len() <= limit).ok_or_else(|| "answered 404".to_owned())
    }
}

impl SignatureVerifier for TestRuntime {
    async fn verify(
        &self,
        algorithm: Algorithm,
        key: &str,
        signed: &str,
        signature: &[u8],
    ) -> Result<bool, Fault> {
        self.call(Call::Verify).await?;
        Ok(signature == signature_by(algorithm, key, signed))
    }
}

/// What counts as the signature by a key, of the length that the algorithm has.
pub fn signature_by(algorithm: Algorithm, key: &str, signed: &str) -> Vec<u8> {
    let digest = sha256_hex(format!("{key} {signed}").as_bytes()).into_bytes();
    match algorithm {
        Algorithm::Hs256 => digest.into_iter().take(32).collect(),
        Algorithm::Rs256 | Algorithm::Es256 => digest,
    }
}

impl Clock for TestRuntime {
    fn now(&self) -> Timestamp {
        self.at()
    }

    async fn sleep(&self, millis: u64) {
        self.0.executor.clone().sleep(millis).await;
    }
}

impl BackgroundWork for TestRuntime {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.0.executor.spawn(work);
    }
}

impl Signals for TestRuntime {
    fn create_signal(&self) -> u32 {
        self.0.next_signal.set(self.0.next_signal.get() + 1);
        self.0.signals.borrow_mut().insert(self.0.next_signal.get(), Vec::new());
        self.0.next_signal.get()
    }

    fn resolve_signal(&self, signal: u32) {
        let waiting = self.0.signals.borrow_mut().remove(&signal);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    async fn wait_for_signal(&self, signal: u32) {
        poll_fn(|context| match self.0.signals.borrow_mut().get_mut(&signal) {
            Some(waiting) => {
                waiting.push(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
    }
}

impl LogSink for TestRuntime {
    fn line(&self, line: &str) {
        self.log_line(line);
    }
}

impl AnswerTable for TestRuntime {
    fn repeated(&self) -> u64 {
        self.0.repeated.get()
    }

    fn tell(&self, memo: Memo) {
        self.0.told.replace(Some(memo));
    }
}

impl Secrets for TestRuntime {
    fn admin_tokens(&self) -> Option<String> {
        self.0.admin_tokens.borrow().clone()
    }

    fn jwt_secret(&self) -> Option<String> {
        self.0.jwt_secret.borrow().clone()
    }
}

impl Deployment for TestRuntime {
    fn log_bound(&self) -> bool {
        true
    }

    fn version_id(&self) -> Option<VersionId> {
        self.0.version_id.borrow().clone()
    }

    fn openapi(&self) -> Option<String> {
        Some(r#"{"openapi":"3.1.0"}"#.to_owned())
    }
}

impl PageAssets for TestRuntime {
    fn page_asset(&self, name: &str) -> Option<String> {
        Some(format!("the text of {name}"))
    }
}
