//! Whether a response may be stored at all (RFC 9111 §3).

use super::cache_control::ResponseDirectives;
use super::not_stored::NotStored;
use super::vary::{Vary, varies_on};
use crate::http::{Headers, fields};
use crate::limits;

/// What the configuration permits for a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permission {
    /// `no-store`, `private`, `Set-Cookie` and `Vary: Cookie` do not forbid it.
    pub overriding: bool,
    /// `Set-Cookie` is removed, so it does not forbid storing.
    pub strip_set_cookie: bool,
    /// The request has `Authorization`, so the response may be shared only if the origin says so.
    pub authorized: bool,
    /// The configuration lists the response's status.
    pub names_status: bool,
}

/// Statuses whose meaning for caches is known (RFC 9110 §15), except those that answer one request
/// only.
const UNDERSTOOD: [u16; 39] = [
    200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406,
    407, 408, 409, 410, 411, 413, 414, 415, 417, 421, 422, 426, 431, 451, 500, 501, 502, 503, 504,
    505,
];

/// Statuses that answer a condition or range of one request (RFC 9110 §13, §14), and are no
/// response for clients that ask for the whole.
const OF_ONE_REQUEST: [u16; 4] = [206, 304, 412, 416];

/// Statuses about the client or its request rate: responses to credentials and rates (RFC 9110
/// §15.5.2, §15.5.4, §15.5.8), and those that RFC 6585 forbids caches to store. Their `max-age` is
/// for that client.
const OF_ONE_CLIENT: [u16; 7] = [401, 403, 407, 428, 429, 431, 511];

/// Whether status and headers allow a response to be stored (RFC 9111 §3).
pub fn storable(status: u16, headers: &Headers, permission: Permission) -> Result<(), NotStored> {
    if !(200..600).contains(&status) || OF_ONE_REQUEST.contains(&status) {
        return Err(NotStored::Status);
    }
    if OF_ONE_CLIENT.contains(&status) && !permission.names_status {
        return Err(NotStored::Status);
    }
    head_storable(status, headers, permission)
}

/// Whether the headers allow a response to be stored, whatever its status.
pub fn head_storable(
    status: u16,
    headers: &Headers,
    permission: Permission,
) -> Result<(), NotStored> {
    let content_type = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
    if content_type.starts_with("text/event-stream") || content_type.starts_with("multipart/") {
        return Err(NotStored::Stream);
    }
    if varies_on(headers) == Vary::Any {
        return Err(NotStored::VaryAny);
    }
    if headers.bytes() > limits::STORED_HEADER_BYTES {
        return Err(NotStored::HeadersTooLarge);
    }
    if fields::READ_BEFORE_STORING.iter().any(|name| headers.is_unreadable(name)) {
        return Err(NotStored::HeaderBytes);
    }
    let directives = ResponseDirectives::read(headers);
    if permission.authorized && !directives.shares_authorized {
        return Err(NotStored::Authorization);
    }
    if permission.overriding {
        return Ok(());
    }
    // `must-understand` overrides `no-store` if the cache knows the status (RFC 9111 §5.2.2.3).
    let forbidden = match directives.must_understand {
        true => !UNDERSTOOD.contains(&status),
        false => directives.no_store,
    };
    if forbidden {
        return Err(NotStored::NoStore);
    }
    if directives.private {
        return Err(NotStored::Private);
    }
    if headers.contains("set-cookie") && !permission.strip_set_cookie {
        return Err(NotStored::SetCookie);
    }
    if headers.members("vary").any(|name| name.eq_ignore_ascii_case("cookie")) {
        return Err(NotStored::VaryCookie);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(fields: &[(&str, &str)], overriding: bool) -> Result<(), NotStored> {
        let permission = Permission { overriding, ..Permission::default() };
        storable(200, &fields.iter().copied().collect(), permission)
    }

    fn status(status: u16, cache_control: &str) -> Result<(), NotStored> {
        let headers = [("cache-control", cache_control)].into_iter().collect();
        storable(status, &headers, Permission::default())
    }

    #[test]
    fn each_reason_forbids() {
        for (field, reason) in [
            (("cache-control", "No-Store"), NotStored::NoStore),
            (("cache-control", "private=\"x\""), NotStored::Private),
            (("set-cookie", "a=b"), NotStored::SetCookie),
            (("vary", "Accept, Cookie"), NotStored::VaryCookie),
        ] {
            assert_eq!(stored(&[field], false), Err(reason));
            assert_eq!(stored(&[field], true), Ok(()));
        }
    }

    #[test]
    fn section_3_final_statuses_are_stored_and_those_of_one_request_are_not() {
        for one in [200, 204, 299, 301, 404, 500, 599] {
            assert_eq!(status(one, ""), Ok(()), "{one}");
        }
        for one in [101, 206, 304, 412, 416, 600, 999] {
            assert_eq!(status(one, "max-age=60"), Err(NotStored::Status), "{one}");
        }
    }

    #[test]
    fn statuses_about_one_client_are_stored_only_where_they_are_named() {
        let headers = [("cache-control", "public, max-age=60, s-maxage=60")].into_iter().collect();
        for (one, stored) in [
            (401, false),
            (403, false),
            (407, false),
            (428, false),
            (429, false),
            (431, false),
            (511, false),
            (200, true),
            (400, true),
            (402, true),
            (404, true),
            (410, true),
            (451, true),
        ] {
            let expected = if stored { Ok(()) } else { Err(NotStored::Status) };
            for overriding in [false, true] {
                let permission = Permission { overriding, ..Permission::default() };
                assert_eq!(storable(one, &headers, permission), expected, "{one}");
            }
            let named = Permission { names_status: true, ..Permission::default() };
            assert_eq!(storable(one, &headers, named), Ok(()), "{one}");
        }
    }

    #[test]
    fn section_5_2_2_3_must_understand_goes_before_no_store_where_it_is_met() {
        assert_eq!(status(200, "no-store, must-understand"), Ok(()));
        assert_eq!(status(599, "no-store, must-understand"), Err(NotStored::NoStore));
        assert_eq!(status(599, "must-understand"), Err(NotStored::NoStore));
    }

    #[test]
    fn section_3_5_authorized_answers_need_the_origins_word() {
        let authorized = Permission { authorized: true, ..Permission::default() };
        let stored = |value: &str| {
            storable(200, &[("cache-control", value)].into_iter().collect(), authorized)
        };
        assert_eq!(stored("max-age=60"), Err(NotStored::Authorization));
        assert_eq!(stored("max-age=60, public"), Ok(()));
        assert_eq!(stored("private, must-revalidate"), Err(NotStored::Private));
    }

    #[test]
    fn a_cookie_that_is_taken_off_forbids_nothing_and_large_headers_do() {
        let stripped = Permission { strip_set_cookie: true, ..Permission::default() };
        let cookie = [("set-cookie", "a=b")].into_iter().collect();
        assert_eq!(storable(200, &cookie, stripped), Ok(()));
        let large = "a".repeat(limits::STORED_HEADER_BYTES);
        assert_eq!(stored(&[("x", &large)], true), Err(NotStored::HeadersTooLarge));
    }

    #[test]
    fn only_the_headers_of_an_answer_that_succeeded_speak_of_the_next_one() {
        for reason in [NotStored::NoStore, NotStored::SetCookie, NotStored::VaryAny] {
            assert!(reason.will_recur(200) && reason.will_recur(304), "{}", reason.as_str());
            for status in [400, 401, 404, 429, 500, 503] {
                assert!(!reason.will_recur(status), "{} {status}", reason.as_str());
            }
        }
        for reason in [NotStored::Errors, NotStored::Broken, NotStored::Status] {
            assert!(!reason.will_recur(200), "{}", reason.as_str());
        }
    }

    #[test]
    fn some_reasons_cannot_be_overridden() {
        for name in ["vary", "cache-tag", "surrogate-key", "xkey"] {
            assert_eq!(stored(&[(name, "caf\u{FFFD}")], true), Err(NotStored::HeaderBytes));
        }
        assert_eq!(stored(&[("x-name", "caf\u{E9}")], false), Ok(()));
        assert_eq!(stored(&[("vary", "accept, *")], true), Err(NotStored::VaryAny));
        assert_eq!(stored(&[("content-type", "Text/Event-Stream")], true), Err(NotStored::Stream));
    }
}
