//! The decisions: what a request is, whether and under which key its response may be cached, what
//! of a response is stored, what a stored response says to the client, and what a write purges.
//!
//! Everything here is pure: values and `now` go in, a decision with its reason comes out.

mod body_format;
mod bypass;
mod client_ttl;
mod configured_lifetime;
mod entry;
mod evergraph_headers;
mod explanation;
mod graphql_entry;
mod graphql_plan;
mod graphql_request;
mod header_use;
mod identity;
mod merged_terms;
mod miss_detail;
mod origin_request;
mod plan;
mod public_request;
mod purge_cookie;
mod purge_token;
mod query_parts;
mod read_types;
mod request_class;
mod request_token;
mod response;
mod rest_entry;
mod rest_plan;
mod signal_name;
mod signals;
mod stored_headers;
mod unreadable_headers;
mod unsupported_request;
mod validated_entry;
mod warning;
mod write_effect;
mod write_purge;
mod x_cache;

pub use body_format::BodyFormat;
pub use bypass::{Bypass, BypassOutcome, bypass_reasons};
pub use client_ttl::shorten_for_client;
pub use configured_lifetime::shortened_entry;
pub use entry::FetchedResponse;
pub use evergraph_headers::{
    TokenCheck, check_debug_token, check_purge_token, replace_token, take_evergraph_headers,
};
pub use explanation::{PlanExplanation, explain_graphql, explain_rest};
pub use graphql_entry::{StorableEntry, graphql_entry, graphql_storable, is_graphql_json};
pub use graphql_plan::plan_graphql;
pub use graphql_request::{GraphQlRequest, Uncacheable, read_graphql, request_json_size};
pub use header_use::{HeaderUse, header_use};
pub use identity::scope_tags_changed_by;
pub use miss_detail::MissDetail;
pub use origin_request::{forwarded_headers, origin_request_headers, origin_url};
pub use plan::{Plan, RestPlan};
pub use public_request::{is_public, key_headers};
pub use purge_cookie::{is_purge_cookie, purge_cookie, take_purge_cookies};
pub use purge_token::{OwnWriteToken, PurgeKeys};
pub use read_types::ReadTypes;
pub use request_class::{
    RequestClass, classify, fails_open, has_admin_path, is_admin, is_websocket_upgrade, may_write,
};
pub use request_token::{SentToken, claim_paths, sent_token};
pub use response::{
    covers_range, gateway_error_status, headers_to_client, not_modified_response,
    response_from_entry, rewrite_location,
};
pub use rest_entry::{
    completed_body, part_entry, part_key, part_storable, rest_entry, rest_storable,
};
pub use rest_plan::plan_rest;
pub use signal_name::SignalName;
pub use stored_headers::{fields_of_the_miss, storable_headers};
pub use unreadable_headers::has_unreadable_key_header;
pub use unsupported_request::{OperationToPlan, unsupported_request};
pub use validated_entry::{ValidatedEntry, updated_entry, validated_entry};
pub use warning::{Warning, browser_keeps_copy};
pub use write_effect::{WriteEffect, WriteResponse, rest_effect};
pub use write_purge::{BatchOperation, Write, WritePurge, named_by_write, purge_of_write};
pub use x_cache::XCache;

#[cfg(test)]
pub(crate) mod tests;
