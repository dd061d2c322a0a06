//! The runtime of one request: what the service needs besides the stores, the log and the origin.

use crate::config::Algorithm;
use crate::service::{
    AnswerTable, BackgroundWork, Clock, ExternalFetch, Fault, FetchedText, LogSink, Memo,
    MemoryBudget, Runtime, Secrets, Signals, SignatureVerifier,
};
use crate::time::Timestamp;
use crate::worker::exchange::Exchange;
use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::Context as JsContext;
use worker::{Context, Delay, Env};

thread_local! {
    /// The bindings that were asked for, and whether the deployment has them.
    static BINDINGS: RefCell<Vec<(&'static str, bool)>> = const { RefCell::new(Vec::new()) };
}

/// The runtime of one request. A clone shares everything with the original.
#[derive(Clone)]
pub struct WorkersRuntime(pub(super) Rc<RequestRuntime>);

/// What the clones of a request's runtime share. The last of them is dropped when all work for the
/// request is done.
pub(super) struct RequestRuntime {
    pub env: Env,
    context: Context,
    pub exchange: Exchange,
    /// The name of the purge log.
    pub log_name: Rc<str>,
    /// Whether the request has taken memory from the budget.
    uses_memory: Cell<bool>,
    /// How often JavaScript has given the answer to this request again.
    repeated: Cell<u32>,
    /// What JavaScript is told of the answer.
    told: RefCell<Option<Memo>>,
}

impl Drop for RequestRuntime {
    fn drop(&mut self) {
        // A hit from memory takes none, and is spared the call to JavaScript.
        if self.uses_memory.get() {
            self.exchange.release_memory();
        }
    }
}

impl WorkersRuntime {
    /// The runtime of a request, with the name of the purge log.
    pub fn new(env: Env, context: JsContext, exchange: Exchange, log_name: Rc<str>) -> Self {
        Self(Rc::new(RequestRuntime {
            env,
            context: Context::new(context),
            exchange,
            log_name,
            uses_memory: Cell::new(false),
            repeated: Cell::default(),
            told: RefCell::default(),
        }))
    }

    /// The same, of a request whose answer JavaScript has given again so often.
    pub fn repeated_so_often(self, times: u32) -> Self {
        self.0.repeated.set(times);
        self
    }

    /// What JavaScript is told of the answer.
    pub fn take_told(&self) -> Option<Memo> {
        self.0.told.take()
    }

    /// The bindings.
    pub(in crate::worker) fn env(&self) -> &Env {
        &self.0.env
    }

    /// Whether the deployment has a binding. All requests of an isolate have the same.
    pub(in crate::worker) fn is_bound(&self, binding: &'static str) -> bool {
        BINDINGS.with_borrow_mut(|known| {
            if let Some((_, is_bound)) = known.iter().find(|(name, _)| *name == binding) {
                return *is_bound;
            }
            let found = js_sys::Reflect::has(&self.0.env, &JsValue::from_str(binding));
            let is_bound = found.unwrap_or(false);
            known.push((binding, is_bound));
            is_bound
        })
    }

    /// The exchange, for a call that takes memory from the budget.
    pub(super) fn exchange_using_memory(&self) -> &Exchange {
        self.0.uses_memory.set(true);
        &self.0.exchange
    }
}

impl Runtime for WorkersRuntime {}

impl MemoryBudget for WorkersRuntime {
    fn reserve_memory(&self, bytes: usize) -> bool {
        self.exchange_using_memory().reserve_memory(bytes.min(u32::MAX as usize) as u32)
    }
}

impl ExternalFetch for WorkersRuntime {
    async fn fetch_text(&self, url: &str, limit: usize, millis: u64) -> Result<FetchedText, Fault> {
        let fetched = self.0.exchange.fetch_text(url, limit as u32, millis as u32).await;
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
            self.0.exchange.verify_signature(algorithm.as_str(), key, signed, signature).await;
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
        // As one type, or each kind of work would have its own copy of the code that makes it a promise.
        let work: LocalBoxFuture<'static, ()> = Box::pin(work);
        self.0.context.wait_until(work);
    }
}

impl Signals for WorkersRuntime {
    fn create_signal(&self) -> u32 {
        self.0.exchange.create_signal()
    }

    fn resolve_signal(&self, signal: u32) {
        self.0.exchange.resolve_signal(signal);
    }

    async fn wait_for_signal(&self, signal: u32) {
        self.0.exchange.wait_for_signal(signal).await;
    }
}

impl LogSink for WorkersRuntime {
    fn line(&self, line: &str) {
        worker::console_log!("{line}");
    }
}

impl AnswerTable for WorkersRuntime {
    fn repeated(&self) -> u64 {
        self.0.repeated.get().into()
    }

    fn tell(&self, memo: Memo) {
        self.0.told.replace(Some(memo));
    }
}

impl Secrets for WorkersRuntime {
    fn admin_tokens(&self) -> Option<String> {
        admin_tokens(&self.0.env)
    }

    fn jwt_secret(&self) -> Option<String> {
        self.0.env.secret("JWT_SECRET").ok().map(|secret| secret.to_string())
    }
}

/// The secret `ADMIN_TOKENS`, unparsed.
pub fn admin_tokens(env: &Env) -> Option<String> {
    env.secret("ADMIN_TOKENS").ok().map(|secret| secret.to_string())
}

/// An error of the runtime, for log lines.
pub(super) fn fault(error: worker::Error) -> Fault {
    error.to_string()
}

/// A JavaScript error, for log lines.
pub(super) fn text_of(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "an unknown error".to_owned())
}
