//! The traits that a platform implements for the service.
//!
//! `worker` implements them over the Workers runtime, `sim` over a simulated world, and unit tests over
//! memory (`testing`).

#![allow(async_fn_in_trait, reason = "one thread, so no future has to be Send")]

use super::answers::Memo;
use crate::config::Algorithm;
use crate::http::{Headers, OriginalFields};
use crate::policy::ReceivedHead;
use crate::purge::{IntentId, KvClaim, KvGrant, Mark, NewRecord, ReadReply, VersionId};
use crate::time::Timestamp;
use std::future::Future;
use std::rc::Rc;

pub use crate::purge::AppendReply;

/// Why a call to a store or to the log failed, for log lines.
pub type Fault = String;

/// The bytes of a value for the edge cache, in two pieces: a body need not be copied behind its head.
#[derive(Debug, Clone, Copy)]
pub struct EdgeBytes<'a> {
    /// The first bytes.
    pub head: &'a [u8],
    /// The others.
    pub body: &'a [u8],
}

impl EdgeBytes<'_> {
    /// All bytes in one piece.
    pub fn to_vec(self) -> Vec<u8> {
        [self.head, self.body].concat()
    }
}

/// A value of the edge cache.
#[derive(Clone)]
pub struct EdgeValue {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The header fields that were stored with them, if any.
    pub fields: Option<Rc<dyn OriginalFields>>,
}

/// The edge cache of this data center.
pub trait EdgeCache {
    /// Reads the value under a key.
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault>;
    /// Stores a value for at most `seconds`, together with header fields.
    async fn edge_put(
        &self,
        key: &str,
        value: EdgeBytes<'_>,
        fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault>;
}

/// A page of a list of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KvPage {
    /// The keys.
    pub keys: Vec<KvKey>,
    /// Where the next page begins. `None`: there are no more keys.
    pub cursor: Option<String>,
}

/// A key in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvKey {
    /// The key.
    pub name: String,
    /// The metadata that its value was stored with, if that is a text.
    pub metadata: Option<String>,
}

/// Workers KV: all data centers share it, and see changes with a delay.
pub trait KvStore {
    /// `true` if a namespace is bound.
    fn kv_bound(&self) -> bool;
    /// Reads the value under a key.
    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault>;
    /// Stores a value for at most `seconds`, which is 60 or more.
    async fn kv_put(&self, key: &str, value: &[u8], seconds: u64) -> Result<(), Fault>;
    /// Stores a value that does not expire.
    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault>;
    /// Stores a value like [`KvStore::kv_put`], with metadata that lists show: a text of at most 1,024 bytes
    /// as JSON. A platform may have no place for metadata.
    async fn kv_put_described(
        &self,
        key: &str,
        value: &[u8],
        seconds: u64,
        metadata: &str,
    ) -> Result<(), Fault> {
        let _ = metadata;
        self.kv_put(key, value, seconds).await
    }
    /// Lists a page of at most `limit` keys with a prefix, in order, with their metadata. `cursor` is that of
    /// the page before.
    async fn kv_list_page(
        &self,
        prefix: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<KvPage, Fault> {
        let _ = cursor;
        let names = self.kv_list(prefix, limit).await?;
        let keys = names.into_iter().map(|name| KvKey { name, metadata: None }).collect();
        Ok(KvPage { keys, cursor: None })
    }
    /// Lists the first `limit` keys with a prefix, in order.
    async fn kv_list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, Fault>;
    /// Deletes a key.
    async fn kv_delete(&self, key: &str) -> Result<(), Fault>;
}

/// The purge log of the service.
pub trait PurgeLog {
    /// The log's id, known without a call. No two logs have the same one, and a log that loses its
    /// storage keeps it.
    fn log_id(&self) -> String;
    /// Reads what was recorded since `mark`, or everything if it is `None`. Dropping the future cancels
    /// the call, so that the log need not reply.
    async fn log_since(&self, mark: Option<Mark>) -> Result<ReadReply, Fault>;
    /// The same for the mark of a neighbor's snapshot, which the log believes only if it is its own.
    async fn log_since_neighbors(&self, mark: Mark) -> Result<ReadReply, Fault>;
    /// Appends a record, and reads what was recorded since `mark`, including the record.
    async fn log_append(&self, mark: Option<Mark>, new: &NewRecord) -> Result<AppendReply, Fault>;
    /// Announces an intent, which the log records unless a later record closes it.
    async fn log_intend(&self, intent: &NewRecord) -> Result<IntentId, Fault>;
    /// Claims a part of the day's writes to KV, which the log counts for all isolates.
    async fn log_claim_kv_writes(&self, claim: &KvClaim) -> Result<KvGrant, Fault>;
}

/// Where isolates report what they count: the statistics object and Workers Analytics Engine. Both are
/// optional.
pub trait StatisticsSink {
    /// `true` if the statistics object is bound.
    fn statistics_bound(&self) -> bool {
        false
    }
    /// A number that no other isolate has.
    fn isolate_number(&self) -> u64 {
        0
    }
    /// Sends a message to the statistics object, and returns its reply.
    async fn statistics_call(&self, _message: String) -> Result<String, Fault> {
        Err("not bound".to_owned())
    }
    /// `true` if a data set of Workers Analytics Engine is bound.
    fn analytics_bound(&self) -> bool {
        false
    }
    /// Writes a data point.
    fn write_data_point(&self, _index: &str, _doubles: &[f64]) -> Result<(), Fault> {
        Ok(())
    }
}

/// The outcome of reading a body.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyRead {
    /// All of it.
    Whole(Rc<[u8]>),
    /// It has more bytes than the limit. It can still be streamed.
    TooLarge,
    /// The bodies in flight leave no room for it. It can still be streamed.
    NoRoom,
    /// It broke off.
    Broken,
}

/// How a body ended that the client got as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// The origin has sent all of it.
    Whole,
    /// It broke off, or the client left.
    Cut,
}

/// The head of the origin's response. The body stays with the platform, under the handle.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginResponse {
    /// Names the response.
    pub handle: u32,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// When the request was sent.
    pub asked_at: Timestamp,
    /// When the head arrived.
    pub at: Timestamp,
}

impl OriginResponse {
    /// How long the origin says that the body is; 0 if it does not say.
    pub(super) fn announced_bytes(&self) -> usize {
        let length = self.headers.get("content-length");
        length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)
    }

    /// The head, as the storing rules take it.
    pub(super) fn received(&self) -> ReceivedHead<'_> {
        let Self { status, headers, asked_at, at, .. } = self;
        ReceivedHead { status: *status, headers, asked_at: *asked_at, at: *at }
    }
}

/// Why the origin gave no response.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginFailure {
    /// Whether it took too long.
    pub timed_out: bool,
    /// What the runtime said, for logs.
    pub fault: Fault,
}

impl OriginFailure {
    /// The origin took longer than `millis`.
    pub(super) fn after(millis: u64) -> Self {
        Self { timed_out: true, fault: format!("no answer within {millis} ms") }
    }
}

/// A request to the origin.
#[derive(Debug, Clone, Copy)]
pub struct OriginRequest<'a> {
    /// The URL.
    pub url: &'a str,
    /// The headers.
    pub headers: &'a Headers,
    /// Whether it may be sent again if the connection breaks.
    pub may_retry: bool,
    /// Its method and body.
    pub kind: OriginRequestKind<'a>,
}

/// The method and the body of a request to the origin.
#[derive(Debug, Clone, Copy)]
pub enum OriginRequestKind<'a> {
    /// The client's request, with its method and body.
    Unchanged,
    /// The client's request, which is a read, with another URL or other headers: the client does not get
    /// the response unchanged.
    OtherUrl,
    /// A GET without a body, whatever the client's request is: nothing of its response is for the client.
    Get,
    /// A POST with another body: the client does not get the response unchanged.
    Post(&'a [u8]),
    /// The client's request with the document that it names: the client can get the response unchanged.
    /// A POST if there is a body, else a GET.
    Completed(Option<&'a [u8]>),
}

/// One client's request, and the origin's responses to it.
pub trait Origin {
    /// Reads the client's body, if it has at most `limit` bytes and there is room for `copies` copies of
    /// it. With 0 copies it does not count.
    async fn request_body(&self, limit: usize, copies: usize) -> BodyRead;
    /// Sends a request to the origin.
    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure>;
    /// Sends a GET whose response the client gets untouched, for a change of protocol.
    async fn ask_untouched(
        &self,
        url: &str,
        headers: &Headers,
    ) -> Result<OriginResponse, OriginFailure>;
    /// Reads a response's body, if it has at most `limit` bytes.
    async fn response_body(&self, handle: u32, limit: usize) -> BodyRead;
    /// The same; `None` if the body does not end within `millis`. It can still be streamed.
    async fn short_body(&self, handle: u32, limit: usize, millis: u64) -> Option<BodyRead>;
    /// The same while the client gets the body too. This is called before the response is sent, and
    /// awaited in parallel.
    fn copied_body(&self, handle: u32, limit: usize) -> impl Future<Output = BodyRead> + 'static;
}

/// Bodies that the client gets as they arrive.
pub trait BodyPassThrough {
    /// Resolves when a response's body has ended. This is called before the response is sent; from then
    /// on the end of the body does not reach the client before [`BodyPassThrough::release_end`].
    fn body_end(&self, handle: u32) -> impl Future<Output = BodyEnd> + 'static;
    /// Lets the end of a body reach the client.
    fn release_end(&self, handle: u32);
}

/// The isolate's budget for the memory of bodies in flight.
pub trait MemoryBudget {
    /// Reserves memory for what is made of a body, until the request's work is done. `false` if there is
    /// no room.
    fn reserve_memory(&self, bytes: usize) -> bool;
}

/// A text that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedText {
    /// Its `Cache-Control`; empty if there is none.
    pub cache_control: String,
    /// All of it.
    pub text: String,
}

/// Requests to other servers than the origin.
pub trait ExternalFetch {
    /// Fetches the text at `url`, if it arrives whole within `millis`, with status 200, without a
    /// redirect, and with at most `limit` bytes.
    async fn fetch_text(&self, url: &str, limit: usize, millis: u64) -> Result<FetchedText, Fault>;
}

/// Verifies signatures.
pub trait SignatureVerifier {
    /// `true` if `signature` over `signed` is by `key`: a public JWK, or the text of a secret.
    async fn verify(
        &self,
        algorithm: Algorithm,
        key: &str,
        signed: &str,
        signature: &[u8],
    ) -> Result<bool, Fault>;
}

/// Time.
pub trait Clock {
    /// The current time.
    fn now(&self) -> Timestamp;
    /// Waits for `millis`.
    async fn sleep(&self, millis: u64);
}

/// Work that outlives the response.
pub trait BackgroundWork {
    /// Runs a future to its end, in parallel to everything else.
    fn spawn(&self, work: impl Future<Output = ()> + 'static);
}

/// Signals between the requests of one isolate. A request may wait for another one, but may not run
/// its work: each has its own connections.
pub trait Signals {
    /// Creates a signal.
    fn create_signal(&self) -> u32;
    /// Resolves a signal: the requests that wait for it go on.
    fn resolve_signal(&self, signal: u32);
    /// Waits until a signal is resolved.
    async fn wait_for_signal(&self, signal: u32);
}

/// Where log lines go.
pub trait LogSink {
    /// Writes a line of JSON.
    fn line(&self, line: &str);
}

/// Secrets, which must not be in a configuration file.
pub trait Secrets {
    /// `ADMIN_TOKENS`, as it was set.
    fn admin_tokens(&self) -> Option<String>;
    /// `JWT_SECRET`, as it was set.
    fn jwt_secret(&self) -> Option<String>;
}

/// The platform's table of answers, which it may give again by itself. A platform need not have one.
pub trait AnswerTable {
    /// How many times the table has given the answer to this same request since it last reached the service.
    fn repeated(&self) -> u64 {
        0
    }

    /// The answer to this request may be given again.
    fn tell(&self, _memo: Memo) {}
}

/// What is known of the deployed Worker.
pub trait Deployment {
    /// `true` if a purge log is bound.
    fn log_bound(&self) -> bool;
    /// The id of the Worker's version. `None` if `VERSION_METADATA` is not bound.
    fn version_id(&self) -> Option<VersionId>;
    /// The OpenAPI description of the admin routes, if the build put it next to the Worker.
    fn openapi(&self) -> Option<String>;
}

/// The files of the operator's page, which the build writes next to the Worker.
pub trait PageAssets {
    /// The text of `page.html`, `page.js` or `page.css`. `None` if the Worker was built without it.
    fn page_asset(&self, name: &str) -> Option<String>;
}

/// All of these traits. A clone is the same platform.
pub trait Runtime:
    EdgeCache
    + KvStore
    + PurgeLog
    + StatisticsSink
    + Origin
    + BodyPassThrough
    + MemoryBudget
    + ExternalFetch
    + SignatureVerifier
    + Clock
    + BackgroundWork
    + Signals
    + LogSink
    + Secrets
    + AnswerTable
    + Deployment
    + PageAssets
    + Clone
    + 'static
{
}
