//! The JavaScript side of one request, as Rust sees it.

// wasm-bindgen writes unsafe code for imports.
#![allow(unsafe_code, missing_docs)]

use crate::http::Headers;
use std::fmt::Write as _;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// One client's request and the origin's answers to it; see exchange.js.
    #[derive(Clone)]
    pub type Exchange;

    /// The request's body, or why there is none.
    #[wasm_bindgen(method, js_name = requestBody)]
    pub async fn request_body(this: &Exchange, limit: u32, copies: u32) -> JsValue;

    /// The runtime may send the request to the origin by itself, where the Worker cannot answer.
    #[wasm_bindgen(method, js_name = failOpen)]
    pub fn fail_open(this: &Exchange, context: &JsValue);

    /// Sets how much memory the bodies of all requests may take.
    #[wasm_bindgen(method, js_name = setBudget)]
    pub fn set_budget(this: &Exchange, bytes: u32);

    /// Takes memory for what is made of a body; false where there is no room.
    #[wasm_bindgen(method)]
    pub fn reserve(this: &Exchange, bytes: u32) -> bool;

    /// Nothing that was read or reserved is needed any more.
    #[wasm_bindgen(method)]
    pub fn release(this: &Exchange);

    /// The answer's handle, status and headers as one text. With `altered`, the answer is not the
    /// client's as it is; with a body, it is that of a POST.
    #[wasm_bindgen(method, catch)]
    pub async fn ask(
        this: &Exchange,
        url: &str,
        headers: &str,
        again: bool,
        altered: bool,
        body: Option<&[u8]>,
    ) -> Result<JsValue, JsValue>;

    /// The same for a GET whose answer the client gets as it is.
    #[wasm_bindgen(method, catch, js_name = askUntouched)]
    pub async fn ask_untouched(
        this: &Exchange,
        url: &str,
        headers: &str,
    ) -> Result<JsValue, JsValue>;

    /// Undoes an answer's gzip, which the runtime has left in place. It counts as one that the runtime
    /// has undone from here on.
    #[wasm_bindgen(method, js_name = undoGzip)]
    pub fn undo_gzip(this: &Exchange, handle: u32);

    /// The headers of an answer, with their very bytes.
    #[wasm_bindgen(method, js_name = answerHeaders)]
    pub fn answer_headers(this: &Exchange, handle: u32) -> JsValue;

    /// An answer's body, or why there is none. With `millis` also where it takes longer.
    #[wasm_bindgen(method, js_name = answerBody)]
    pub async fn answer_body(
        this: &Exchange,
        handle: u32,
        limit: u32,
        copies: u32,
        millis: Option<u32>,
    ) -> JsValue;

    /// A promise of the same in chunks, while the client gets the body as it comes.
    #[wasm_bindgen(method, js_name = copiedBody)]
    pub fn copied_body(this: &Exchange, handle: u32, limit: u32, copies: u32) -> js_sys::Promise;

    /// Stores bytes in the edge cache, with header fields beside them.
    #[wasm_bindgen(method, catch, js_name = putAtEdge)]
    pub async fn put_at_edge(
        this: &Exchange,
        url: &str,
        value: &[u8],
        fields: JsValue,
        seconds: u32,
    ) -> Result<JsValue, JsValue>;

    /// A promise of whether an answer's body was passed on whole, once it has ended. Its end reaches
    /// the client after `releaseEnd`.
    #[wasm_bindgen(method, js_name = passedBody)]
    pub fn passed_body(this: &Exchange, handle: u32) -> js_sys::Promise;

    /// Lets the end of an answer's body reach the client.
    #[wasm_bindgen(method, js_name = releaseEnd)]
    pub fn release_end(this: &Exchange, handle: u32);

    /// The `Cache-Control` and the text at another server's address, with a line's end between.
    #[wasm_bindgen(method, catch, js_name = fetchText)]
    pub async fn fetch_text(
        this: &Exchange,
        url: &str,
        limit: u32,
        millis: u32,
    ) -> Result<JsValue, JsValue>;

    /// The purge log's answer to a message, as bytes. The signal aborts the call.
    #[wasm_bindgen(method, catch, js_name = askLog)]
    pub async fn ask_log(
        this: &Exchange,
        namespace: &JsValue,
        name: &str,
        route: &str,
        message: &[u8],
        signal: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// Whether a signature is right.
    #[wasm_bindgen(method, catch)]
    pub async fn verify(
        this: &Exchange,
        algorithm: &str,
        key: &str,
        signed: &str,
        signature: &[u8],
    ) -> Result<JsValue, JsValue>;

    /// A signal that another request may wait for.
    #[wasm_bindgen(method)]
    pub fn signal(this: &Exchange) -> u32;

    /// Gives a signal.
    #[wasm_bindgen(method)]
    pub fn give(this: &Exchange, signal: u32);

    /// Waits for a signal.
    #[wasm_bindgen(method)]
    pub async fn wait(this: &Exchange, signal: u32) -> JsValue;

    /// Answers the client with a body at hand. The original fields have the bytes that the text of the
    /// headers does not hold.
    #[wasm_bindgen(method, js_name = replyWhole)]
    pub fn reply_whole(
        this: &Exchange,
        status: u16,
        headers: &str,
        original: JsValue,
        body: &[u8],
    ) -> JsValue;

    /// Answers the client with the origin's body.
    #[wasm_bindgen(method, js_name = replyAnswer)]
    pub fn reply_answer(this: &Exchange, handle: u32, status: u16, headers: &str) -> JsValue;

    /// Answers the client with the origin's answer as it is.
    #[wasm_bindgen(method, js_name = replyUntouched)]
    pub fn reply_untouched(this: &Exchange, handle: u32) -> JsValue;

    /// Responds with the origin's WebSocket, whose messages are read on the way. `handshake` names the
    /// headers of the origin's handshake that the client does not get, one a line.
    #[wasm_bindgen(method, catch, js_name = replySocket)]
    pub fn reply_socket(
        this: &Exchange,
        handle: u32,
        url: &str,
        headers: &str,
        handshake: &str,
        env: &JsValue,
        context: &JsValue,
    ) -> Result<JsValue, JsValue>;
}

/// Headers as `name:value` lines; neither names nor values can hold a line's end.
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
