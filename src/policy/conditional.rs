//! Conditional requests and validators (RFC 9110 §8.8, §13), from clients and to the origin (RFC
//! 9111 §4.3).

use super::date::http_date;
use crate::http::{Headers, Method, Request};

/// A strong entity tag of Evergraph's own, derived from the body.
pub fn entity_tag(body: &[u8]) -> String {
    format!("\"eg-{:032x}\"", xxhash_rust::xxh3::xxh3_128(body))
}

/// Whether a stored response can be validated with the origin.
pub fn has_validator(headers: &Headers) -> bool {
    etag(headers).is_some() || headers.get("last-modified").and_then(http_date).is_some()
}

/// Whether the client already has this response (RFC 9111 §4.3.2): by `If-None-Match`, or by
/// `If-Modified-Since` if there is no `If-None-Match`. `received` is the time at which a response
/// without dates was received, in seconds since the Unix epoch.
pub fn not_modified(request: &Request, response: &Headers, received: u64) -> bool {
    let asked = &request.headers;
    if asked.contains("if-none-match") {
        return etag(response).is_some_and(|etag| matches_any(asked, etag));
    }
    let reads = matches!(request.method, Method::Get | Method::Head);
    let since = asked.get("if-modified-since").filter(|_| reads).and_then(http_date);
    let Some(since) = since else { return false };
    let date = |name| response.get(name).and_then(http_date);
    let modified = match response.contains("last-modified") {
        true => date("last-modified"),
        false => Some(date("date").unwrap_or(received)),
    };
    modified.is_some_and(|modified| modified <= since)
}

/// Weak comparison; `*` matches any entity tag (§13.1.2).
fn matches_any(request: &Headers, etag: &str) -> bool {
    // An entity tag may contain commas, so the list is searched instead of split.
    request.get_all("if-none-match").any(|value| {
        value.trim() == "*"
            || value.trim() == etag.trim()
            || quoted(value).any(|candidate| Some(candidate) == quoted(etag).next())
    })
}

/// The contents of the quoted strings in a list.
fn quoted(list: &str) -> impl Iterator<Item = &str> {
    list.split('"').skip(1).step_by(2)
}

/// The headers that validate a stored response with the origin (RFC 9111 §4.3.1). An entity tag of
/// Evergraph's own is left out, since the origin does not know it.
pub fn validators(stored: &Headers, etag_is_ours: bool) -> Vec<(&'static str, String)> {
    let etag = etag(stored).filter(|_| !etag_is_ours);
    let modified = stored.get("last-modified").filter(|date| http_date(date).is_some());
    let fields = [("if-none-match", etag), ("if-modified-since", modified)];
    fields.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect()
}

/// Whether a 304 selects the stored response for update (RFC 9111 §4.3.4): its entity tag is the
/// stored one, or without an entity tag its date is. An entity tag that cannot be read matches
/// none.
pub fn selects_stored(validation: &Headers, stored: &Headers, etag_is_ours: bool) -> bool {
    let Some(etag) = validation.get("etag") else {
        let dates = validation.get("last-modified").zip(stored.get("last-modified"));
        return dates.is_none_or(|(one, other)| one.trim() == other.trim());
    };
    if validation.is_unreadable("etag") {
        return false;
    }
    let stored_is_unreadable = stored.is_unreadable("etag");
    let same = |stored: &str| !stored_is_unreadable && same_weakly(stored, etag);
    etag_is_ours || stored.get("etag").is_none_or(same)
}

/// Whether the response to a HEAD matches a stored response (RFC 9111 §4.3.5): its validators and
/// length are the same. `None` if they have no validator in common, so that it is unknown whether
/// the body has changed.
pub fn head_matches_stored(
    head: &Headers,
    stored: &Headers,
    etag_is_ours: bool,
    length: usize,
) -> Option<bool> {
    let said = head.get("content-length").filter(|_| !head.contains("content-encoding"));
    if said.is_some_and(|said| said.trim().parse() != Ok(length)) {
        return Some(false);
    }
    let etags = head.get("etag").zip(stored.get("etag")).filter(|_| !etag_is_ours);
    // Two unreadable entity tags may differ although their texts are the same.
    let etags = etags.filter(|(one, other)| one != other || !head.is_unreadable("etag"));
    let dates = head.get("last-modified").zip(stored.get("last-modified"));
    let same = [
        etags.map(|(one, other)| same_weakly(one, other)),
        dates.map(|(one, other)| one.trim() == other.trim()),
    ];
    same.into_iter().flatten().reduce(|one, other| one && other)
}

/// Weak comparison of entity tags (RFC 9110 §8.8.3.2).
fn same_weakly(one: &str, other: &str) -> bool {
    let opaque = |etag: &str| etag.trim().trim_start_matches("W/").to_owned();
    opaque(one) == opaque(other)
}

/// The entity tag, if it is strong (RFC 9110 §8.8.1).
pub fn strong_etag(headers: &Headers) -> Option<&str> {
    etag(headers).map(str::trim).filter(|etag| etag.len() > 2 && etag.starts_with('"'))
}

/// The entity tag, if it is readable. Any other can be neither compared nor sent to the origin.
fn etag(headers: &Headers) -> Option<&str> {
    headers.get("etag").filter(|_| !headers.is_unreadable("etag"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Url;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        fields.iter().copied().collect()
    }

    fn asking(method: &str, fields: &[(&str, &str)]) -> Request {
        let (method, url) = (Method::parse(method), Url::parse("http://h/").unwrap());
        Request { method, url, headers: headers(fields) }
    }

    fn matches(if_none_match: &str, etag: &str) -> bool {
        let request = asking("GET", &[("if-none-match", if_none_match)]);
        not_modified(&request, &headers(&[("etag", etag)]), 0)
    }

    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

    #[test]
    fn rfc_9110_section_13_1_2_entity_tags_are_compared_weakly() {
        assert!(
            matches("\"a\"", "\"a\"") && matches("W/\"a\"", "\"a\"") && matches("\"a\"", "W/\"a\"")
        );
        assert!(matches("\"x\", W/\"a,b\"", "\"a,b\"") && matches(" * ", "\"a\""));
        assert!(!matches("\"b\"", "\"a\"") && !matches("a", "\"a\"") && !matches("", "\"a\""));
    }

    #[test]
    fn rfc_9110_section_13_1_3_dates_count_where_no_entity_tag_is_asked_for() {
        let known = |request: &[(&str, &str)], response: &[(&str, &str)]| {
            not_modified(&asking("GET", request), &headers(response), 784_111_777)
        };
        let posted = asking("POST", &[("if-modified-since", LATER)]);
        assert!(!not_modified(&posted, &headers(&[("last-modified", EARLIER)]), 0));
        let modified = [("last-modified", EARLIER)];
        assert!(known(&[("if-modified-since", EARLIER)], &modified));
        assert!(known(&[("if-modified-since", LATER)], &modified));
        assert!(!known(&[("if-modified-since", EARLIER)], &[("last-modified", LATER)]));
        assert!(!known(&[("if-modified-since", "foo")], &modified));
        assert!(!known(&[("if-modified-since", LATER)], &[("last-modified", "foo")]));
        let both = [("if-none-match", "\"b\""), ("if-modified-since", LATER)];
        assert!(!known(&both, &[("etag", "\"a\""), ("last-modified", EARLIER)]));
        assert!(known(&[("if-modified-since", EARLIER)], &[("date", EARLIER)]));
        assert!(known(&[("if-modified-since", EARLIER)], &[]));
        assert!(!known(&[("if-modified-since", EARLIER)], &[("date", LATER)]));
    }

    #[test]
    fn section_4_3_1_the_origin_is_asked_by_its_own_validators() {
        let stored = headers(&[("etag", "\"a\""), ("last-modified", EARLIER)]);
        let fields = validators(&stored, false);
        assert_eq!(
            fields,
            [("if-none-match", "\"a\"".into()), ("if-modified-since", EARLIER.into())]
        );
        assert_eq!(validators(&stored, true), [("if-modified-since", EARLIER.into())]);
        assert_eq!(validators(&headers(&[("last-modified", "foo")]), false), []);
    }

    #[test]
    fn section_4_3_4_a_304_of_another_entity_tag_is_not_about_the_stored_answer() {
        let stored = headers(&[("etag", "W/\"a\"")]);
        assert!(selects_stored(&headers(&[]), &stored, false));
        assert!(selects_stored(&headers(&[("etag", "\"a\"")]), &stored, false));
        assert!(!selects_stored(&headers(&[("etag", "\"b\"")]), &stored, false));
        assert!(selects_stored(&headers(&[("etag", "\"b\"")]), &stored, true));
    }

    #[test]
    fn section_4_3_5_a_head_of_another_length_or_date_is_of_another_answer() {
        let stored = headers(&[("last-modified", EARLIER), ("etag", "\"a\"")]);
        let same =
            |fields: &[(&str, &str)]| head_matches_stored(&headers(fields), &stored, false, 7);
        assert_eq!(same(&[("last-modified", EARLIER), ("content-length", "7")]), Some(true));
        assert_eq!(same(&[("etag", "\"a\"")]), Some(true));
        for fields in [
            vec![("last-modified", LATER)],
            vec![("last-modified", EARLIER), ("etag", "\"b\"")],
            vec![("etag", "\"a\""), ("content-length", "8")],
            vec![("content-length", "8")],
        ] {
            assert_eq!(same(&fields), Some(false), "{fields:?}");
        }
        assert_eq!(same(&[("content-length", "7")]), None);
        let own_etag = head_matches_stored(&headers(&[("etag", "\"b\"")]), &stored, true, 7);
        assert_eq!(own_etag, None);
    }

    #[test]
    fn entity_tags_that_nobody_can_read_are_never_the_same() {
        let odd = headers(&[("etag", "\"\u{FFFD}\"")]);
        let plain = headers(&[("etag", "\"a\"")]);
        for value in ["\"\u{FFFD}\"", "*", "\"a\""] {
            assert!(!not_modified(&asking("GET", &[("if-none-match", value)]), &odd, 0));
        }
        assert_eq!((validators(&odd, false), strong_etag(&odd)), (vec![], None));
        assert!(!has_validator(&odd));
        for (one, other) in [(&odd, &odd), (&odd, &plain), (&plain, &odd)] {
            assert!(!selects_stored(one, other, false));
        }
        assert_eq!(head_matches_stored(&odd, &odd, false, 0), None);
        assert_eq!(head_matches_stored(&odd, &plain, false, 0), Some(false));
    }

    #[test]
    fn own_tags_follow_the_body() {
        assert_eq!(entity_tag(b"a"), entity_tag(b"a"));
        assert_ne!(entity_tag(b"a"), entity_tag(b"b"));
    }
}
