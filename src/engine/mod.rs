//! The decisions: what a request is, whether and under which key its answer may be cached, what
//! of an answer is stored, what a stored answer says to the client, what a write purges.
//!
//! Everything here is pure: values and `now` in, a decision with its reason out.

mod bypass;
mod class;
mod effect;
mod forward;
mod identity;
mod neutral;
mod parts;
mod plan;
mod purge_cookie;
mod purge_token;
mod serve;
mod signals;
mod store;
mod store_rest;
mod token;
mod unreadable;
mod write;

pub use bypass::Bypass;
pub use class::{
    Class, GraphQlRequest, Uncacheable, classify, document_not_known, fails_open, is_upgrade,
    may_write, read_graphql, refused, size_of_request,
};
pub use effect::{Effect, Format, rest_effect};
pub use forward::{
    EvergraphHeaders, forwarded_headers, origin_url, rewrite_location, take_evergraph_headers,
};
pub use identity::{cookie_pairs, scope_tags_changed_by};
pub use plan::{Plan, RestPlan, plan_graphql, plan_rest};
pub use purge_cookie::{is_purge_cookie, purge_cookie, take_purge_cookies};
pub use purge_token::{OwnWriteToken, PurgeKeys};
pub use serve::{
    XCache, has_range, headers_to_client, response_from_entry, shorten_for_client,
    status_of_origin, without_body,
};
pub use signals::SignalName;
pub use store::{
    FetchedResponse, StorableEntry, graphql_entry, is_graphql_json, origin_request_headers,
    storable_headers,
};
pub use store_rest::{
    ValidatedEntry, completed, part_entry, part_key, part_storable, rest_entry, rest_storable,
    updated, validated_entry,
};
pub use token::{SentToken, claim_paths, sent_token};
pub use unreadable::has_unreadable_key_header;
pub use write::{BatchOperation, Write, WritePurge, WriteResponse, purge_of_write};

#[cfg(test)]
mod sharing_tests;
