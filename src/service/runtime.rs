//! What the service needs of the world around it. `worker` has it from the Workers runtime, the
//! simulated world from memory.

#![allow(async_fn_in_trait, reason = "one thread, so no future has to be Send")]

use crate::config::Algorithm;
use crate::http::{Headers, OriginalFields};
use crate::policy::ReceivedHead;
use crate::purge::{IntentId, Mark, NewRecord, ReadReply};
use crate::time::Timestamp;
use std::future::Future;
use std::rc::Rc;

pub use crate::purge::AppendReply;

/// Why a store or the log did not answer, for logs.
pub type Fault = String;

/// A value of the edge cache.
#[derive(Clone)]
pub struct EdgeValue {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The header fields that were stored with them, if there are any.
    pub fields: Option<Rc<dyn OriginalFields>>,
}

/// The edge cache of this data centre.
pub trait EdgeCache {
    /// What is stored under the key.
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault>;
    /// Stores for at most `seconds`, with header fields beside the value.
    async fn edge_put(
        &self,
        key: &str,
        value: &[u8],
        fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault>;
}

/// Workers KV, which all data centres share and see late.
pub trait KvStore {
    /// Whether there is a namespace at all.
    fn kv_bound(&self) -> bool;
    /// What is stored under the key.
    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault>;
    /// Stores for at most `seconds`, which is 60 or more.
    async fn kv_put(&self, key: &str, value: &[u8], seconds: u64) -> Result<(), Fault>;
    /// Stores until something else is stored under the key.
    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault>;
    /// The first `limit` keys with that prefix, in their order.
    async fn kv_list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, Fault>;
    /// Forgets what is stored under the key.
    async fn kv_delete(&self, key: &str) -> Result<(), Fault>;
}

/// The purge log of the service.
pub trait PurgeLog {
    /// Which log it is, known without asking it. No two logs have the same, and a log that loses
    /// its storage keeps it.
    fn log_id(&self) -> String;
    /// What happened since `mark`; everything, where there is none. A future that is dropped gives
    /// the call up, so that the log need not answer it.
    async fn log_since(&self, mark: Option<Mark>) -> Result<ReadReply, Fault>;
    /// The same for the mark of a neighbour's snapshot. The log believes it only if it is its own.
    async fn log_since_neighbors(&self, mark: Mark) -> Result<ReadReply, Fault>;
    /// Adds a record, and says what happened since `mark`, the record included.
    async fn log_append(&self, mark: Option<Mark>, new: &NewRecord) -> Result<AppendReply, Fault>;
    /// Notes an intent, which is recorded unless a record closes it.
    async fn log_intend(&self, intent: &NewRecord) -> Result<IntentId, Fault>;
}

/// A body that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyRead {
    /// All of it.
    Whole(Rc<[u8]>),
    /// It has more bytes than the limit. It can still be streamed on.
    TooLarge,
    /// The bodies in flight leave no room for it. It can still be streamed on.
    NoRoom,
    /// It broke off.
    Broken,
}

/// How a body ended that was passed on to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyEnd {
    /// The origin has sent all of it.
    Whole,
    /// It broke off, or the client left.
    Cut,
}

/// The head of the origin's answer. Its body stays with the world, under the handle.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginResponse {
    /// Names the answer.
    pub handle: u32,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// When the origin was asked.
    pub asked_at: Timestamp,
    /// When it answered.
    pub at: Timestamp,
}

impl OriginResponse {
    /// The head, as the rules for storing see it.
    pub(super) fn received(&self) -> ReceivedHead<'_> {
        let Self { status, headers, asked_at, at, .. } = self;
        ReceivedHead { status: *status, headers, asked_at: *asked_at, at: *at }
    }
}

/// Why the origin did not answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginFailure {
    /// Whether it took too long.
    pub timed_out: bool,
    /// What the runtime said, for logs.
    pub fault: Fault,
}

impl OriginFailure {
    /// The origin took longer than it may.
    pub(super) fn after(millis: u64) -> Self {
        Self { timed_out: true, fault: format!("no answer within {millis} ms") }
    }
}

/// What the origin is asked.
#[derive(Debug, Clone, Copy)]
pub struct OriginRequest<'a> {
    /// Where.
    pub url: &'a str,
    /// The headers.
    pub headers: &'a Headers,
    /// Whether it may be asked once more where the connection breaks.
    pub may_retry: bool,
    /// What is asked.
    pub kind: OriginRequestKind<'a>,
}

/// What the origin is asked, as far as it is not in the URL and the headers.
#[derive(Debug, Clone, Copy)]
pub enum OriginRequestKind<'a> {
    /// The client's request, with its method and body.
    Unchanged,
    /// A GET that asks otherwise than the client did: its answer is not the client's as it is.
    OtherUrl,
    /// A POST with another body: its answer is not the client's as it is.
    Post(&'a [u8]),
    /// The client's request with the document that it names: the answer is the client's as it is.
    /// With a body a POST, else a GET.
    Completed(Option<&'a [u8]>),
}

/// One client's request and the origin's answers to it.
pub trait Origin {
    /// Reads the client's body, if it has at most `limit` bytes, and there is room for so many copies
    /// of it. Without any it does not count.
    async fn request_body(&self, limit: usize, copies: usize) -> BodyRead;
    /// Asks the origin.
    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure>;
    /// Sends a GET on whose answer the client gets as it is, for a change of protocol.
    async fn ask_untouched(
        &self,
        url: &str,
        headers: &Headers,
    ) -> Result<OriginResponse, OriginFailure>;
    /// Reads an answer's body, if it has at most `limit` bytes.
    async fn answer_body(&self, handle: u32, limit: usize) -> BodyRead;
    /// The same; none where the body does not end within `millis`. It can still be streamed on.
    async fn short_body(&self, handle: u32, limit: usize, millis: u64) -> Option<BodyRead>;
    /// The same while the client gets the body too, as it comes. This is called before the client
    /// gets the answer, and waited for beside it.
    fn copied_body(&self, handle: u32, limit: usize) -> impl Future<Output = BodyRead> + 'static;
}

/// The bodies of answers that the client gets as they come.
pub trait BodyPassThrough {
    /// Resolves when an answer's body has ended. This is called before the client gets the answer,
    /// and from then on the body's end does not reach the client before [`BodyPassThrough::release_end`].
    fn passed_body(&self, handle: u32) -> impl Future<Output = BodyEnd> + 'static;
    /// Lets the end of a body reach the client.
    fn release_end(&self, handle: u32);
}

/// The isolate's budget for the memory of bodies in flight.
pub trait MemoryBudget {
    /// Takes memory for what is made of a body, until the request's work is done. False where there is
    /// no room.
    fn reserve(&self, bytes: usize) -> bool;
}

/// A text that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedText {
    /// Its `Cache-Control`; empty where there is none.
    pub cache_control: String,
    /// All of it.
    pub text: String,
}

/// Other servers than the origin.
pub trait ExternalFetch {
    /// The text at `url`, if it comes within `millis`, whole, with status 200 and without a
    /// redirect, and has at most `limit` bytes.
    async fn fetch_text(&self, url: &str, limit: usize, millis: u64) -> Result<FetchedText, Fault>;
}

/// Signatures.
pub trait SignatureVerifier {
    /// Whether the signature over `signed` is one by `key`: a public JWK, or the text of a secret.
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
    /// Now.
    fn now(&self) -> Timestamp;
    /// Waits.
    async fn sleep(&self, millis: u64);
}

/// Work that outlives the answer.
pub trait BackgroundWork {
    /// Runs the future to its end, beside everything else.
    fn spawn(&self, work: impl Future<Output = ()> + 'static);
}

/// Signals between the requests of one isolate. A request may wait for what another one gives, but
/// may not run its work: each has its own connections.
pub trait Signals {
    /// A signal that was not given yet.
    fn signal(&self) -> u32;
    /// Gives a signal: whoever waits for it goes on.
    fn give(&self, signal: u32);
    /// Waits until the signal is given.
    async fn wait(&self, signal: u32);
}

/// Where log lines go.
pub trait LogSink {
    /// One line of JSON.
    fn line(&self, line: &str);
}

/// What must not be in a configuration file.
pub trait Secrets {
    /// `ADMIN_TOKENS`, as it was set.
    fn admin_tokens(&self) -> Option<String>;
    /// `JWT_SECRET`, as it was set.
    fn jwt_secret(&self) -> Option<String>;
}

/// All of it. A clone is the same world.
pub trait Runtime:
    EdgeCache
    + KvStore
    + PurgeLog
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
    + Clone
    + 'static
{
}
