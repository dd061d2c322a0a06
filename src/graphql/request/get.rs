//! GraphQL by GET.

use super::error::Unread;
use super::form::Form;
use super::members::{Members, text_to_json};
use super::mutation_text::url_shows_mutation;
use super::parameters::{
    MEMBERS, check_names, hides_a_number, is_member_in_other_case, read_members,
};
use super::query::{Query, Sent};
use crate::http::{form_pairs, has_one_decoding};

/// Reads a GET. Servers must not run a mutation for it, but some do: what cannot be read is possibly
/// one. A document that is named by a hash or an id is none.
pub fn read_get(url_query: Option<&str>) -> Form {
    let url_query = url_query.unwrap_or_default();
    let unread = |reason| Form::Unread { reason, may_be_mutation: url_shows_mutation(url_query) };
    let Some(pairs) = form_pairs(url_query) else {
        return unread(Unread::Unparsable);
    };
    let mut is_ambiguous = false;
    let pieces = url_query.split('&').filter(|piece| !piece.is_empty());
    let mut members = Members::default();
    let mut seen: Vec<String> = Vec::new();
    for ((name, value), piece) in pairs.into_iter().zip(pieces) {
        if !MEMBERS.contains(&name.as_str()) {
            if is_member_in_other_case(&name) {
                return unread(Unread::Persisted);
            }
            continue;
        }
        if seen.contains(&name) {
            return unread(Unread::Unparsable); // which of the two counts differs by server
        }
        seen.push(name.clone());
        is_ambiguous |= !has_one_decoding(piece);
        if hides_a_number(value.as_bytes()) {
            return unread(Unread::Unparsable);
        }
        if value.is_empty() {
            continue;
        }
        let raw = match name.as_str() {
            "variables" | "extensions" => value,
            _ => text_to_json(&value),
        };
        if let Err(reason) = check_names(raw.as_bytes()) {
            return unread(reason);
        }
        if !members.set(&name, raw) {
            return unread(Unread::Unparsable);
        }
    }
    match read_members(&members) {
        Ok(query) => {
            let sent = Sent::Url(url_query.to_owned());
            Form::Query(Query { sent, is_ambiguous, ..query })
        }
        Err(reason) => unread(reason),
    }
}
