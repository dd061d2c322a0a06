//! The edge cache of the data center, and Workers KV.

use super::request_runtime::{WorkersRuntime, fault, text_of};
use crate::http::OriginalFields;
use crate::limits;
use crate::service::{
    EdgeBytes, EdgeCache, EdgeValue, Fault, KvKey, KvPage, KvStore, MemoryBudget as _,
};
use crate::worker::original_headers::RuntimeHeaders;
use js_sys::{Array, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};

/// The binding of the KV namespace.
const KV: &str = "CACHE_KV";
/// The host in the edge cache's URLs. No request is ever sent to it.
const CACHE_HOST: &str = "https://evergraph.internal/";

impl EdgeCache for WorkersRuntime {
    async fn edge_get(&self, key: &str) -> Result<Option<EdgeValue>, Fault> {
        let exchange = &self.0.exchange;
        let small = limits::SMALL_STORED_BYTES as u32;
        let found = exchange.read_edge_cache(&cache_url(key), small).await;
        let found = found.map_err(|error| text_of(&error))?;
        let Some(found) = found.dyn_ref::<Array>() else { return Ok(None) };
        let (fields, mut bytes, length) = (found.get(0), found.get(1), found.get(2).as_f64());
        if let Some(length) = length {
            let copies = limits::STORED_COPIES as f64;
            if !self.reserve_memory((length * copies) as usize) {
                return Ok(None);
            }
            let read = exchange.response_bytes(bytes).await;
            bytes = read.map_err(|error| text_of(&error))?;
        }
        let bytes = Uint8Array::from(bytes).to_vec();
        Ok(Some(EdgeValue { bytes, fields: Some(Rc::new(RuntimeHeaders::new(fields))) }))
    }

    async fn edge_put(
        &self,
        key: &str,
        value: EdgeBytes<'_>,
        fields: Option<&Rc<dyn OriginalFields>>,
        seconds: u64,
    ) -> Result<(), Fault> {
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        let fields = RuntimeHeaders::of(fields);
        let EdgeBytes { head, body } = value;
        let exchange = &self.0.exchange;
        let put = exchange.put_into_edge_cache(&cache_url(key), head, body, fields, seconds).await;
        put.map(|_| ()).map_err(|error| text_of(&error))
    }
}

impl KvStore for WorkersRuntime {
    fn kv_bound(&self) -> bool {
        self.is_bound(KV)
    }

    async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        let namespace = self.kv_namespace()?;
        let read = self.0.exchange.read_kv(&namespace, key).await;
        let read = read.map_err(|error| text_of(&error))?;
        Ok(read.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
    }

    async fn kv_put(&self, key: &str, value: &[u8], seconds: u64) -> Result<(), Fault> {
        self.write_kv(key, value, Some(seconds), None).await
    }

    async fn kv_put_described(
        &self,
        key: &str,
        value: &[u8],
        seconds: u64,
        metadata: &str,
    ) -> Result<(), Fault> {
        self.write_kv(key, value, Some(seconds), Some(metadata)).await
    }

    async fn kv_list_page(
        &self,
        prefix: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<KvPage, Fault> {
        let list = self.0.env.kv(KV).map_err(fault)?.list();
        let mut list = list.prefix(prefix.to_owned()).limit(limit as u64);
        if let Some(cursor) = cursor {
            list = list.cursor(cursor.to_owned());
        }
        let page = list.execute().await.map_err(|error| error.to_string())?;
        let text = |value: serde_json::Value| value.as_str().map(str::to_owned);
        let keys = page.keys.into_iter();
        let keys = keys.map(|key| KvKey { name: key.name, metadata: key.metadata.and_then(text) });
        let cursor = page.cursor.filter(|cursor| !page.list_complete && !cursor.is_empty());
        Ok(KvPage { keys: keys.collect(), cursor })
    }

    async fn kv_put_without_expiry(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        self.write_kv(key, value, None, None).await
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

impl WorkersRuntime {
    fn kv_namespace(&self) -> Result<JsValue, Fault> {
        let namespace = js_sys::Reflect::get(&self.0.env, &JsValue::from_str(KV));
        namespace.map_err(|error| text_of(&error))
    }

    async fn write_kv(
        &self,
        key: &str,
        value: &[u8],
        seconds: Option<u64>,
        metadata: Option<&str>,
    ) -> Result<(), Fault> {
        let namespace = self.kv_namespace()?;
        let seconds = seconds.map(|seconds| seconds as f64);
        let written = self.0.exchange.write_kv(&namespace, key, value, seconds, metadata).await;
        written.map(|_| ()).map_err(|error| text_of(&error))
    }
}

fn cache_url(key: &str) -> String {
    format!("{CACHE_HOST}{key}")
}
