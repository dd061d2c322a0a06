//! `Cache-Control` and the headers that replace it for shared caches (RFC 9111 §5.2, RFC 9213).
//!
//! Directive names are case-insensitive, and a quoted argument equals the unquoted one (§5.2). If a
//! directive is repeated, the stricter one applies. An argument that is not a number counts as 0,
//! so the response is stale (§4.2.1).

use super::directives::{Directive, parse_directives};
use super::targeted::members_of;
use crate::http::Headers;
use crate::time::Ttl;

/// The directives of a response that matter to a shared cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// `no-store`
    pub no_store: bool,
    /// `private`, with or without field names
    pub private: bool,
    /// `no-cache` without field names
    pub no_cache: bool,
    /// The fields that `no-cache` lists, in lower case. Without them the response may be used
    /// without validation (§5.2.2.4)
    pub no_cache_fields: Vec<String>,
    /// `public`
    pub public: bool,
    /// `must-understand`
    pub must_understand: bool,
    /// `must-revalidate`, `proxy-revalidate`, or `s-maxage`, which implies it (§5.2.2.10)
    pub must_revalidate: bool,
    /// Whether the response to a request with `Authorization` may be shared (§3.5)
    pub shares_authorized: bool,
    /// `s-maxage`, otherwise `max-age`
    pub max_age: Option<Ttl>,
    /// `stale-while-revalidate` (RFC 5861 §3)
    pub stale_while_revalidate: Option<Ttl>,
    /// `stale-if-error` (RFC 5861 §4)
    pub stale_if_error: Option<Ttl>,
    /// Whether a targeted header such as `CDN-Cache-Control` takes precedence. `Expires` is ignored
    /// then (RFC 9213 §2.1)
    pub targeted: bool,
}

/// The directives of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `no-cache`, or `Pragma: no-cache` without `Cache-Control` (§5.4)
    pub no_cache: bool,
    /// `no-store`
    pub no_store: bool,
    /// `only-if-cached`
    pub only_if_cached: bool,
    /// `max-age`: the response must not be older
    pub max_age: Option<Ttl>,
    /// `min-fresh`: the response must stay fresh for at least this long
    pub min_fresh: Option<Ttl>,
    /// `max-stale`: the response may be stale by at most this long; by any time if no number is
    /// given
    pub max_stale: Option<Ttl>,
}

impl ResponseDirectives {
    /// Reads the directives of a response. The first of these headers that is present and valid
    /// takes precedence: `CDN-Cache-Control`, `Surrogate-Control`, `Cache-Control`.
    pub fn read(headers: &Headers) -> Self {
        if let Some(members) = targeted_members(headers) {
            return Self { targeted: true, ..Self::of(members) };
        }
        Self::of(parse_directives(headers, "cache-control"))
    }

    fn of(directives: Vec<Directive>) -> Self {
        let mut read = Self::default();
        let mut max_age = None;
        let mut s_maxage = None;
        for (name, argument) in directives {
            match name.as_str() {
                "no-store" => read.no_store = true,
                "private" => read.private = true,
                "public" => read.public = true,
                "must-understand" => read.must_understand = true,
                "no-cache" => {
                    let fields = field_names(argument.as_deref().unwrap_or_default());
                    read.no_cache |= fields.is_empty();
                    read.no_cache_fields.extend(fields);
                }
                "must-revalidate" => {
                    read.must_revalidate = true;
                    read.shares_authorized = true;
                }
                "proxy-revalidate" => read.must_revalidate = true,
                "max-age" => max_age = Some(smaller(max_age, seconds(argument))),
                "s-maxage" => {
                    s_maxage = Some(smaller(s_maxage, seconds(argument)));
                    read.must_revalidate = true;
                    read.shares_authorized = true;
                }
                "stale-while-revalidate" => {
                    read.stale_while_revalidate =
                        Some(smaller(read.stale_while_revalidate, seconds(argument)));
                }
                "stale-if-error" => {
                    read.stale_if_error = Some(smaller(read.stale_if_error, seconds(argument)));
                }
                _ => {}
            }
        }
        read.shares_authorized |= read.public;
        read.max_age = s_maxage.or(max_age);
        read
    }
}

impl RequestDirectives {
    /// Reads the directives of a request.
    pub fn read(headers: &Headers) -> Self {
        let mut read = Self::default();
        if !headers.contains("cache-control") {
            read.no_cache = headers.members("pragma").any(|m| m.eq_ignore_ascii_case("no-cache"));
            return read;
        }
        for (name, argument) in parse_directives(headers, "cache-control") {
            match name.as_str() {
                "no-cache" => read.no_cache = true,
                "no-store" => read.no_store = true,
                "only-if-cached" => read.only_if_cached = true,
                "max-age" => read.max_age = Some(smaller(read.max_age, seconds(argument))),
                "min-fresh" => read.min_fresh = read.min_fresh.max(Some(seconds(argument))),
                "max-stale" => {
                    let most = argument.map_or(Ttl::MAX, |argument| seconds(Some(argument)));
                    read.max_stale = Some(smaller(read.max_stale, most));
                }
                _ => {}
            }
        }
        read
    }
}

fn field_names(list: &str) -> Vec<String> {
    let names = list.split(',').map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty()).collect()
}

/// The directives of the first valid targeted header (RFC 9213): `CDN-Cache-Control`, which is a
/// structured field, or `Surrogate-Control`, which has the syntax of `Cache-Control` and only
/// counts if it contains `max-age` or `no-store`.
fn targeted_members(headers: &Headers) -> Option<Vec<Directive>> {
    if let Some(members) = headers.joined("cdn-cache-control").and_then(|value| members_of(&value))
    {
        return Some(members);
    }
    let members = parse_directives(headers, "surrogate-control");
    let speaks = members.iter().any(|(name, _)| matches!(name.as_str(), "max-age" | "no-store"));
    speaks.then_some(members)
}

/// Parses delta-seconds (§1.2.2): digits only. A number that is too large counts as the largest
/// possible.
fn seconds(argument: Option<String>) -> Ttl {
    let text = argument.unwrap_or_default();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Ttl::ZERO;
    }
    text.parse().map_or(Ttl::MAX, Ttl::from_seconds)
}

fn smaller(before: Option<Ttl>, now: Ttl) -> Ttl {
    before.map_or(now, |before| before.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(value: &str) -> ResponseDirectives {
        ResponseDirectives::read(&[("cache-control", value)].into_iter().collect())
    }

    #[test]
    fn s_maxage_goes_before_max_age() {
        assert_eq!(response("max-age=5, S-MaxAge=\"9\"").max_age, Some(Ttl::from_seconds(9)));
    }

    #[test]
    fn of_two_the_stricter_wins_and_a_broken_one_is_stale() {
        assert_eq!(response("max-age=5, max-age=3").max_age, Some(Ttl::from_seconds(3)));
        assert_eq!(response("max-age=-1").max_age, Some(Ttl::ZERO));
        assert_eq!(response("max-age").max_age, Some(Ttl::ZERO));
        assert_eq!(response("max-age=99999999999999999999").max_age, Some(Ttl::MAX));
    }

    #[test]
    fn what_stands_in_quotes_is_no_directive() {
        let read = response("ext=\"no-store, private\", no-cache=\"set-cookie\"");
        assert!(!read.no_store && !read.private && !read.no_cache);
        assert_eq!(read.no_cache_fields, ["set-cookie"]);
        assert!(response("no-cache=\"a\", no-cache").no_cache);
    }

    #[test]
    fn what_stands_behind_a_quote_that_nothing_closes_is_a_directive() {
        for value in ["max-age=5, ext=\"a, no-store", "ext=\"a\\\", no-store"] {
            assert!(response(value).no_store, "{value}");
        }
        assert!(!response("ext=\"a\\\", no-store\"").no_store);
    }

    #[test]
    fn section_3_5_what_shares_an_authorized_answer() {
        for value in ["public", "must-revalidate", "s-maxage=1"] {
            assert!(response(value).shares_authorized, "{value}");
        }
        for value in ["max-age=1", "proxy-revalidate", "private", ""] {
            assert!(!response(value).shares_authorized, "{value}");
        }
    }

    #[test]
    fn rfc_9213_a_targeted_field_has_all_the_say() {
        let read = |fields: &[(&str, &str)]| {
            ResponseDirectives::read(&fields.iter().copied().collect::<Headers>())
        };
        let cdn = ("cdn-cache-control", "max-age=60");
        let surrogate = ("surrogate-control", "max-age=30, content=\"ESI/1.0\"");
        let own = ("cache-control", "no-store, max-age=5");
        for (fields, max_age, targeted) in [
            (vec![own, surrogate, cdn], 60, true),
            (vec![own, surrogate], 30, true),
            (vec![own, ("surrogate-control", "content=\"ESI/1.0\"")], 5, false),
            (vec![own, ("cdn-cache-control", "max-age=\"60\"")], 5, false),
            (vec![own, ("cdn-cache-control", "")], 5, false),
        ] {
            let read = read(&fields);
            assert_eq!(read.max_age, Some(Ttl::from_seconds(max_age)), "{fields:?}");
            assert_eq!((read.targeted, read.no_store), (targeted, !targeted), "{fields:?}");
        }
        assert!(read(&[own, ("cdn-cache-control", "private")]).private);
        assert_eq!(read(&[own, ("cdn-cache-control", "foo")]).max_age, None);
    }

    #[test]
    fn max_stale_without_a_number_is_any() {
        let read = |value: &str| {
            RequestDirectives::read(&[("cache-control", value)].into_iter().collect()).max_stale
        };
        assert_eq!(read("max-stale"), Some(Ttl::MAX));
        assert_eq!(read("max-stale=5"), Some(Ttl::from_seconds(5)));
        assert_eq!(read("max-stale=x"), Some(Ttl::ZERO));
        assert_eq!(read("max-stale, max-stale=7"), Some(Ttl::from_seconds(7)));
    }

    #[test]
    fn of_two_min_fresh_the_greater_is_the_stricter() {
        let headers = [("cache-control", "min-fresh=7, min-fresh=x")].into_iter().collect();
        assert_eq!(RequestDirectives::read(&headers).min_fresh, Some(Ttl::from_seconds(7)));
    }

    #[test]
    fn pragma_counts_where_there_is_no_cache_control() {
        let read = |fields: &[(&str, &str)]| {
            RequestDirectives::read(&fields.iter().copied().collect::<Headers>()).no_cache
        };
        assert!(read(&[("pragma", "No-Cache")]));
        assert!(!read(&[("pragma", "no-cache"), ("cache-control", "max-age=1")]));
    }
}
