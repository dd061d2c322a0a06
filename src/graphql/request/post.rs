//! GraphQL by POST.

use super::error::Unread;
use super::form::Form;
use super::json_size::JsonSize;
use super::members::Members;
use super::mutation_text::may_hide_mutation;
use super::parameters::{MEMBERS, check_names, hides_a_number, read_members};
use super::query::{Query, Sent, Source};
use crate::http::{Headers, decoded_body, form_pairs};
use crate::limits::{Amounts, Limit};

/// Reads a POST.
pub fn read_post(
    headers: &Headers,
    url_query: Option<&str>,
    body: &[u8],
    limits: &Amounts,
) -> Form {
    let unread = |reason, may_be_mutation| Form::Unread { reason, may_be_mutation };
    let kind = body_kind(headers.get("content-type").unwrap_or_default());
    let Some(kind) = kind else { return unread(Unread::ContentType, true) };
    // Some servers take a semicolon for what divides parameters too.
    let in_url = form_pairs(&url_query.unwrap_or_default().replace(';', "&"));
    let in_url = in_url.is_none_or(|pairs| {
        pairs.iter().any(|(name, _)| MEMBERS.contains(&name.as_str()) && name != "id")
    });
    if in_url {
        return unread(Unread::QueryInUrl, true);
    }
    let coding = headers.joined("content-encoding").unwrap_or_default();
    let is_ambiguous = !matches!(coding.trim().to_ascii_lowercase().as_str(), "" | "identity");
    if !is_ambiguous {
        return read_body(kind, body, limits);
    }
    let Some(plain) = decoded_body(&coding, body, limits.of(Limit::Bytes)) else {
        return unread(Unread::ContentEncoding, true);
    };
    if kind == BodyKind::Json && is_list(&plain) {
        return unread(Unread::ContentEncoding, true);
    }
    match read_body(kind, &plain, limits) {
        // A server that does not know the coding refuses what it would answer without.
        Form::Query(query) => {
            let others = format!("{} {}", coding.to_ascii_lowercase(), query.others);
            Form::Query(Query { is_coded: true, others, ..query })
        }
        form => form,
    }
}

fn read_body(kind: BodyKind, body: &[u8], limits: &Amounts) -> Form {
    let unread = |reason| Form::Unread { reason, may_be_mutation: may_hide_mutation(body) };
    if kind == BodyKind::Document {
        return match std::str::from_utf8(body) {
            Ok(document) if !document.trim().is_empty() => Form::Query(Query {
                source: Source::Text { document: document.to_owned(), hash: None },
                operation_name: None,
                variables: None,
                others: "application/graphql".to_owned(),
                has_unkeyed_extensions: false,
                is_coded: false,
                is_ambiguous: false,
                sent: Sent::Document,
            }),
            _ => unread(Unread::Unparsable),
        };
    }
    if hides_a_number(body) {
        return unread(Unread::Unparsable);
    }
    if JsonSize::of(body).values > limits.of(Limit::Values) {
        return unread(Unread::OverLimit(Limit::Values));
    }
    match check_names(body) {
        // What the origin takes it for, nobody knows.
        Err(Unread::DuplicateMember) => {
            return Form::Unread { reason: Unread::DuplicateMember, may_be_mutation: true };
        }
        Err(reason) => return unread(reason),
        Ok(()) => {}
    }
    if is_list(body) {
        return read_batch(body, limits);
    }
    let Ok(members) = serde_json::from_slice::<Members>(body) else {
        return unread(Unread::Unparsable);
    };
    match read_members(&members) {
        Ok(query) => Form::Query(Query { sent: Sent::Json(members), ..query }),
        // It names a document that is not here: what that does, nobody knows.
        Err(reason @ (Unread::Persisted | Unread::HashMismatch)) => {
            Form::Unread { reason, may_be_mutation: true }
        }
        Err(reason) => unread(reason),
    }
}

/// Whether a body begins as a JSON list does.
fn is_list(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"[")
}

fn read_batch(body: &[u8], limits: &Amounts) -> Form {
    let unread = |reason, may_be_mutation| Form::Unread { reason, may_be_mutation };
    let Ok(items) = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(body) else {
        return unread(Unread::Unparsable, may_hide_mutation(body));
    };
    if items.len() > limits.of(Limit::Batch) {
        return unread(Unread::OverLimit(Limit::Batch), true);
    }
    let read = |item: &&serde_json::value::RawValue| {
        let members: Members = serde_json::from_str(item.get()).map_err(|_| Unread::Batch)?;
        read_members(&members).map(|query| Query { sent: Sent::Element(members), ..query })
    };
    let queries: Result<Vec<Query>, Unread> = items.iter().map(read).collect();
    match queries {
        Ok(queries) if !queries.is_empty() => Form::Batch(queries),
        Ok(_) => unread(Unread::Batch, false),
        Err(Unread::Persisted | Unread::HashMismatch) => unread(Unread::Batch, true),
        Err(_) => unread(Unread::Batch, may_hide_mutation(body)),
    }
}

/// What a body is by its content type.
#[derive(Debug, Clone, Copy, PartialEq)]
enum BodyKind {
    Json,
    Document,
}

/// `application/json` or `application/graphql`, in UTF-8 where it says so.
fn body_kind(content_type: &str) -> Option<BodyKind> {
    let mut parts = content_type.split(';').map(str::trim);
    let kind = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" => BodyKind::Json,
        "application/graphql" => BodyKind::Document,
        _ => return None,
    };
    let is_utf8 = |value: &str| {
        value.trim().trim_matches('"').to_ascii_lowercase().replace('-', "") == "utf8"
    };
    parts
        .filter_map(|parameter| parameter.split_once('='))
        .all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || is_utf8(value))
        .then_some(kind)
}
