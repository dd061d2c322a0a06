//! Bindings to the JavaScript side of one request (exchange.js).

// wasm-bindgen generates unsafe code for imports.
#![allow(unsafe_code, missing_docs)]

use crate::http::Headers;
use std::fmt::Write as _;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// One client's request and the origin's responses to it; see exchange.js.
    #[derive(Clone)]
    pub type Exchange;

    /// The request's body, or a word for why there is none, or a promise of either. `copies`: how many there
    /// will be.
    #[wasm_bindgen(method, js_name = requestBody)]
    pub fn request_body(this: &Exchange, limit: u32, copies: u32) -> JsValue;

    /// Lets the runtime send the request to the origin if the Worker fails.
    #[wasm_bindgen(method, js_name = failOpen)]
    pub fn fail_open(this: &Exchange, context: &JsValue);

    /// Sets how much memory the bodies of all requests may take.
    #[wasm_bindgen(method, js_name = setMemoryBudget)]
    pub fn set_memory_budget(this: &Exchange, bytes: u32);

    /// Takes memory for data made from a body. Returns `false` if there is no room.
    #[wasm_bindgen(method, js_name = reserveMemory)]
    pub fn reserve_memory(this: &Exchange, bytes: u32) -> bool;

    /// Gives back the memory of all that was read and reserved.
    #[wasm_bindgen(method, js_name = releaseMemory)]
    pub fn release_memory(this: &Exchange);

    /// Sends a request to the origin, and again if the connection breaks and `may_retry` is set.
    /// Returns the response's handle, status and headers as lines of text. `is_altered`: it is not the
    /// client's request, so its response is not for the client. `is_get`: it is a GET without a body. With a
    /// body it is a POST.
    #[wasm_bindgen(method, catch, js_name = fetchOrigin)]
    pub async fn fetch_origin(
        this: &Exchange,
        url: &str,
        headers: &str,
        may_retry: bool,
        is_altered: bool,
        is_get: bool,
        body: Option<&[u8]>,
    ) -> Result<JsValue, JsValue>;

    /// Sends a request for a protocol upgrade. Returns the same as `fetch_origin`.
    #[wasm_bindgen(method, catch, js_name = fetchUpgrade)]
    pub async fn fetch_upgrade(
        this: &Exchange,
        url: &str,
        headers: &str,
    ) -> Result<JsValue, JsValue>;

    /// Decodes a response's gzip that the runtime left in place. From then on the response counts as one
    /// that the runtime has decoded.
    #[wasm_bindgen(method, js_name = decodeGzip)]
    pub fn decode_gzip(this: &Exchange, handle: u32);

    /// The headers of a response, with their original bytes.
    #[wasm_bindgen(method, js_name = responseHeaders)]
    pub fn response_headers(this: &Exchange, handle: u32) -> JsValue;

    /// A response's body, or a word for why there is none. With `millis`, also if it takes longer.
    #[wasm_bindgen(method, js_name = responseBody)]
    pub async fn response_body(
        this: &Exchange,
        handle: u32,
        limit: u32,
        copies: u32,
        millis: Option<u32>,
    ) -> JsValue;

    /// A promise of a copy of a response's body in chunks, made while the client gets the body.
    #[wasm_bindgen(method, js_name = copyBody)]
    pub fn copy_body(this: &Exchange, handle: u32, limit: u32, copies: u32) -> js_sys::Promise;

    /// What the edge cache has under a URL: a list of the header fields and the bytes. Nothing if there is
    /// none. With more than `small` bytes, a list of the fields, the response and its length, for
    /// `response_bytes`.
    #[wasm_bindgen(method, catch, js_name = readEdgeCache)]
    pub async fn read_edge_cache(
        this: &Exchange,
        url: &str,
        small: u32,
    ) -> Result<JsValue, JsValue>;

    /// The bytes of a response that `read_edge_cache` has found.
    #[wasm_bindgen(method, catch, js_name = responseBytes)]
    pub async fn response_bytes(this: &Exchange, response: JsValue) -> Result<JsValue, JsValue>;

    /// The bytes that a KV namespace has under a key. Nothing if there are none.
    #[wasm_bindgen(method, catch, js_name = readKv)]
    pub async fn read_kv(
        this: &Exchange,
        namespace: &JsValue,
        key: &str,
    ) -> Result<JsValue, JsValue>;

    /// Writes bytes into a KV namespace, for `seconds` or without an end, with a text as metadata.
    #[wasm_bindgen(method, catch, js_name = writeKv)]
    pub async fn write_kv(
        this: &Exchange,
        namespace: &JsValue,
        key: &str,
        value: &[u8],
        seconds: Option<f64>,
        metadata: Option<&str>,
    ) -> Result<JsValue, JsValue>;

    /// Stores bytes in the edge cache, in two pieces, with header fields.
    #[wasm_bindgen(method, catch, js_name = putIntoEdgeCache)]
    pub async fn put_into_edge_cache(
        this: &Exchange,
        url: &str,
        head: &[u8],
        body: &[u8],
        fields: JsValue,
        seconds: u32,
    ) -> Result<JsValue, JsValue>;

    /// A promise that resolves when a response's body has ended: with `true` if it was complete. Its end
    /// is held back from the client until `release_body_end`.
    #[wasm_bindgen(method, js_name = bodyEnd)]
    pub fn body_end(this: &Exchange, handle: u32) -> js_sys::Promise;

    /// Lets the end of a response's body reach the client.
    #[wasm_bindgen(method, js_name = releaseBodyEnd)]
    pub fn release_body_end(this: &Exchange, handle: u32);

    /// The `Cache-Control` and the text at another server's address, separated by a line break.
    #[wasm_bindgen(method, catch, js_name = fetchText)]
    pub async fn fetch_text(
        this: &Exchange,
        url: &str,
        limit: u32,
        millis: u32,
    ) -> Result<JsValue, JsValue>;

    /// Sends a message to the purge log. Returns its reply as bytes. The signal aborts the call.
    #[wasm_bindgen(method, catch, js_name = callLog)]
    pub async fn call_log(
        this: &Exchange,
        namespace: &JsValue,
        name: &str,
        route: &str,
        message: &[u8],
        signal: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// Sends a message to the statistics object. Returns its reply as text.
    #[wasm_bindgen(method, catch, js_name = callStatistics)]
    pub async fn call_statistics(
        this: &Exchange,
        namespace: &JsValue,
        name: &str,
        message: String,
    ) -> Result<JsValue, JsValue>;

    /// Writes a data point into a data set of Workers Analytics Engine.
    #[wasm_bindgen(method, catch, js_name = writeDataPoint)]
    pub fn write_data_point(
        this: &Exchange,
        data_set: &JsValue,
        index: &str,
        doubles: &[f64],
    ) -> Result<(), JsValue>;

    /// Whether a signature is valid.
    #[wasm_bindgen(method, catch, js_name = verifySignature)]
    pub async fn verify_signature(
        this: &Exchange,
        algorithm: &str,
        key: &str,
        signed: &str,
        signature: &[u8],
    ) -> Result<JsValue, JsValue>;

    /// Creates a signal that other requests of this isolate can wait for.
    #[wasm_bindgen(method, js_name = createSignal)]
    pub fn create_signal(this: &Exchange) -> u32;

    /// Resolves a signal.
    #[wasm_bindgen(method, js_name = resolveSignal)]
    pub fn resolve_signal(this: &Exchange, signal: u32);

    /// Waits for a signal.
    #[wasm_bindgen(method, js_name = waitForSignal)]
    pub async fn wait_for_signal(this: &Exchange, signal: u32) -> JsValue;

    /// A response with these bytes. Headers that text cannot represent are taken from `original`.
    #[wasm_bindgen(method, js_name = respondWithBytes)]
    pub fn respond_with_bytes(
        this: &Exchange,
        status: u16,
        headers: &str,
        original: JsValue,
        body: &[u8],
    ) -> JsValue;

    /// A response with these bytes, which JavaScript may give again. `numbers`, `places` and `texts` are
    /// those of a memo; see answers.js.
    #[wasm_bindgen(method, js_name = respondAndRemember)]
    pub fn respond_and_remember(
        this: &Exchange,
        status: u16,
        headers: &str,
        body: &[u8],
        numbers: &[f64],
        places: &[u16],
        texts: &str,
    ) -> JsValue;

    /// A response with the origin's body.
    #[wasm_bindgen(method, js_name = respondWithOriginBody)]
    pub fn respond_with_origin_body(
        this: &Exchange,
        handle: u32,
        status: u16,
        headers: &str,
    ) -> JsValue;

    /// The origin's response itself.
    #[wasm_bindgen(method, js_name = respondUnchanged)]
    pub fn respond_unchanged(this: &Exchange, handle: u32) -> JsValue;

    /// Responds with the origin's WebSocket, whose messages are read on their way. `handshake` lists the
    /// headers of the origin's handshake that the client does not get, one per line.
    #[wasm_bindgen(method, catch, js_name = respondWithSocket)]
    pub fn respond_with_socket(
        this: &Exchange,
        handle: u32,
        url: &str,
        headers: &str,
        handshake: &str,
        env: &JsValue,
        context: &JsValue,
    ) -> Result<JsValue, JsValue>;
}

/// Headers as `name:value` lines. Neither names nor values can contain a line break.
pub fn headers_to_text(headers: &Headers) -> String {
    headers.iter().fold(String::with_capacity(256), |mut text, (name, value)| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}:{value}");
        text
    })
}

/// Headers from `name:value` lines.
pub fn headers_from_text<'a>(lines: impl Iterator<Item = &'a str>) -> Headers {
    lines.filter_map(|line| line.split_once(':')).collect()
}
