//! The description of each admin route, from which the OpenAPI document is made. Native only.
//!
//! `routes.rs` has the rest: the method, the path, the role, and what the route does in one line. To
//! describe a route, add its row here, and types for its bodies to `crate::admin`. Then
//! `UPDATE_DOCS=1 cargo test --test reference`.

use super::described::{RouteDescription, object, route, text};
use crate::admin::{
    Audit, DocumentCount, DocumentsBody, DocumentsUploaded, EntryDetail, EntryList,
    ExplainRequestForm, Explanation, FastlyKeys, FastlyPurged, HealthReport, PauseBody,
    PauseRecorded, PurgeBody, PurgePreview, PurgeRecorded, ResumeBody, ResumeRecorded,
    RouterInvalidated, RouterInvalidation, SchemaEnded, SchemaSummary, SchemaUploaded, Stats,
    WarmBody, WarmReport,
};
use serde_json::json;

/// The descriptions, in the order of the routes.
pub fn descriptions() -> Vec<RouteDescription> {
    vec![
        route("POST", "purge")
            .json::<PurgeBody>()
            .answers_as(
                200,
                "The purge is recorded; all isolates apply it within `max_lag`. With `preview`, what it would purge.",
                "application/json",
                |generator| {
                    let recorded = generator.subschema_for::<PurgeRecorded>();
                    let preview = generator.subschema_for::<PurgePreview>();
                    schemars::json_schema!({ "anyOf": [recorded, preview] })
                },
            )
            .fails(503, "The log did not take it. It will be tried again; send it again too."),
        route("POST", "explain")
            .json::<ExplainRequestForm>()
            .answers::<Explanation>("What would be done with the request."),
        route("POST", "pause")
            .json_or_nothing::<PauseBody>()
            .answers::<PauseRecorded>(
                "The pause is recorded. All isolates apply it within `max_lag`.",
            )
            .fails(503, "The log did not take it. Send it again."),
        route("POST", "resume")
            .json_or_nothing::<ResumeBody>()
            .answers::<ResumeRecorded>("The end of the pause is recorded.")
            .fails(503, "The log did not take it. Send it again."),
        route("POST", "warm")
            .json::<WarmBody>()
            .answers::<WarmReport>("What became of the first requests, and the body for the others."),
        route("POST", "documents")
            .query(
                "replace",
                "`1`: the upload replaces all documents.",
                json!({ "enum": ["0", "1"] }),
            )
            .json::<DocumentsBody>()
            .answers::<DocumentsUploaded>("The documents are stored.")
            .fails(503, "KV is not bound, or did not respond. Send it again."),
        route("GET", "documents")
            .answers::<DocumentCount>("The uploaded documents.")
            .fails(503, "KV is not bound, or did not respond."),
        route("POST", "schema")
            .body("text/plain", text)
            .body("application/json", object)
            .answers::<SchemaUploaded>("The schema is in force.")
            .fails(
                503,
                "KV is not bound, or did not accept it. It is not in force; send it again.",
            ),
        route("GET", "schema").answers::<SchemaSummary>("The schema in force."),
        route("DELETE", "schema")
            .answers::<SchemaEnded>("No schema is in force, and everything is purged.")
            .fails(503, "The log did not take it. It will be tried again."),
        route("GET", "stats")
            .query(
                "window",
                "Only the last seconds.",
                json!({ "type": "integer", "minimum": 1, "maximum": 2_592_000 }),
            )
            .query(
                "by",
                "What the rows are.",
                json!({ "enum": ["type", "operation", "path", "reason"] }),
            )
            .query(
                "sort",
                "What the rows are sorted by, the highest first: requests, misses, the time of the origin, or \
                 bytes. Without it: requests.",
                json!({ "enum": ["traffic", "misses", "time", "bytes"] }),
            )
            .answers::<Stats>("The numbers."),
        route("GET", "entries")
            .query("pattern", "Only entries whose keys match.", json!({ "type": "string" }))
            .query(
                "limit",
                "How many entries, at most.",
                json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
            )
            .query(
                "cursor",
                "The cursor of the page before, with the same `pattern`.",
                json!({ "type": "string" }),
            )
            .query("key", "Only the entry with this key.", json!({ "type": "string" }))
            .query(
                "body",
                "`1`: the body of the entry that `key` names, for the role admin.",
                json!({ "enum": ["0", "1"] }),
            )
            .answers_as(
                200,
                "A page of entries; with `key` one of them, and with `body` its body.",
                "application/json",
                |generator| {
                    let list = generator.subschema_for::<EntryList>();
                    let detail = generator.subschema_for::<EntryDetail>();
                    schemars::json_schema!({ "anyOf": [list, detail, {}] })
                },
            )
            .fails(404, "Neither KV nor this isolate's memory has the entry.")
            .fails(503, "KV is not bound, or could not be listed."),
        route("GET", "audit")
            .query(
                "limit",
                "At most so many changes; 100 by default.",
                json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
            )
            .query(
                "before",
                "Only changes with a lower `id`.",
                json!({ "type": "integer", "minimum": 0 }),
            )
            .answers::<Audit>("The changes, the latest first.")
            .fails(501, "`STATS` is not bound, so nothing is kept.")
            .fails(503, "The audit cannot be read now. Try again."),
        route("GET", "metrics").answers_as(
            200,
            "Counters, response times, health and alerts.",
            "text/plain",
            text,
        ),
        route("GET", "health")
            .answers::<HealthReport>("The service works, if not every part of it.")
            .answers_as(503, "The service is `DOWN`.", "application/json", |generator| {
                generator.subschema_for::<HealthReport>()
            }),
        route("POST", "service/:id/purge")
            .json::<FastlyKeys>()
            .answers_as(
                200,
                "The purge is recorded. Each key has its sequence number.",
                "application/json",
                object,
            )
            .fails(503, "The log did not take it. It will be tried again; send it again too."),
        route("POST", "service/:id/purge/:key")
            .answers::<FastlyPurged>("The purge is recorded.")
            .fails(400, "The key is no valid tag. Nothing was purged.")
            .fails(503, "The log did not take it. It will be tried again; send it again too."),
        route("POST", "service/:id/purge_all")
            .answers::<FastlyPurged>("The purge is recorded.")
            .fails(503, "The log did not take it. It will be tried again; send it again too."),
        route("POST", "invalidation")
            .json::<Vec<RouterInvalidation>>()
            .answers_as(202, "The purge is recorded.", "application/json", |generator| {
                generator.subschema_for::<RouterInvalidated>()
            })
            .fails(503, "The log did not take it. It will be tried again; send it again too."),
        route("GET", "config").answers_as(
            200,
            "The configuration, as evergraph.schema.json describes it.",
            "application/json",
            object,
        ),
        route("GET", "")
            .answers_as(200, "The page.", "text/html", text),
        route("GET", "page.js")
            .answers_as(200, "The script.", "text/javascript", text),
        route("GET", "page.css")
            .answers_as(200, "The style sheet.", "text/css", text),
        route("GET", "openapi.json")
            .answers_as(200, "This document.", "application/json", object)
            .fails(503, "The Worker was built without it."),
    ]
}
