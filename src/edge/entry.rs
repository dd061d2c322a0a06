//! What entry.js calls.

// wasm-bindgen writes unsafe code for exports.
#![allow(unsafe_code)]

use super::exchange::{Exchange, headers_from_text, headers_to_text};
use super::platform::Platform;
use crate::http::{Method, Request, Url};
use crate::service::{Isolate, Reply, Service};
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use worker::Env;
use worker::worker_sys::Context as JsContext;

thread_local! {
    /// This isolate, made at its first request.
    static ISOLATE: RefCell<Option<Rc<Isolate>>> = const { RefCell::new(None) };
}

/// Answers one request.
#[wasm_bindgen]
pub async fn handle(
    method: String,
    url: String,
    headers: String,
    env: Env,
    context: JsContext,
    exchange: Exchange,
) -> Result<JsValue, JsValue> {
    let url = Url::parse(&url).ok_or_else(|| JsValue::from_str("the request's URL has no host"))?;
    let request = Request {
        method: Method::parse(&method),
        url,
        headers: headers_from_text(headers.lines()),
    };
    let isolate = isolate(&env);
    let platform = Platform::new(env, context, exchange.clone(), isolate.service_name().to_owned());
    Ok(match Service::new(platform, isolate).handle(request).await {
        Reply::Whole(response) => exchange.reply_whole(
            response.status,
            &headers_to_text(&response.headers),
            &response.body,
        ),
        Reply::Answer { handle, status, headers } => {
            exchange.reply_answer(handle, status, &headers_to_text(&headers))
        }
        Reply::Untouched { handle } => exchange.reply_untouched(handle),
    })
}

/// Purges everything: for a write whose handling broke after the origin was asked, so that
/// nobody knows what it changed. It is over where the origin has answered.
#[wasm_bindgen(js_name = purgeEverything)]
pub async fn purge_everything(env: Env, context: JsContext, exchange: Exchange, is_over: bool) {
    let isolate = isolate(&env);
    let platform = Platform::new(env, context, exchange, isolate.service_name().to_owned());
    Service::new(platform, isolate).purge_after_failure(is_over).await;
}

/// Records what other isolates left in the outbox, and what waits in this one.
#[wasm_bindgen]
pub async fn tend(env: Env, context: JsContext, exchange: Exchange) {
    let isolate = isolate(&env);
    let platform = Platform::new(env, context, exchange, isolate.service_name().to_owned());
    Service::new(platform, isolate).tend().await;
}

fn isolate(env: &Env) -> Rc<Isolate> {
    ISOLATE.with(|slot| {
        slot.borrow_mut().get_or_insert_with(|| Isolate::new(&configuration(env))).clone()
    })
}

/// `EVERGRAPH` as JSON: an object where wrangler made it, or a text that holds one.
pub(super) fn configuration(env: &Env) -> Value {
    let value = js_sys::Reflect::get(env, &JsValue::from_str("EVERGRAPH")).unwrap_or_default();
    let text = match value.as_string() {
        Some(text) => Some(text),
        None => js_sys::JSON::stringify(&value).ok().and_then(|text| text.as_string()),
    };
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null)
}
