//! Reads GraphQL requests by GET (GraphQL over HTTP, draft).

use super::error::RequestError;
use super::form::RequestForm;
use super::members::{Members, text_to_json};
use super::mutation_keyword::url_may_hold_mutation;
use super::operation_request::{OperationRequest, WireForm};
use super::parameters::{
    PARAMETERS, check_member_names, holds_serde_number_token, is_member_in_other_case,
    read_parameters,
};
use crate::http::{form_pairs, has_one_decoding};

/// Reads a GET request.
///
/// Servers must not execute mutations by GET, but some do. So a request that cannot be read counts
/// as a possible mutation if it contains the keyword. One that identifies its document by a hash or
/// an id does not.
pub fn read_get(url_query: Option<&str>) -> RequestForm {
    let url_query = url_query.unwrap_or_default();
    let unreadable = |reason| RequestForm::Unreadable {
        reason,
        may_be_mutation: url_may_hold_mutation(url_query),
    };
    let Some(pairs) = form_pairs(url_query) else {
        return unreadable(RequestError::Unparsable);
    };
    let mut has_ambiguous_encoding = false;
    let pieces = url_query.split('&').filter(|piece| !piece.is_empty());
    let mut members = Members::default();
    let mut seen: Vec<String> = Vec::new();
    for ((name, value), piece) in pairs.into_iter().zip(pieces) {
        if !PARAMETERS.contains(&name.as_str()) {
            if is_member_in_other_case(&name) {
                return unreadable(RequestError::Persisted);
            }
            continue;
        }
        if seen.contains(&name) {
            return unreadable(RequestError::Unparsable); // which of the two counts differs by server
        }
        seen.push(name.clone());
        has_ambiguous_encoding |= !has_one_decoding(piece);
        if holds_serde_number_token(value.as_bytes()) {
            return unreadable(RequestError::Unparsable);
        }
        if value.is_empty() {
            continue;
        }
        let raw = match name.as_str() {
            "variables" | "extensions" => value,
            _ => text_to_json(&value),
        };
        if let Err(reason) = check_member_names(raw.as_bytes()) {
            return unreadable(reason);
        }
        if !members.set(&name, raw) {
            return unreadable(RequestError::Unparsable);
        }
    }
    match read_parameters(&members) {
        Ok(query) => {
            let wire_form = WireForm::Url(url_query.to_owned());
            RequestForm::Single(OperationRequest { wire_form, has_ambiguous_encoding, ..query })
        }
        Err(reason) => unreadable(reason),
    }
}
