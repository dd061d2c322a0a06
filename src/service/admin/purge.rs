//! `POST purge`

use super::body::{error, invalid, read_body};
use super::components::Admin;
use super::entry_lister::Preview;
use crate::admin::{PreviewedEntries, PurgeCommand, PurgePreview, PurgeRecorded, read_purge};
use crate::http::Response;
use crate::limits;
use crate::service::context::Context;
use crate::service::purges::{ADMIN, PurgeSource};
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// Records a purge, and responds with its sequence number and its token.
pub async fn purge<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let too_large = "a purge has at most 1 MiB; send several";
    let body = match read_body(&context.runtime, limits::ADMIN_BODY_BYTES, too_large).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    match read_purge(&admin.config, &body) {
        Ok(command) => record(admin, context, command).await,
        Err(bad) => invalid(&bad.message, &bad.path),
    }
}

/// Records a purge, and responds like `POST purge`.
pub async fn record<R: Runtime>(
    admin: &Admin,
    context: &Context<R>,
    mut command: PurgeCommand,
) -> Response {
    if let Some(admin) = &context.admin {
        admin.detail.replace(match (command.all, command.soft) {
            _ if command.preview => "preview",
            (true, true) => "everything, soft",
            (true, false) => "everything",
            (false, true) => "soft",
            (false, false) => "",
        });
    }
    let config = &admin.config;
    let (tags, patterns) = (command.tags.len(), command.patterns.len());
    admin.knowledge.schemas.current().knowledge().extend_reach(&mut command.tags);
    if command.preview {
        return preview(admin, context, &command, tags).await;
    }
    let who = context.admin.as_ref().map(|admin| admin.administrator.name.as_str().into());
    let source = PurgeSource { word: ADMIN, cause: who };
    let new = command.record(config);
    match admin.purges.recorder.record(&context.runtime, new, source).await {
        Ok(record) => {
            let seq = record.seq;
            let mut response = json_response(200, &PurgeRecorded { patterns, seq, tags });
            let token = admin.purges.own_writes.token_of(&context.runtime, record);
            response.headers.set("evergraph-purge", token);
            response
        }
        Err(_) => {
            error(503, "the purge log did not take it; it will be tried again, and so should you")
        }
    }
}

/// Responds with what a purge would purge, as far as KV and this isolate's memory show.
async fn preview<R: Runtime>(
    admin: &Admin,
    context: &Context<R>,
    command: &PurgeCommand,
    tags: usize,
) -> Response {
    let record = command.record(&admin.config);
    match admin.lister.preview(context, &record).await {
        Ok(Preview { count, maybe, keys, saw_all }) => {
            let is_complete = saw_all && maybe == 0;
            let entries = PreviewedEntries { count, maybe, keys, is_complete };
            let patterns = command.patterns.len();
            json_response(200, &PurgePreview { preview: true, tags, patterns, entries })
        }
        Err(fault) => error(503, &["KV could not be listed; try again: ", &fault].concat()),
    }
}
