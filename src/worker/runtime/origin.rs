//! Requests to the origin, and bodies.

use super::request_runtime::{WorkersRuntime, text_of};
use crate::http::{Headers, ResponseCoding};
use crate::limits;
use crate::service::{
    BodyEnd, BodyPassThrough, BodyRead, Clock as _, Origin, OriginFailure, OriginRequest,
    OriginRequestKind, OriginResponse,
};
use crate::worker::exchange::{headers_from_text, headers_to_text};
use crate::worker::original_headers::RuntimeHeaders;
use js_sys::{Promise, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

impl Origin for WorkersRuntime {
    async fn request_body(&self, limit: usize, copies: usize) -> BodyRead {
        let body = self.exchange_using_memory().request_body(limit as u32, copies as u32);
        match body.dyn_into::<Promise>() {
            Ok(promise) => body_read(&JsFuture::from(promise).await.unwrap_or_default()),
            // What was read before needs no further turn.
            Err(body) => body_read(&body),
        }
    }

    async fn ask(&self, ask: &OriginRequest<'_>) -> Result<OriginResponse, OriginFailure> {
        let body = match ask.kind {
            OriginRequestKind::Post(body) => Some(body),
            OriginRequestKind::Completed(body) => body,
            OriginRequestKind::Unchanged | OriginRequestKind::OtherUrl | OriginRequestKind::Get => {
                None
            }
        };
        let is_get = matches!(ask.kind, OriginRequestKind::Get);
        let headers = headers_to_text(ask.headers);
        let is_altered =
            is_get || matches!(ask.kind, OriginRequestKind::OtherUrl | OriginRequestKind::Post(_));
        let exchange = &self.0.exchange;
        self.response(
            exchange.fetch_origin(ask.url, &headers, ask.may_retry, is_altered, is_get, body).await,
        )
    }

    async fn ask_untouched(
        &self,
        url: &str,
        headers: &Headers,
    ) -> Result<OriginResponse, OriginFailure> {
        self.response(self.0.exchange.fetch_upgrade(url, &headers_to_text(headers)).await)
    }

    async fn response_body(&self, handle: u32, limit: usize) -> BodyRead {
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
    fn body_end(&self, handle: u32) -> impl Future<Output = BodyEnd> + 'static {
        let end = self.0.exchange.body_end(handle);
        async move {
            match JsFuture::from(end).await {
                Ok(is_whole) if is_whole == JsValue::TRUE => BodyEnd::Whole,
                _ => BodyEnd::Cut,
            }
        }
    }

    fn release_end(&self, handle: u32) {
        self.0.exchange.release_body_end(handle);
    }
}

impl WorkersRuntime {
    async fn read_body(&self, handle: u32, limit: usize, millis: Option<u32>) -> JsValue {
        let copies = limits::RESPONSE_COPIES as u32;
        self.exchange_using_memory().response_body(handle, limit as u32, copies, millis).await
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
            let original = RuntimeHeaders::new(self.0.exchange.response_headers(handle));
            headers.attach_original(Rc::new(original));
        }
        // A part cannot be decoded by itself, and responses with other statuses are passed on.
        let is_whole = (200..600).contains(&status) && status != 206;
        if is_whole && ResponseCoding::of(&headers) == ResponseCoding::Gzip {
            self.0.exchange.decode_gzip(handle);
            headers.set("content-encoding", "gzip");
        }
        Ok(OriginResponse { handle, status, headers, asked_at: self.now(), at: self.now() })
    }
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
