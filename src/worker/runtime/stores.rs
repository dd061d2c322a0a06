//! The edge cache of the data center, and Workers KV.

use super::request_runtime::{WorkersRuntime, fault, text_of};
use crate::http::OriginalFields;
use crate::limits;
use crate::service::{EdgeCache, EdgeValue, Fault, KvStore, MemoryBudget as _};
use crate::worker::original_headers::RuntimeHeaders;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use worker::Cache;

/// The binding of the KV namespace.
const KV: &str = "CACHE_KV";
/// The host in the edge cache's URLs. No request is ever sent to it.
const CACHE_HOST: &str = "https://evergraph.internal/";

impl EdgeCache for WorkersRuntime {
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault> {
        let found = Cache::default().get(cache_url(key), false).await.map_err(fault)?;
        match found {
            Some(mut response) => {
                let length = response.headers().get("content-length").ok().flatten();
                let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
                let counts = length > limits::SMALL_STORED_BYTES;
                if counts && !self.reserve_memory(length * limits::STORED_COPIES) {
                    return Ok(None);
                }
                let fields = RuntimeHeaders::new(response.headers().0.clone().into());
                let bytes = response.bytes().await.map_err(fault)?;
                Ok(Some(EdgeValue { bytes, fields: Some(Rc::new(fields)) }))
            }
            None => Ok(None),
        }
    }

    async fn edge_put(
        &self,
        key: &str,
        value: &[u8],
        fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault> {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let fields = RuntimeHeaders::of(fields);
        let put =
            self.0.exchange.put_into_edge_cache(&cache_url(key), value, fields, seconds).await;
        put.map(|_| ()).map_err(|error| text_of(&error))
    }
}

impl KvStore for WorkersRuntime {
    fn kv_bound(&self) -> bool {
        js_sys::Reflect::has(&self.0.env, &JsValue::from_str(KV)).unwrap_or(false)
    }

    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.0.env.kv(KV).map_err(fault)?.get(key).bytes().await.map_err(|e| e.to_string())
    }

    async fn kv_put(&self, key: &str, value: &[u8], seconds: u64) -> Result<(), Fault> {
        let put = self.0.env.kv(KV).map_err(fault)?.put_bytes(key, value);
        let put = put.map_err(|error| error.to_string())?;
        put.expiration_ttl(seconds).execute().await.map_err(|error| error.to_string())
    }

    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        let put = self.0.env.kv(KV).map_err(fault)?.put_bytes(key, value);
        put.map_err(|e| e.to_string())?.execute().await.map_err(|error| error.to_string())
    }

    async fn kv_list(&self, prefix: &str, limit: usize) -> Result<Vec<String>, Fault> {
        let list = self.0.env.kv(KV).map_err(fault)?.list();
        let list = list.prefix(prefix.to_owned()).limit(limit as u64).execute().await;
        let keys = list.map_err(|error| error.to_string())?.keys;
        Ok(keys.into_iter().map(|key| key.name).collect())
    }

    async fn kv_delete(&self, key: &str) -> Result<(), Fault> {
        self.0.env.kv(KV).map_err(fault)?.delete(key).await.map_err(|error| error.to_string())
    }
}

fn cache_url(key: &str) -> String {
    format!("{CACHE_HOST}{key}")
}
