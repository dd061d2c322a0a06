//! The service's runtime on Workers: bindings, the edge cache, the clock, and the exchange with
//! JavaScript.

use super::exchange::{Exchange, headers_from_text, headers_to_text};
use super::original_headers::RuntimeHeaders;
use crate::config::Algorithm;
use crate::http::{Headers, OriginalFields, ResponseCoding};
use crate::limits;
use crate::purge::{
    IntentId, IntentReply, LogRequest, LogVersion, Mark, MessageError, NewRecord, ReadReply,
    Version,
};
use crate::service::{
    AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock, EdgeCache, EdgeValue,
    ExternalFetch, Fault, FetchedText, KvStore, LogSink, MemoryBudget, Origin, OriginFailure,
    OriginRequest, OriginRequestKind, OriginResponse, PurgeLog, Runtime, Secrets, Signals,
    SignatureVerifier,
};
use crate::time::Timestamp;
use js_sys::Uint8Array;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use worker::worker_sys::Context as JsContext;
use worker::{AbortController, Cache, Context, Delay, Env};

/// The binding of the KV namespace.
const KV: &str = "CACHE_KV";
/// The binding of the purge log.
pub(super) const LOG: &str = "PURGE_LOG";
/// The host in the edge cache's URLs. No request is ever sent to it.
const CACHE_HOST: &str = "https://evergraph.internal/";
/// The routes that a log of the previous version has as well.
const PREVIOUS_ROUTES: [&str; 2] = ["since", "append"];

thread_local! {
    /// The version that this isolate's purge log reads.
    static LOG_VERSION: Rc<LogVersion> = Rc::default();
}

/// The runtime of one request.
#[derive(Clone)]
pub struct WorkersRuntime {
    pub(super) env: Env,
    context: Rc<Context>,
    exchange: Exchange,
    log_name: String,
    memory: Rc<MemoryShare>,
}

/// The share of the memory budget that one request takes. It is given back when the last clone of the
/// runtime is dropped, that is, when all work for the request is done.
struct MemoryShare {
    exchange: Exchange,
    is_used: Cell<bool>,
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        // A hit from memory takes none, and is spared the call to JavaScript.
        if self.is_used.get() {
            self.exchange.release_memory();
        }
    }
}

/// Aborts a call when it is dropped, because nobody waits for it any more.
#[derive(Default)]
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).abort();
    }
}

impl WorkersRuntime {
    pub fn new(env: Env, context: JsContext, exchange: Exchange, log_name: String) -> Self {
        let memory = Rc::new(MemoryShare { exchange: exchange.clone(), is_used: Cell::new(false) });
        Self { env, context: Rc::new(Context::new(context)), exchange, log_name, memory }
    }

    async fn read_body(&self, handle: u32, limit: usize, millis: Option<u32>) -> JsValue {
        let copies = limits::RESPONSE_COPIES as u32;
        self.exchange_using_memory().response_body(handle, limit as u32, copies, millis).await
    }

    /// The exchange, for a call that takes memory from the budget.
    fn exchange_using_memory(&self) -> &Exchange {
        self.memory.is_used.set(true);
        &self.exchange
    }

    async fn call_log<T>(
        &self,
        route: &str,
        request: &LogRequest,
        decode: fn(&[u8]) -> Result<T, MessageError>,
    ) -> Result<T, Fault> {
        // There is no fallback for a route that the previous version lacks.
        let falls_back = PREVIOUS_ROUTES.contains(&route);
        let send = async |version| self.send_to_log(route, request, version).await;
        let reply = match falls_back {
            true => LOG_VERSION.with(Rc::clone).ask(|| self.now(), send).await,
            false => send(Version::CURRENT).await,
        };
        let bytes = reply?.to_vec();
        decode(&bytes).map_err(|error| format!("the purge log's reply: {}", error.as_str()))
    }

    async fn send_to_log(
        &self,
        route: &str,
        request: &LogRequest,
        version: Version,
    ) -> Result<Uint8Array, Fault> {
        let namespace = self.env.durable_object(LOG).map_err(fault)?;
        let message = request.encode(version);
        // If nobody waits any more, a read is aborted, but a write continues.
        let abort = request.new.is_none().then(AbortOnDrop::default);
        let signal = abort.as_ref().map(|abort| abort.0.signal());
        let signal = signal.as_deref().map_or(JsValue::UNDEFINED, |signal| signal.into());
        let call =
            self.exchange.call_log(namespace.as_ref(), &self.log_name, route, &message, &signal);
        call.await.map(Uint8Array::from).map_err(|error| text_of(&error))
    }

    /// The origin's response, from its handle, status and headers as lines of text.
    fn response(&self, text: Result<JsValue, JsValue>) -> Result<OriginResponse, OriginFailure> {
        let text =
            text.map_err(|error| OriginFailure { timed_out: false, fault: text_of(&error) })?;
        let text = text.as_string().unwrap_or_default();
        let mut lines = text.lines();
        let mut number = || lines.next().and_then(|line| line.parse::<u32>().ok());
        let (handle, status) = (number().unwrap_or(0), number().unwrap_or(0));
        let status = u16::try_from(status).unwrap_or(0);
        let mut headers = headers_from_text(lines);
        if headers.has_unreadable_bytes() {
            let original = RuntimeHeaders::new(self.exchange.response_headers(handle));
            headers.attach_original(Rc::new(original));
        }
        // A part cannot be decoded by itself, and responses with other statuses are passed on.
        let is_whole = (200..600).contains(&status) && status != 206;
        if is_whole && ResponseCoding::of(&headers) == ResponseCoding::Gzip {
            self.exchange.decode_gzip(handle);
            headers.set("content-encoding", "gzip");
        }
        Ok(OriginResponse { handle, status, headers, asked_at: self.now(), at: self.now() })
    }
}

impl Runtime for WorkersRuntime {}

impl EdgeCache for WorkersRuntime {
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault> {
        let found = Cache::default().get(cache_url(key), false).await.map_err(fault)?;
        match found {
            Some(mut response) => {
                let length = response.headers().get("content-length").ok().flatten();
                let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
                let counts = length > limits::SMALL_STORED_BYTES;
                if counts && !self.reserve(length * limits::STORED_COPIES) {
                    return Ok(None);
                }
                let fields = RuntimeHeaders::new(response.headers().0.clone().into());
                let bytes = response.bytes().await.map_err(fault)?;
                Ok(Some(EdgeValue { bytes, fields: Some(Rc::new(fields)) }))
            }
            None => Ok(None),
        }
    }

    async fn edge_put(
        &self,
        key: &str,
        value: &[u8],
        fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault> {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let fields = RuntimeHeaders::of(fields);
        let put = self.exchange.put_into_edge_cache(&cache_url(key), value, fields, seconds).await;
        put.map(|_| ()).map_err(|error| text_of(&error))
    }
}

impl KvStore for WorkersRuntime {
    fn kv_bound(&self) -> bool {
        js_sys::Reflect::has(&self.env, &JsValue::from_str(KV)).unwrap_or(false)
    }

    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.env.kv(KV).map_err(fault)?.get(key).bytes().await.map_err(|e| e.to_string())
    }

    async fn kv_put(&self, key: &str, value: &[u8], seconds: u64) -> Result<(), Fault> {
        let put = self.env.kv(KV).map_err(fault)?.put_bytes(key, value);
        let put = put.map_err(|error| error.to_string())?;
        put.expiration_ttl(seconds).execute().await.map_err(|error| error.to_string())
    }

    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        let put = self.env.kv(KV).map_err(fault)?.put_bytes(key, value);
        put.map_err(|e| e.to_string())?.execute().await.map_err(|error| error.to_string())
    }

    async fn kv_list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, Fault> {
        let list = self.env.kv(KV).map_err(fault)?.list();
        let list = list.prefix(prefix.to_owned()).limit(limit as u64).execute().await;
        let keys = list.map_err(|error| error.to_string())?.keys;
        Ok(keys.into_iter().map(|key| key.name).collect())
    }

    async fn kv_delete(&self, key: &str) -> Result<(), Fault> {
        self.env.kv(KV).map_err(fault)?.delete(key).await.map_err(|error| error.to_string())
    }
}

impl PurgeLog for WorkersRuntime {
    /// The object's id, which the runtime derives from its name and its namespace.
    fn log_id(&self) -> String {
        let namespace = self.env.durable_object(LOG);
        let id =
            namespace.and_then(|namespace| Ok(namespace.id_from_name(&self.log_name)?.to_string()));
        // Without a log there are no hits, so there is nothing to purge.
        id.unwrap_or_else(|_| "unbound".to_owned())
    }

    async fn log_since(&self, mark: Option<Mark>) -> Result<ReadReply, Fault> {
        let request = LogRequest { mark, ..LogRequest::default() };
        self.call_log("since", &request, ReadReply::decode).await
    }

    async fn log_since_neighbors(&self, mark: Mark) -> Result<ReadReply, Fault> {
        let request =
            LogRequest { mark: Some(mark), is_from_neighbor: true, ..LogRequest::default() };
        self.call_log("since", &request, ReadReply::decode).await
    }

    async fn log_append(&self, mark: Option<Mark>, new: &NewRecord) -> Result<AppendReply, Fault> {
        let request = LogRequest { mark, new: Some(new.clone()), ..LogRequest::default() };
        // The previous version would ignore for which deployment the record is.
        let route = if new.for_version.is_some() { "deploy" } else { "append" };
        self.call_log(route, &request, AppendReply::decode).await
    }

    async fn log_intend(&self, intent: &NewRecord) -> Result<IntentId, Fault> {
        let request =
            LogRequest { new: Some(intent.clone()), is_intent: true, ..LogRequest::default() };
        self.call_log("intend", &request, IntentReply::decode).await.map(|reply| reply.0)
    }
}

impl Origin for WorkersRuntime {
    async fn request_body(&self, limit: usize, copies: usize) -> BodyRead {
        body_read(&self.exchange_using_memory().request_body(limit as u32, copies as u32).await)
    }

    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure> {
        let body = match ask.kind {
            OriginRequestKind::Post(body) => Some(body),
            OriginRequestKind::Completed(body) => body,
            OriginRequestKind::Unchanged | OriginRequestKind::OtherUrl => None,
        };
        let headers = headers_to_text(ask.headers);
        let is_altered =
            matches!(ask.kind, OriginRequestKind::OtherUrl | OriginRequestKind::Post(_));
        let exchange = &self.exchange;
        self.response(
            exchange.fetch_origin(ask.url, &headers, ask.may_retry, is_altered, body).await,
        )
    }

    async fn ask_untouched(
        &self,
        url: &str,
        headers: &Headers,
    ) -> Result<OriginResponse, OriginFailure> {
        self.response(self.exchange.fetch_upgrade(url, &headers_to_text(headers)).await)
    }

    async fn answer_body(&self, handle: u32, limit: usize) -> BodyRead {
        body_read(&self.read_body(handle, limit, None).await)
    }

    async fn short_body(&self, handle: u32, limit: usize, millis: u64) -> Option<BodyRead> {
        let read = self.read_body(handle, limit, Some(millis as u32)).await;
        (read.as_string().as_deref() != Some("late")).then(|| body_read(&read))
    }

    fn copied_body(&self, handle: u32, limit: usize) -> impl Future<Output = BodyRead> + 'static {
        // Copying starts now, not when the future is first polled.
        let copies = limits::RESPONSE_COPIES as u32;
        let copying = self.exchange_using_memory().copy_body(handle, limit as u32, copies);
        async move {
            match JsFuture::from(copying).await {
                Ok(read) => body_read(&read),
                Err(_) => BodyRead::Broken,
            }
        }
    }
}

impl BodyPassThrough for WorkersRuntime {
    fn passed_body(&self, handle: u32) -> impl Future<Output = BodyEnd> + 'static {
        let end = self.exchange.body_end(handle);
        async move {
            match JsFuture::from(end).await {
                Ok(is_whole) if is_whole == JsValue::TRUE => BodyEnd::Whole,
                _ => BodyEnd::Cut,
            }
        }
    }

    fn release_end(&self, handle: u32) {
        self.exchange.release_body_end(handle);
    }
}

impl MemoryBudget for WorkersRuntime {
    fn reserve(&self, bytes: usize) -> bool {
        self.exchange_using_memory().reserve_memory(bytes.min(u32::MAX as usize) as u32)
    }
}

impl ExternalFetch for WorkersRuntime {
    async fn fetch_text(&self, url: &str, limit: usize, millis: u64) -> Result<FetchedText, Fault> {
        let fetched = self.exchange.fetch_text(url, limit as u32, millis as u32).await;
        let text = fetched.map_err(|error| text_of(&error))?.as_string().unwrap_or_default();
        let (cache_control, content) = text.split_once('\n').unwrap_or_default();
        Ok(FetchedText { cache_control: cache_control.to_owned(), text: content.to_owned() })
    }
}

impl SignatureVerifier for WorkersRuntime {
    async fn verify(
        &self,
        algorithm: Algorithm,
        key: &str,
        signed: &str,
        signature: &[u8],
    ) -> Result<bool, Fault> {
        let verified =
            self.exchange.verify_signature(algorithm.as_str(), key, signed, signature).await;
        verified.map(|is_valid| is_valid == JsValue::TRUE).map_err(|error| text_of(&error))
    }
}

impl Clock for WorkersRuntime {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(js_sys::Date::now() as u64)
    }

    async fn sleep(&self, millis: u64) {
        Delay::from(Duration::from_millis(millis)).await;
    }
}

impl BackgroundWork for WorkersRuntime {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
    }
}

impl Signals for WorkersRuntime {
    fn signal(&self) -> u32 {
        self.exchange.create_signal()
    }

    fn give(&self, signal: u32) {
        self.exchange.resolve_signal(signal);
    }

    async fn wait(&self, signal: u32) {
        self.exchange.wait_for_signal(signal).await;
    }
}

impl LogSink for WorkersRuntime {
    fn line(&self, line: &str) {
        worker::console_log!("{line}");
    }
}

impl Secrets for WorkersRuntime {
    fn admin_tokens(&self) -> Option<String> {
        admin_tokens(&self.env)
    }

    fn jwt_secret(&self) -> Option<String> {
        self.env.secret("JWT_SECRET").ok().map(|secret| secret.to_string())
    }
}

/// The secret `ADMIN_TOKENS`, unparsed.
pub fn admin_tokens(env: &Env) -> Option<String> {
    env.secret("ADMIN_TOKENS").ok().map(|secret| secret.to_string())
}

fn cache_url(key: &str) -> String {
    format!("{CACHE_HOST}{key}")
}

/// A body from JavaScript: bytes, a list of chunks, or a word for why there are none.
fn body_read(read: &JsValue) -> BodyRead {
    if let Some(bytes) = read.dyn_ref::<Uint8Array>() {
        return BodyRead::Whole(concatenated([bytes.clone()].into_iter()));
    }
    if let Some(chunks) = read.dyn_ref::<js_sys::Array>() {
        return BodyRead::Whole(concatenated(chunks.iter().map(Uint8Array::from)));
    }
    match read.as_string().as_deref() {
        Some("too-large") => BodyRead::TooLarge,
        Some("no-room") => BodyRead::NoRoom,
        _ => BodyRead::Broken,
    }
}

/// The chunks in one piece of memory, each copied once.
fn concatenated(chunks: impl Iterator<Item = Uint8Array> + Clone) -> Rc<[u8]> {
    let length = chunks.clone().map(|chunk| chunk.length() as usize).sum();
    let mut bytes: Rc<[u8]> = std::iter::repeat_n(0, length).collect();
    let mut rest = Rc::get_mut(&mut bytes).unwrap_or_default();
    for chunk in chunks {
        let length = rest.len().min(chunk.length() as usize);
        let (place, after) = rest.split_at_mut(length);
        chunk.copy_to(place);
        rest = after;
    }
    bytes
}

fn fault(error: worker::Error) -> Fault {
    error.to_string()
}

fn text_of(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "an unknown error".to_owned())
}
