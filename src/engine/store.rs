//! What of an answer is stored, or why it is not.

use super::Plan;
use super::plan::merge;
use super::serve::set_client_ttl;
use crate::config::Config;
use crate::graphql::{
    Analysis, Outcome, ResponseJson, TypeKnowledge, facts, outcome, types_of_root_field,
};
use crate::http::{AnswerCoding, Headers, Request};
use crate::policy::{
    NotStored, Permission, ReceivedHead, ResponseDirectives, Rule, Vary, date_of, entity_tag,
    lifetime, storable, strong_etag, variant, varies_on,
};
use crate::purge::Mark;
use crate::stored::{Entry, Meta};
use crate::tag::{TagSet, origin_tags};
use crate::time::Ttl;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Headers that are not stored: those of one connection or one transfer (RFC 9111 §3.1), those
/// that set cookies, those for other caches, and those that Evergraph writes itself.
const NOT_STORED: [&str; 24] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "set-cookie",
    "cache-tag",
    "surrogate-key",
    "surrogate-control",
    "cdn-cache-control",
    "xkey",
    "age",
    "x-cache",
    "cf-ray",
    "cf-cache-status",
    "evergraph-purge",
    "evergraph-key",
    "evergraph-tags",
];

/// Request headers that could change an answer and are no part of any key. An origin that
/// believes them would let one client write what all others read.
const NOT_FORWARDED: [&str; 9] = [
    "forwarded",
    "front-end-https",
    "x-host",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Request headers of one connection alone (RFC 9110 §7.6.1).
const OF_ONE_CONNECTION: [&str; 6] =
    ["connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "upgrade"];

/// Request headers that ask for something else than the whole answer.
const CONDITIONAL: [&str; 6] =
    ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range"];

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct FetchedResponse<'a> {
    /// The client's request.
    pub request: &'a Request,
    /// The answer's head.
    pub received: ReceivedHead<'a>,
    /// The whole body.
    pub body: Rc<[u8]>,
    /// Where the log stood before the origin was asked.
    pub mark: Mark,
}

/// What became of an answer that was looked at for storing.
#[derive(Debug, Clone, PartialEq)]
pub struct StorableEntry {
    /// The entry.
    pub entry: Entry,
    /// The GraphQL types that the answer showed.
    pub types: BTreeSet<String>,
    /// Whether it shows that the schema is not that of this API.
    pub contradicts_schema: bool,
}

/// The headers with which the origin is asked for an answer that may be stored. What the
/// configuration puts in a key reaches the origin.
pub fn origin_request_headers(config: &Config, headers: &Headers) -> Headers {
    let mut headers = headers.clone();
    for name in CONDITIONAL.iter().chain(&OF_ONE_CONNECTION) {
        headers.remove(name);
    }
    // The client's address changes no answer that may be shared; the scheme is in the key.
    let is_unkeyed = |name: &str| {
        NOT_FORWARDED.contains(&name)
            || (name.starts_with("x-forwarded-")
                && !matches!(name, "x-forwarded-for" | "x-forwarded-proto"))
    };
    headers.retain(|name| !is_unkeyed(name) || config.keys_by_header(name));
    // The runtime undoes gzip; an entry is kept as the client gets it.
    headers.set("accept-encoding", "gzip");
    headers
}

/// The entry for a GraphQL answer. The types in it may shorten its life, add tags, or forbid to
/// store it.
pub fn graphql_entry(
    config: &Config,
    plan: &Plan,
    analysis: &Analysis,
    knowledge: &TypeKnowledge<'_>,
    shown: ResponseJson<'_>,
    fetched: FetchedResponse<'_>,
) -> Result<StorableEntry, NotStored> {
    let ReceivedHead { status, headers, .. } = fetched.received;
    if status != 200 {
        return Err(NotStored::Status);
    }
    if !is_graphql_json(headers) {
        return Err(NotStored::ContentType);
    }
    let Outcome::Data(data) = outcome(shown.json) else { return Err(NotStored::Errors) };
    let facts = facts(shown, data, &analysis.shape, knowledge);

    let shown_types: Vec<&str> = facts.types.iter().map(String::as_str).collect();
    let by_answer = config.types_of_answer(&shown_types);
    let mut types: Vec<_> =
        config.types.iter().filter(|one| plan.type_names.contains(&one.name)).collect();
    types.extend(by_answer.iter().filter(|one| !plan.type_names.contains(&one.name)));
    let by_default = types.is_empty();
    let declares = |name: &str| !config.types_of_answer(&[name]).is_empty();
    let is_declared = |field: &String| {
        let own = types_of_root_field(shown, data, &analysis.shape, field);
        own.is_some_and(|own| own.into_iter().all(declares))
    };
    let has_default = !plan.undeclared.iter().all(is_declared);
    if has_default {
        types.push(&config.default_type);
    }
    let mut merged = merge(&types).hinted(&analysis.expected, by_default);
    if facts.hint.private && !merged.overriding {
        return Err(NotStored::Private);
    }
    if let Some(seconds) = facts.hint.max_age.filter(|_| !merged.overriding) {
        merged.windows.ttl = merged.windows.ttl.min(Ttl::from_seconds(seconds));
    }
    if facts.types_unknown {
        // A type that is there and not seen could be any of these. One that is never to be cached
        // forbids it; a shorter ttl counts where the configuration says nothing of the query.
        for ttl in config.types_by_answer_alone().iter().filter_map(|one| one.ttl.seconds()) {
            if ttl.is_zero() {
                return Err(NotStored::TypesUnknown);
            }
            if has_default {
                merged.windows.ttl = merged.windows.ttl.min(ttl);
            }
        }
    }
    if merged.windows.ttl.is_zero() {
        return Err(NotStored::TtlZero);
    }
    if merged.scopes.iter().any(|scope| !plan.scopes.contains(scope)) {
        return Err(NotStored::ScopeOfAnswer);
    }
    let permission = Permission { overriding: merged.overriding, ..Permission::default() };
    storable(status, headers, permission)?;
    let rule = match merged.overriding {
        true => Rule::Configured(merged.windows),
        false => Rule::AtMost(merged.windows),
    };
    let mut tags = plan.tags.clone();
    tags.extend(merged.tags);
    tags.extend(facts.tags);
    let terms = Terms { rule, client_ttl: merged.client_ttl, tags };
    let contradicts_schema = facts.contradicts_schema;
    entry(plan, fetched, terms).map(|entry| StorableEntry {
        entry,
        types: facts.types,
        contradicts_schema,
    })
}

/// Under which terms an answer is stored.
pub(super) struct Terms {
    pub rule: Rule,
    pub client_ttl: Option<Ttl>,
    pub tags: TagSet,
}

pub(super) fn entry(
    plan: &Plan,
    fetched: FetchedResponse<'_>,
    terms: Terms,
) -> Result<Entry, NotStored> {
    let FetchedResponse { request, received, body, mark } = fetched;
    let headers = received.headers;
    let Vary::On(vary) = varies_on(headers) else { return Err(NotStored::VaryAny) };
    let lifetime = lifetime(terms.rule, received)?;
    let directives = ResponseDirectives::read(headers);
    let mut tags = terms.tags;
    tags.extend(origin_tags(headers));
    let mut stored = stored_headers(headers, terms.client_ttl, plan.rest.keeps_cdn_cache_control);
    stored.attach_unreadable_of(headers);
    if !stored.has_all_bytes() {
        return Err(NotStored::HeaderBytes);
    }
    let variant = variant(&vary, &request.headers).ok_or(NotStored::RequestHeaderBytes)?;
    // An answer without a date gets one from whoever keeps it (RFC 9110 §6.6.1).
    if let Some(date) = date_of(received.at).filter(|_| !stored.contains("date")) {
        stored.set("date", date);
    }
    let etag_is_ours = received.status == 200 && !stored.contains("etag");
    if etag_is_ours {
        stored.set("etag", entity_tag(&body));
    }
    let meta = Meta {
        key: plan.key.as_str().to_owned(),
        mark,
        stored_at: received.at,
        initial_age: lifetime.initial_age,
        ttl: lifetime.windows.ttl,
        swr: lifetime.windows.swr,
        sie: lifetime.windows.sie,
        status: received.status,
        headers: stored,
        tags: tags.into_iter().map(|tag| tag.as_str().to_owned()).collect(),
        tagging: plan.tagging,
        variant: variant.to_hex(),
        vary,
        type_name: plan.type_name.clone(),
        must_revalidate: lifetime.must_revalidate,
        kept: lifetime.kept,
        etag_is_ours,
        shares_authorized: directives.shares_authorized,
    };
    Ok(Entry { meta, body })
}

/// The headers of an answer as they are stored. Fields that `no-cache` names are for the client of
/// the miss alone.
pub(super) fn stored_headers(
    headers: &Headers,
    client_ttl: Option<Ttl>,
    keeps_cdn: bool,
) -> Headers {
    let mut stored = storable_headers(headers, client_ttl, keeps_cdn);
    for name in ResponseDirectives::read(headers).no_cache_fields {
        stored.remove(&name);
    }
    stored
}

/// The headers of an answer that every client gets, the first one included.
pub fn storable_headers(headers: &Headers, client_ttl: Option<Ttl>, keeps_cdn: bool) -> Headers {
    let named_by_connection = headers.named_by_connection();
    let named = |name: &str| named_by_connection.iter().any(|one| one == name);
    let not_stored =
        |name: &str| NOT_STORED.contains(&name) && !(keeps_cdn && name == "cdn-cache-control");
    let mut stored: Headers =
        headers.iter().filter(|(name, _)| !not_stored(name) && !named(name)).collect();
    stored.attach_original_of(headers);
    set_client_ttl(&mut stored, client_ttl);
    // A coding that the runtime has undone is none of the stored body's, nor is what speaks of its
    // bytes one by one (RFC 9110 §7.7).
    if headers.contains("content-encoding") && AnswerCoding::of(headers).is_decoded() {
        OF_THE_CODED_BODY.iter().for_each(|name| stored.remove(name));
        if stored.is_unreadable("etag") {
            stored.remove("etag");
        } else if let Some(etag) = strong_etag(&stored).map(|etag| format!("W/{etag}")) {
            stored.set("etag", etag);
        }
    }
    stored
}

/// Fields that are of a body's very bytes.
const OF_THE_CODED_BODY: [&str; 5] =
    ["content-encoding", "content-md5", "digest", "content-digest", "repr-digest"];

/// Whether an answer's content type is one of GraphQL's in JSON.
pub fn is_graphql_json(headers: &Headers) -> bool {
    let content_type = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/graphql-response+json", "application/graphql+json"]
        .contains(&kind)
}

#[cfg(test)]
mod tests;
