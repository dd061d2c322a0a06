//! `POST schema`, `GET schema` and `DELETE schema`

use super::body::{error, invalid, read_body};
use super::components::Admin;
use crate::admin::{SchemaEnded, SchemaUploaded};
use crate::graphql::Schema;
use crate::http::Response;
use crate::limits;
use crate::service::context::Context;
use crate::service::knowledge::SchemaChange;
use crate::service::report::report_failure;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// Puts a schema in force: SDL, or the response to the introspection query.
pub async fn upload<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let runtime = &context.runtime;
    let body = match read_body(runtime, limits::SCHEMA_BYTES, "a schema has at most 8 MiB").await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let read = match std::str::from_utf8(&body) {
        Ok(text) if text.trim_start_matches('\u{FEFF}').trim_start().starts_with('{') => {
            Schema::from_introspection(&body)
        }
        Ok(text) => Schema::from_sdl(text),
        Err(_) => return invalid("expected SDL or JSON in UTF-8", ""),
    };
    let schema = match read {
        Ok(schema) => schema,
        Err(fault) => {
            let path = fault.line.map(|line| format!("line {line}")).unwrap_or_default();
            return invalid(&fault.message, &path);
        }
    };
    match admin.knowledge.schemas.upload(context, schema).await {
        Ok(SchemaChange { types, changed }) => {
            json_response(200, &SchemaUploaded { changed, types })
        }
        Err(fault) => {
            report_failure(runtime, "kv-write", &fault);
            error(503, "KV did not take the schema; it is not in force; try again")
        }
    }
}

/// Responds with where the schema in force came from, and how many types it has.
pub async fn summary<R: Runtime>(admin: &Admin, _context: &Context<R>) -> Response {
    json_response(200, &admin.knowledge.schemas.summary())
}

/// Ends the schema in force for all isolates.
pub async fn end<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    match admin.knowledge.schemas.end(&context.runtime).await {
        Ok(record) => json_response(200, &SchemaEnded { seq: record.seq }),
        Err(_) => error(503, "the purge log did not take it; it will be tried again"),
    }
}
