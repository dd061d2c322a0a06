//! The functions that JavaScript calls: requests, the cron trigger, sockets, and the rescue.

// wasm-bindgen generates unsafe code for exports.
#![allow(unsafe_code)]

use super::answers::respond_and_remember;
use super::exchange::{Exchange, headers_from_text, headers_to_text};
use super::isolate::isolate;
use super::original_headers::RuntimeHeaders;
use super::runtime::{WorkersRuntime, admin_tokens};
use crate::engine::fails_open;
use crate::http::{Headers, Method, Request, ResponseCoding, Url, accepts_coding, fields};
use crate::purge::IntentId;
use crate::service::{Isolate, Reply, Service, SocketWrite, is_repeatable};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use worker::Env;
use worker::worker_sys::Context as JsContext;

thread_local! {
    /// Whether JavaScript knows the memory budget.
    static BUDGET_SET: Cell<bool> = const { Cell::new(false) };
}

/// Handles one request. `repeated`: how often JavaScript has given the answer to it again.
#[wasm_bindgen]
pub async fn handle(
    method: String,
    url: String,
    headers: String,
    env: Env,
    context: JsContext,
    exchange: Exchange,
    repeated: u32,
) -> Result<JsValue, JsValue> {
    let request = request_of(&method, &url, &headers)?;
    let client = request.headers.iter().filter(|(name, _)| *name == "accept-encoding").collect();
    let (js_env, js_context) = (JsValue::clone(env.as_ref()), JsValue::clone(context.as_ref()));
    if fails_open(&request) {
        exchange.fail_open(&js_context);
    }
    let isolate = isolate_of(&env, &exchange);
    let runtime = WorkersRuntime::new(env, context, exchange.clone(), isolate.log_name().clone());
    let runtime = runtime.repeated_so_often(repeated);
    let service = Service::new(runtime.clone(), isolate);
    let reply = service.handle(request).await;
    if let Reply::Whole(response) = &reply
        && let Some(memo) = runtime.take_told().filter(|_| is_repeatable(response))
    {
        return Ok(respond_and_remember(&exchange, response, &memo));
    }
    Ok(match reply {
        Reply::Whole(response) => exchange.respond_with_bytes(
            response.status,
            &headers_to_text(&response.headers),
            RuntimeHeaders::of(response.headers.original()),
            &response.body,
        ),
        Reply::Origin { handle, status, headers } => {
            let headers = headers_to_text(&with_sendable_coding(&client, headers));
            exchange.respond_with_origin_body(handle, status, &headers)
        }
        Reply::Untouched { handle } => exchange.respond_unchanged(handle),
        Reply::Socket { handle } => exchange.respond_with_socket(
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

/// The headers of the origin's response for a client. Without a `Content-Encoding` that the client does
/// not accept: the runtime has decoded the body, and would encode it again.
fn with_sendable_coding(client: &Headers, mut headers: Headers) -> Headers {
    if let ResponseCoding::DecodedByRuntime(coding) = ResponseCoding::of(&headers)
        && !accepts_coding(client, coding)
    {
        headers.remove("content-encoding");
    }
    headers
}

/// How to send a request to the origin that Wasm failed at: a line with `read` or `write`, a line with
/// the URL, and lines with the headers. `None` if it must not be sent.
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

/// The headers that the client gets with the origin's response to a request that Wasm failed at.
#[wasm_bindgen(js_name = rescuedResponse)]
pub fn rescued_response(
    method: &str,
    url: &str,
    headers: &str,
    status: u16,
    response_headers: &str,
    env: Env,
) -> Result<String, JsValue> {
    let request = request_of(method, url, headers)?;
    let response_headers = headers_from_text(response_headers.lines());
    let rescued = isolate(&env).rescued_answer(&request, status, &response_headers);
    Ok(headers_to_text(&with_sendable_coding(&request.headers, rescued)))
}

/// What a client's message on a socket runs, as the word of a `SocketMessage`. URL and headers are
/// those of the request that opened the socket.
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

/// Announces a slow write on a socket to the log. Returns the intent's id. `None` if there is no intent
/// to close.
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

/// Purges what a write on a socket has changed. `refused` is the HTTP status that corresponds to a
/// refusal, or 0; `intent` is the id of the write's intent, or 0.
#[wasm_bindgen(js_name = socketPurge)]
#[allow(clippy::too_many_arguments, reason = "one call across the Wasm boundary")]
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

/// Purges everything, for a write whose handling failed after it was sent to the origin, so that it is
/// unknown what it changed. `is_over`: the origin has responded.
#[wasm_bindgen(js_name = purgeEverything)]
pub async fn purge_everything(env: Env, context: JsContext, exchange: Exchange, is_over: bool) {
    service(env, context, exchange).purge_after_failure(is_over).await;
}

/// Records the purges that other isolates left in the outbox, and those that wait in this one.
#[wasm_bindgen(js_name = recordOutbox)]
pub async fn record_outbox(env: Env, context: JsContext, exchange: Exchange) {
    service(env, context, exchange).tend().await;
}

fn service(env: Env, context: JsContext, exchange: Exchange) -> Service<WorkersRuntime> {
    let isolate = isolate_of(&env, &exchange);
    let runtime = WorkersRuntime::new(env, context, exchange, isolate.log_name().clone());
    Service::new(runtime, isolate)
}

/// The isolate's state. The first call also sets the memory budget.
fn isolate_of(env: &Env, exchange: &Exchange) -> Rc<Isolate> {
    let isolate = isolate(env);
    if !BUDGET_SET.replace(true) {
        exchange.set_memory_budget(u32::try_from(isolate.memory_in_flight()).unwrap_or(u32::MAX));
    }
    isolate
}
