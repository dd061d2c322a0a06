//! Calls to the purge log, which is a Durable Object.

use super::request_runtime::{WorkersRuntime, fault, text_of};
use crate::purge::{
    IntentId, IntentReply, KvClaim, KvGrant, LogRequest, LogVersion, Mark, MessageError, NewRecord,
    ReadReply, Version,
};
use crate::service::{AppendReply, Clock as _, Fault, PurgeLog};
use js_sys::Uint8Array;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use worker::AbortController;

/// The binding of the purge log.
pub(in crate::worker) const LOG: &str = "PURGE_LOG";
/// The route of records that a log of the previous version must not take: it would ignore that they
/// pause the cache.
const PAUSE: &str = "pause";

thread_local! {
    /// The version that this isolate's purge log reads.
    static LOG_VERSION: Rc<LogVersion> = Rc::default();
}

impl PurgeLog for WorkersRuntime {
    /// The object's id, which the runtime derives from its name and its namespace.
    fn log_id(&self) -> String {
        let namespace = self.0.env.durable_object(LOG);
        let id = namespace
            .and_then(|namespace| Ok(namespace.id_from_name(&self.0.log_name)?.to_string()));
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
        let route = match (&new.for_version, new.record.pause) {
            (_, Some(_)) => PAUSE,
            (Some(_), None) => "deploy",
            (None, None) => "append",
        };
        self.call_log(route, &request, AppendReply::decode).await
    }

    async fn log_intend(&self, intent: &NewRecord) -> Result<IntentId, Fault> {
        let request =
            LogRequest { new: Some(intent.clone()), is_intent: true, ..LogRequest::default() };
        self.call_log("intend", &request, IntentReply::decode).await.map(|reply| reply.0)
    }

    async fn log_claim_kv_writes(&self, claim: &KvClaim) -> Result<KvGrant, Fault> {
        let reply = self.send_message("claim", &claim.encode(), &JsValue::UNDEFINED).await?;
        KvGrant::decode(&reply.to_vec()).map_err(unreadable_reply)
    }
}

impl WorkersRuntime {
    async fn call_log<T>(
        &self,
        route: &str,
        request: &LogRequest,
        decode: fn(&[u8]) -> Result<T, MessageError>,
    ) -> Result<T, Fault> {
        let send = async |version| self.send_to_log(route, request, version).await;
        let reply = match route {
            PAUSE => send(Version::CURRENT).await,
            _ => LOG_VERSION.with(Rc::clone).ask(|| self.now(), send).await,
        };
        let bytes = reply?.to_vec();
        decode(&bytes).map_err(unreadable_reply)
    }

    async fn send_to_log(
        &self,
        route: &str,
        request: &LogRequest,
        version: Version,
    ) -> Result<Uint8Array, Fault> {
        let message = request.encode(version);
        // If nobody waits any more, a read is aborted, but a write continues.
        let abort = request.new.is_none().then(AbortOnDrop::default);
        let signal = abort.as_ref().map(|abort| abort.0.signal());
        let signal = signal.as_deref().map_or(JsValue::UNDEFINED, |signal| signal.into());
        self.send_message(route, &message, &signal).await
    }

    async fn send_message(
        &self,
        route: &str,
        message: &[u8],
        signal: &JsValue,
    ) -> Result<Uint8Array, Fault> {
        let namespace = self.0.env.durable_object(LOG).map_err(fault)?;
        let call =
            self.0.exchange.call_log(namespace.as_ref(), &self.0.log_name, route, message, signal);
        call.await.map(Uint8Array::from).map_err(|error| text_of(&error))
    }
}

fn unreadable_reply(error: MessageError) -> Fault {
    format!("the purge log's reply: {}", error.as_str())
}

/// Aborts a call when it is dropped, because nobody waits for it any more.
#[derive(Default)]
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        std::mem::take(&mut self.0).abort();
    }
}
