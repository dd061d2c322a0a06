//! Purges in the form of other caches: Souin, Varnish, Fastly and Apollo Router. `crate::admin` reads them.

use super::body::{invalid, read_body};
use super::components::Admin;
use super::purge;
use crate::admin::{self, BodyError, FastlyPurged, PurgeCommand, RouterInvalidated};
use crate::http::{Response, segment_decoded};
use crate::limits;
use crate::order;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;
use serde_json::{Value, json};

type Read = Result<PurgeCommand, BodyError>;

/// `PURGE souin` with tags in a header. Souin responds with a 204.
pub async fn purge_by_headers<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let Some(read) = admin::purge_by_headers(&context.request.headers) else {
        return invalid("name tags in the header Surrogate-Key, xkey or Cache-Tag", "");
    };
    let mut response = record_command(admin, context, read).await;
    if response.status == 200 {
        response.status = 204;
        response.body = [].into();
        response.headers.remove("content-type");
    }
    response
}

/// `PURGE` of the request's own path, or of the tags in a header if it has one.
pub async fn purge_path<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let request = &context.request;
    let by_headers = admin::purge_by_headers(&request.headers);
    let read = by_headers.unwrap_or_else(|| Ok(admin::purge_of_path(&admin.config, request)));
    record_command(admin, context, read).await
}

/// `BAN` of the request's own path and of every path below it.
pub async fn ban_path<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let read = admin::ban_of_path(&admin.config, &context.request);
    record_command(admin, context, read).await
}

/// Fastly's purge by one key.
pub async fn fastly_key<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let path = context.request.url.comparable_path();
    let key = path.rsplit('/').next().and_then(segment_decoded).unwrap_or_default();
    let read = admin::purge_of_key(&key, &context.request.headers);
    let response = record_command(admin, context, read).await;
    fastly(response, |id| json!(FastlyPurged { status: "ok", id: Some(id.to_owned()) }))
}

/// Fastly's purge by several keys, in the header `Surrogate-Key` or in the body.
pub async fn fastly_keys<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let headers = &context.request.headers;
    let read = match admin::purge_by_headers(headers) {
        Some(read) => read,
        None => match read_body(&context.runtime, limits::ADMIN_BODY_BYTES, TOO_LARGE).await {
            Ok(body) => admin::purge_of_keys(&body, headers),
            Err(response) => return response,
        },
    };
    let command = match read {
        Ok(command) => command,
        Err(bad) => return invalid(&bad.message, &bad.path),
    };
    let keys: Vec<String> = command.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
    let response = record(admin, context, command).await;
    fastly(response, |id| {
        Value::Object(order::object_of(keys.iter().map(|key| (key.clone(), json!(id)))))
    })
}

/// Fastly's purge of everything.
pub async fn fastly_everything<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let response = record(admin, context, admin::purge_of_everything()).await;
    fastly(response, |_| json!(FastlyPurged { status: "ok", id: None }))
}

/// Apollo Router's invalidation. It responds with a 202 and a count.
pub async fn router_invalidation<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let body = match read_body(&context.runtime, limits::ADMIN_BODY_BYTES, TOO_LARGE).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let command = match admin::purge_of_invalidations(&body) {
        Ok(command) => command,
        Err(bad) => return invalid(&bad.message, &bad.path),
    };
    let count = command.tags.len() + usize::from(command.all);
    let response = record(admin, context, command).await;
    match response.status {
        200 => with_body(response, 202, &json!(RouterInvalidated { count })),
        _ => response,
    }
}

const TOO_LARGE: &str = "a purge has at most 1 MiB; send several";

async fn record_command<R: Runtime>(admin: &Admin, context: &Context<R>, read: Read) -> Response {
    match read {
        Ok(command) => record(admin, context, command).await,
        Err(bad) => invalid(&bad.message, &bad.path),
    }
}

/// Records a purge, and keeps its numbers for the audit: the response gets a form without them.
async fn record<R: Runtime>(
    admin: &Admin,
    context: &Context<R>,
    command: PurgeCommand,
) -> Response {
    let response = purge::record(admin, context, command).await;
    if let Some(admin) = &context.admin {
        admin.recorded.replace(Some(response.body.clone()));
    }
    response
}

/// The response in Fastly's form. The id is the sequence number of the purge.
fn fastly(response: Response, body: impl Fn(&str) -> Value) -> Response {
    if response.status != 200 {
        return response;
    }
    let recorded: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let id = recorded.get("seq").map(Value::to_string).unwrap_or_default();
    with_body(response, 200, &body(&id))
}

/// A response with another status and body, and the same token of the purge.
fn with_body(response: Response, status: u16, body: &Value) -> Response {
    let mut other = json_response(status, body);
    if let Some(token) = response.headers.get("evergraph-purge") {
        other.headers.set("evergraph-purge", token);
    }
    other
}
