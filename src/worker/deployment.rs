//! What the Worker's environment says of its deployment.

use super::runtime::{LOG, WorkersRuntime};
use crate::purge::VersionId;
use crate::service::Deployment;
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// The binding of the version metadata: `{ id, tag, timestamp }`.
/// <https://developers.cloudflare.com/workers/runtime-apis/bindings/version-metadata/>
const VERSION_METADATA: &str = "VERSION_METADATA";

impl Deployment for WorkersRuntime {
    fn log_bound(&self) -> bool {
        self.is_bound(LOG)
    }

    fn version_id(&self) -> Option<VersionId> {
        let metadata = Reflect::get(self.env(), &JsValue::from_str(VERSION_METADATA)).ok()?;
        let id = Reflect::get(&metadata, &JsValue::from_str("id")).ok()?;
        VersionId::parse(&id.as_string()?)
    }

    fn openapi(&self) -> Option<String> {
        let text = Reflect::get(&js_sys::global(), &JsValue::from_str("evergraphOpenapi")).ok()?;
        text.as_string()
    }
}
