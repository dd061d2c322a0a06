//! The runtime's `Headers` objects. Their copies have the original bytes of each value, which text may
//! not be able to represent.

// wasm-bindgen generates unsafe code for imports.
#![allow(unsafe_code, missing_docs)]

use crate::http::OriginalFields;
use std::any::Any;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    #[wasm_bindgen(js_name = Headers)]
    type JsHeaders;

    #[wasm_bindgen(constructor, js_class = "Headers")]
    fn copy_of(original: &JsHeaders) -> JsHeaders;

    #[wasm_bindgen(method)]
    fn keys(this: &JsHeaders) -> js_sys::Iterator;

    #[wasm_bindgen(method)]
    fn get(this: &JsHeaders, name: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    fn delete(this: &JsHeaders, name: &str);
}

/// Header fields in a `Headers` object. Such an object is not bound to a request.
pub struct RuntimeHeaders(JsHeaders);

impl RuntimeHeaders {
    /// The fields of a `Headers` object.
    pub fn new(headers: JsValue) -> Self {
        Self(headers.unchecked_into())
    }

    /// The `Headers` object of original fields, or null.
    pub fn of(fields: Option<&Rc<dyn OriginalFields>>) -> JsValue {
        let own = fields.and_then(|fields| fields.as_any().downcast_ref::<Self>());
        own.map_or(JsValue::NULL, |Self(headers)| headers.into())
    }
}

impl OriginalFields for RuntimeHeaders {
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)
    }

    fn only(&self, names: &[&str]) -> Rc<dyn OriginalFields> {
        let copy = JsHeaders::copy_of(&self.0);
        let keys = self.0.keys().into_iter().filter_map(|key| key.ok()?.as_string());
        keys.filter(|key| !names.contains(&key.as_str())).for_each(|key| copy.delete(&key));
        Rc::new(Self(copy))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
