//! What JavaScript needs for its table of answers (js/answers.js).

// wasm-bindgen generates unsafe code for exports.
#![allow(unsafe_code)]

use super::exchange::{Exchange, headers_to_text};
use super::isolate::isolate;
use crate::engine::HeaderUse;
use crate::http::Response;
use crate::service::Memo;
use crate::time::Timestamp;
use js_sys::Array;
use wasm_bindgen::prelude::*;
use worker::Env;

/// A response that JavaScript may give again, as the memo says.
pub fn respond_and_remember(exchange: &Exchange, response: &Response, memo: &Memo) -> JsValue {
    let millis = |at: Timestamp| at.as_millis() as f64;
    let numbers = [
        memo.stamp.version,
        memo.stamp.sum,
        millis(memo.from),
        millis(memo.until),
        millis(memo.stored_at),
        memo.age as f64,
        memo.ttl as f64,
    ];
    let (before, after) = memo.cache_status();
    let texts = [memo.vary.join(","), before, after, memo.counted.to_line()].join("\n");
    exchange.respond_and_remember(
        response.status,
        &headers_to_text(&response.headers),
        &response.body,
        &numbers,
        &memo.stamp.places,
        &texts,
    )
}

/// The memory of Wasm, and where in it the numbers and the counters are by which JavaScript decides whether
/// it may give an answer again; and how many counters there are.
#[wasm_bindgen(js_name = answerStamps)]
pub fn answer_stamps(env: Env) -> Array {
    let isolate = isolate(&env);
    let (numbers, counters) = isolate.stamps().addresses();
    let places = [numbers, counters, isolate.stamps().count()];
    let parts = places.map(|place| JsValue::from_f64(place as f64));
    std::iter::once(wasm_bindgen::memory()).chain(parts).collect()
}

/// What the value of a request header may change: 0 nothing, 1 the answer, 2 more than that.
#[wasm_bindgen(js_name = headerUse)]
pub fn header_use(name: &str, env: Env) -> u8 {
    match isolate(&env).header_use(name) {
        HeaderUse::None => 0,
        HeaderUse::Value => 1,
        HeaderUse::More => 2,
    }
}

/// Counts the hits that JavaScript has given: lines of a number, a tab, and what it was told with the answer.
#[wasm_bindgen(js_name = countAnswers)]
pub fn count_answers(lines: &str, env: Env) {
    let now = Timestamp::from_millis(js_sys::Date::now() as u64);
    isolate(&env).count_answers(now, lines);
}
