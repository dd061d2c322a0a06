//! `POST purge`

use super::body::{error, invalid, read_body};
use super::components::Admin;
use crate::admin::read_purge;
use crate::http::Response;
use crate::limits;
use crate::service::context::Context;
use crate::service::purges::ADMIN;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;
use serde_json::json;

/// Records a purge, and responds with its sequence number and its token.
pub async fn purge<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let too_large = "a purge has at most 1 MiB; send several";
    let body = match read_body(&context.runtime, limits::ADMIN_BODY_BYTES, too_large).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let config = &admin.config;
    let mut command = match read_purge(config, &body) {
        Ok(command) => command,
        Err(bad) => return invalid(&bad.message, &bad.path),
    };
    let (tags, patterns) = (command.tags.len(), command.patterns.len());
    admin.knowledge.schemas.current().knowledge().extend_reach(&mut command.tags);
    let recording = admin.purges.recorder.record(&context.runtime, command.record(config), ADMIN);
    match recording.await {
        Ok(record) => {
            let body = json!({ "seq": record.seq, "tags": tags, "patterns": patterns });
            let mut response = json_response(200, &body);
            let token = admin.purges.own_writes.token_of(&context.runtime, record);
            response.headers.set("evergraph-purge", token);
            response
        }
        Err(_) => {
            error(503, "the purge log did not take it; it will be tried again, and so should you")
        }
    }
}
