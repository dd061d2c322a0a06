//! The operator's page, which the build has written next to the Worker (`js/page.js`).

use super::runtime::WorkersRuntime;
use crate::service::PageAssets;
use js_sys::Reflect;
use wasm_bindgen::JsValue;

impl PageAssets for WorkersRuntime {
    fn page_asset(&self, name: &str) -> Option<String> {
        let assets = Reflect::get(&js_sys::global(), &JsValue::from_str("evergraphPage")).ok()?;
        Reflect::get(&assets, &JsValue::from_str(name)).ok()?.as_string()
    }
}
