//! `POST documents` and `GET documents`

use super::body::{error, invalid, parameter, read_body};
use super::components::Admin;
use crate::admin::{DocumentCount, DocumentsUploaded};
use crate::graphql::{Manifest, ManifestError};
use crate::http::Response;
use crate::limits;
use crate::service::context::Context;
use crate::service::knowledge::{Upload, UploadError};
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// Stores uploaded documents, and responds with how many there are then.
pub async fn upload<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let runtime = &context.runtime;
    let replaces = match parameter(&context.request, "replace").as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return invalid("expected 0 or 1", "replace"),
    };
    let too_large = "an upload has at most 8 MiB; send several";
    let body = match read_body(runtime, limits::UPLOAD_BYTES, too_large).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let amounts = &admin.config.limits.amounts;
    let newer = match Manifest::read(&body, amounts, runtime.now()) {
        Ok(newer) => newer,
        Err(bad) => return invalid_upload(&bad),
    };
    if !runtime.kv_bound() {
        return no_kv();
    }
    match admin.knowledge.uploaded.upload(runtime, newer, replaces).await {
        Ok(Upload { documents, added, bytes }) => {
            json_response(200, &DocumentsUploaded { added, bytes, documents })
        }
        Err(UploadError::Invalid(bad)) => invalid_upload(&bad),
        Err(UploadError::NotRead(fault)) => error(503, &format!("nothing was stored; KV: {fault}")),
        Err(UploadError::NotStored(fault)) => {
            error(503, &format!("KV did not take it; send it again: {fault}"))
        }
    }
}

/// Responds with how many documents are uploaded, and how large they are.
pub async fn count<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    if !context.runtime.kv_bound() {
        return no_kv();
    }
    match admin.knowledge.uploaded.stored(&context.runtime).await {
        Ok(manifest) => {
            let (bytes, documents) = (manifest.bytes(), manifest.count());
            json_response(200, &DocumentCount { bytes, documents })
        }
        Err(fault) => error(503, &format!("KV: {fault}")),
    }
}

fn no_kv() -> Response {
    error(503, "documents are kept in KV, and no namespace is bound as CACHE_KV")
}

fn invalid_upload(bad: &ManifestError) -> Response {
    invalid(&bad.message, &bad.path)
}
