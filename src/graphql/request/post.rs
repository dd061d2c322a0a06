//! Reads GraphQL requests by POST (GraphQL over HTTP, draft): JSON, alone or as a batch, or a bare
//! document, compressed or not.

use super::error::RequestError;
use super::form::RequestForm;
use super::json_size::JsonSize;
use super::members::Members;
use super::mutation_keyword::may_hold_mutation;
use super::operation_request::{DocumentSource, OperationRequest, WireForm};
use super::parameters::{
    PARAMETERS, check_member_names, holds_serde_number_token, read_parameters,
};
use crate::http::{Headers, decoded_body, form_pairs};
use crate::limits::{Amounts, Limit};

/// Reads a POST request.
pub fn read_post(
    headers: &Headers,
    url_query: Option<&str>,
    body: &[u8],
    limits: &Amounts,
) -> RequestForm {
    let unreadable = |reason, may_be_mutation| RequestForm::Unreadable { reason, may_be_mutation };
    let kind = body_format(headers.get("content-type").unwrap_or_default());
    let Some(kind) = kind else { return unreadable(RequestError::ContentType, true) };
    // Some servers also separate parameters by semicolons.
    let in_url = form_pairs(&url_query.unwrap_or_default().replace(';', "&"));
    let in_url = in_url.is_none_or(|pairs| {
        pairs.iter().any(|(name, _)| PARAMETERS.contains(&name.as_str()) && name != "id")
    });
    if in_url {
        return unreadable(RequestError::QueryInUrl, true);
    }
    let coding = headers.joined("content-encoding").unwrap_or_default();
    let has_ambiguous_encoding =
        !matches!(coding.trim().to_ascii_lowercase().as_str(), "" | "identity");
    if !has_ambiguous_encoding {
        return read_body(kind, body, limits);
    }
    let Some(plain) = decoded_body(&coding, body, limits.of(Limit::Bytes)) else {
        return unreadable(RequestError::ContentEncoding, true);
    };
    if kind == BodyFormat::Json && is_list(&plain) {
        return unreadable(RequestError::ContentEncoding, true);
    }
    match read_body(kind, &plain, limits) {
        // The coding is part of the key, because a server that does not support it rejects the
        // request.
        RequestForm::Single(query) => {
            let other_members = format!("{} {}", coding.to_ascii_lowercase(), query.other_members);
            RequestForm::Single(OperationRequest { is_compressed: true, other_members, ..query })
        }
        form => form,
    }
}

fn read_body(kind: BodyFormat, body: &[u8], limits: &Amounts) -> RequestForm {
    let unreadable =
        |reason| RequestForm::Unreadable { reason, may_be_mutation: may_hold_mutation(body) };
    if kind == BodyFormat::Document {
        return match std::str::from_utf8(body) {
            Ok(document) if !document.trim().is_empty() => RequestForm::Single(OperationRequest {
                source: DocumentSource::Text { document: document.to_owned(), hash: None },
                operation_name: None,
                variables: None,
                other_members: "application/graphql".to_owned(),
                has_unkeyed_extensions: false,
                is_compressed: false,
                has_ambiguous_encoding: false,
                wire_form: WireForm::Document,
            }),
            _ => unreadable(RequestError::Unparsable),
        };
    }
    if holds_serde_number_token(body) {
        return unreadable(RequestError::Unparsable);
    }
    if JsonSize::of(body).values > limits.of(Limit::Values) {
        return unreadable(RequestError::OverLimit(Limit::Values));
    }
    match check_member_names(body) {
        // It is not known which member the origin uses.
        Err(RequestError::DuplicateMember) => {
            return RequestForm::Unreadable {
                reason: RequestError::DuplicateMember,
                may_be_mutation: true,
            };
        }
        Err(reason) => return unreadable(reason),
        Ok(()) => {}
    }
    if is_list(body) {
        return read_batch(body, limits);
    }
    let Ok(members) = serde_json::from_slice::<Members>(body) else {
        return unreadable(RequestError::Unparsable);
    };
    match read_parameters(&members) {
        Ok(query) => {
            RequestForm::Single(OperationRequest { wire_form: WireForm::Json(members), ..query })
        }
        // The document is not here, so it is not known what it does.
        Err(reason @ (RequestError::Persisted | RequestError::HashMismatch)) => {
            RequestForm::Unreadable { reason, may_be_mutation: true }
        }
        Err(reason) => unreadable(reason),
    }
}

/// `true` if a body begins like a JSON array.
fn is_list(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"[")
}

fn read_batch(body: &[u8], limits: &Amounts) -> RequestForm {
    let unreadable = |reason, may_be_mutation| RequestForm::Unreadable { reason, may_be_mutation };
    let Ok(items) = serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(body) else {
        return unreadable(RequestError::Unparsable, may_hold_mutation(body));
    };
    if items.len() > limits.of(Limit::Batch) {
        return unreadable(RequestError::OverLimit(Limit::Batch), true);
    }
    let read = |item: &&serde_json::value::RawValue| {
        let members: Members =
            serde_json::from_slice(item.get().as_bytes()).map_err(|_| RequestError::Batch)?;
        read_parameters(&members)
            .map(|query| OperationRequest { wire_form: WireForm::Element(members), ..query })
    };
    let queries: Result<Vec<OperationRequest>, RequestError> = items.iter().map(read).collect();
    match queries {
        Ok(queries) if !queries.is_empty() => RequestForm::Batch(queries),
        Ok(_) => unreadable(RequestError::Batch, false),
        Err(RequestError::Persisted | RequestError::HashMismatch) => {
            unreadable(RequestError::Batch, true)
        }
        Err(_) => unreadable(RequestError::Batch, may_hold_mutation(body)),
    }
}

/// The format of a body, by its content type.
#[derive(Debug, Clone, Copy, PartialEq)]
enum BodyFormat {
    Json,
    Document,
}

/// `application/json` or `application/graphql`, in UTF-8 if there is a `charset`.
fn body_format(content_type: &str) -> Option<BodyFormat> {
    let mut parts = content_type.split(';').map(str::trim);
    let kind = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" => BodyFormat::Json,
        "application/graphql" => BodyFormat::Document,
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
