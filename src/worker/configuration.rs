//! The configuration of the Worker.

use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::Env;

/// The configuration as JSON: the binding `EVERGRAPH` if there is one, or else the module that the build
/// has written (`js/configuration.js`). Each is an object, or text that contains JSON. Null if it is
/// neither.
pub fn configuration(env: &Env) -> Value {
    let bound = member(env, "EVERGRAPH");
    let value = match bound.is_undefined() {
        true => member(&js_sys::global(), "evergraphConfiguration"),
        false => bound,
    };
    let text = match value.as_string() {
        Some(text) => Some(text),
        None => js_sys::JSON::stringify(&value).ok().and_then(|text| text.as_string()),
    };
    text.and_then(|text| serde_json::from_slice(text.as_bytes()).ok()).unwrap_or(Value::Null)
}

fn member(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or_default()
}
