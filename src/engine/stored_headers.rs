//! Which headers of a response are stored.

use super::client_ttl::set_client_ttl;
use crate::http::{Headers, ResponseCoding, fields};
use crate::policy::{ResponseDirectives, strong_etag};
use crate::time::Ttl;

/// The headers of a stored response. Fields that `no-cache` names are only for the client of the
/// miss.
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

/// The fields that only the client of the miss gets: those that `no-cache` names, and the age of this very response.
/// An entity tag is not among them: what is cut out of the response may have changed it.
pub fn fields_of_the_miss(
    headers: &Headers,
    client_ttl: Option<Ttl>,
    keeps_cdn: bool,
) -> Vec<(String, String)> {
    let values_of = |headers: &Headers, name: &str| {
        let values = headers.get_all(name).map(|value| (name.to_owned(), value.to_owned()));
        values.collect::<Vec<_>>()
    };
    let mut found = values_of(headers, "age");
    let named = ResponseDirectives::read(headers).no_cache_fields;
    if !named.is_empty() {
        let sent = storable_headers(headers, client_ttl, keeps_cdn);
        let names = named.iter().filter(|name| *name != "etag");
        found.extend(names.flat_map(|name| values_of(&sent, name)));
    }
    found
}

/// The headers of a response that every client receives, including the client of the miss.
pub fn storable_headers(headers: &Headers, client_ttl: Option<Ttl>, keeps_cdn: bool) -> Headers {
    let named_by_connection = headers.named_by_connection();
    let named = |name: &str| named_by_connection.iter().any(|one| one == name);
    let not_stored =
        |name: &str| fields::is_never_stored(name) && !(keeps_cdn && name == "cdn-cache-control");
    let mut stored: Headers =
        headers.iter().filter(|(name, _)| !not_stored(name) && !named(name)).collect();
    stored.attach_original_of(headers);
    set_client_ttl(&mut stored, client_ttl);
    // If the runtime decoded the body, its coding no longer applies, nor do the headers that
    // describe its coded bytes (RFC 9110 §7.7).
    if headers.contains("content-encoding") && ResponseCoding::of(headers).is_decoded() {
        fields::CODED_BODY.iter().for_each(|name| stored.remove(name));
        if stored.is_unreadable("etag") {
            stored.remove("etag");
        } else if let Some(etag) = strong_etag(&stored).map(|etag| format!("W/{etag}")) {
            stored.set("etag", etag);
        }
    }
    stored
}
