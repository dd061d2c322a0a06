//! What entry.js and rescue.js call.

// wasm-bindgen writes unsafe code for exports.
#![allow(unsafe_code)]

use super::exchange::{Exchange, headers_from_text, headers_to_text};
use super::original_headers::RuntimeHeaders;
use super::runtime::{Platform, admin_tokens};
use crate::engine::fails_open;
use crate::http::{Headers, Method, Request, ResponseCoding, Url, accepts_coding, fields};
use crate::purge::IntentId;
use crate::service::{Isolate, Reply, Service, SocketWrite};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use worker::Env;
use worker::worker_sys::Context as JsContext;

thread_local! {
    /// This isolate, made at its first request.
    static ISOLATE: RefCell<Option<Rc<Isolate>>> = const { RefCell::new(None) };
    /// Whether JavaScript knows the budget for bodies.
    static BUDGET_SET: Cell<bool> = const { Cell::new(false) };
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
    let request = request_of(&method, &url, &headers)?;
    let client = request.headers.iter().filter(|(name, _)| *name == "accept-encoding").collect();
    let (js_env, js_context) = (JsValue::clone(env.as_ref()), JsValue::clone(context.as_ref()));
    if fails_open(&request) {
        exchange.fail_open(&js_context);
    }
    let service = service(env, context, exchange.clone());
    Ok(match service.handle(request).await {
        Reply::Whole(response) => exchange.reply_whole(
            response.status,
            &headers_to_text(&response.headers),
            RuntimeHeaders::of(response.headers.original()),
            &response.body,
        ),
        Reply::Origin { handle, status, headers } => {
            exchange.reply_answer(handle, status, &headers_to_text(&as_sent(&client, headers)))
        }
        Reply::Untouched { handle } => exchange.reply_untouched(handle),
        Reply::Socket { handle } => exchange.reply_socket(
            handle,
            &url,
            &headers,
            &fields::WEBSOCKET_HANDSHAKE.join("\n"),
            &js_env,
            &js_context,
        )?,
    })
}

fn request_of(method: &str, url: &str, headers: &str) -> Result<Request, JsValue> {
    let url = Url::parse(url).ok_or_else(|| JsValue::from_str("the request's URL has no host"))?;
    Ok(Request { method: Method::parse(method), url, headers: headers_from_text(headers.lines()) })
}

/// The headers of the origin's answer as they are sent: without a coding that the runtime would do
/// again for a client that does not take it.
fn as_sent(client: &Headers, mut headers: Headers) -> Headers {
    if let ResponseCoding::DecodedByRuntime(coding) = ResponseCoding::of(&headers)
        && !accepts_coding(client, coding)
    {
        headers.remove("content-encoding");
    }
    headers
}

/// For a request that Wasm failed at: `read` or `write`, in the next line the URL that the origin is
/// asked for, and in the lines after it the headers; nothing where the origin is not to be asked.
#[wasm_bindgen(js_name = rescuedRequest)]
pub fn rescued_request(
    method: &str,
    url: &str,
    headers: &str,
    env: Env,
) -> Result<Option<String>, JsValue> {
    let request = request_of(method, url, headers)?;
    let isolate = isolate(&env);
    let kind = if isolate.may_write(&request) { "write" } else { "read" };
    let rescued = isolate.rescued_request(request, || admin_tokens(&env));
    Ok(rescued.map(|(url, headers)| format!("{kind}\n{url}\n{}", headers_to_text(&headers))))
}

/// For a request that Wasm failed at: the headers of the origin's answer as the client gets them.
#[wasm_bindgen(js_name = rescuedAnswer)]
pub fn rescued_answer(
    method: &str,
    url: &str,
    headers: &str,
    status: u16,
    answer: &str,
    env: Env,
) -> Result<String, JsValue> {
    let request = request_of(method, url, headers)?;
    let answer = headers_from_text(answer.lines());
    let rescued = isolate(&env).rescued_answer(&request, status, &answer);
    Ok(headers_to_text(&as_sent(&request.headers, rescued)))
}

/// What a client's message on a socket runs: a word of `SocketMessage`. URL and headers are those
/// of the request that opened the socket.
#[wasm_bindgen(js_name = socketMessage)]
pub async fn socket_message(
    url: String,
    headers: String,
    text: String,
    env: Env,
    context: JsContext,
    exchange: Exchange,
) -> Result<JsValue, JsValue> {
    let request = request_of("GET", &url, &headers)?;
    let message = service(env, context, exchange).socket_message(request, &text).await;
    Ok(JsValue::from_str(message.as_str()))
}

/// Tells the log of a write on a socket that has no outcome for long. Returns the number of the intent;
/// none where nothing is to be closed.
#[wasm_bindgen(js_name = socketIntent)]
pub async fn socket_intent(
    url: String,
    headers: String,
    message: Option<String>,
    env: Env,
    context: JsContext,
    exchange: Exchange,
) -> Result<Option<f64>, JsValue> {
    let request = request_of("GET", &url, &headers)?;
    let intent = service(env, context, exchange).socket_intent(request, message.as_deref()).await;
    Ok(intent.map(|intent| intent.number() as f64))
}

/// Purges what a write on a socket has changed. `refused` is 0 where the socket was not closed for
/// it, and `intent` where the log was not told of it.
#[wasm_bindgen(js_name = socketPurge)]
#[allow(clippy::too_many_arguments, reason = "one crossing into Wasm")]
pub async fn socket_purge(
    url: String,
    headers: String,
    message: Option<String>,
    answer: Option<String>,
    refused: u16,
    intent: f64,
    env: Env,
    context: JsContext,
    exchange: Exchange,
) -> Result<(), JsValue> {
    let request = request_of("GET", &url, &headers)?;
    let refused = (refused != 0).then_some(refused);
    let intent = (intent > 0.0).then(|| IntentId::of(intent as u64));
    let (message, answer) = (message.as_deref(), answer.as_deref());
    let write = SocketWrite { message, answer, refused, intent };
    service(env, context, exchange).socket_purge(request, write).await;
    Ok(())
}

/// Purges everything: for a write whose handling broke after the origin was asked, so that
/// nobody knows what it changed. It is over where the origin has answered.
#[wasm_bindgen(js_name = purgeEverything)]
pub async fn purge_everything(env: Env, context: JsContext, exchange: Exchange, is_over: bool) {
    service(env, context, exchange).purge_after_failure(is_over).await;
}

/// Records what other isolates left in the outbox, and what waits in this one.
#[wasm_bindgen]
pub async fn tend(env: Env, context: JsContext, exchange: Exchange) {
    service(env, context, exchange).tend().await;
}

fn service(env: Env, context: JsContext, exchange: Exchange) -> Service<Platform> {
    let isolate = isolate_of(&env, &exchange);
    let platform = Platform::new(env, context, exchange, isolate.log_name().to_owned());
    Service::new(platform, isolate)
}

/// The isolate. Its first request that reads bodies sets the budget for them.
fn isolate_of(env: &Env, exchange: &Exchange) -> Rc<Isolate> {
    let isolate = isolate(env);
    if !BUDGET_SET.replace(true) {
        exchange.set_budget(u32::try_from(isolate.memory_in_flight()).unwrap_or(u32::MAX));
    }
    isolate
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
