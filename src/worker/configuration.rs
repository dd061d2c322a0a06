//! The configuration in the Worker's environment.

use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::Env;

/// The variable `EVERGRAPH` as JSON. Wrangler makes it an object; a string that contains JSON works as
/// well. Null if it is neither.
pub fn configuration(env: &Env) -> Value {
    let value = js_sys::Reflect::get(env, &JsValue::from_str("EVERGRAPH")).unwrap_or_default();
    let text = match value.as_string() {
        Some(text) => Some(text),
        None => js_sys::JSON::stringify(&value).ok().and_then(|text| text.as_string()),
    };
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null)
}
