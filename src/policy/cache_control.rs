//! `Cache-Control` (RFC 9111 §5.2).
//!
//! Directives are matched without regard to case; quoted arguments count as their content
//! (§5.2). Of a directive that comes twice the stricter wins, and an argument that is no number
//! counts as 0, which is stale (§4.2.1).

use crate::http::Headers;
use crate::time::Ttl;

/// The directives of an answer that a shared cache heeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// `no-store`
    pub no_store: bool,
    /// `private`, with or without field names
    pub private: bool,
    /// `no-cache`, with or without field names
    pub no_cache: bool,
    /// `must-revalidate`, `proxy-revalidate`, or what `s-maxage` implies of it (§5.2.2.10)
    pub must_revalidate: bool,
    /// `s-maxage`, or else `max-age`
    pub max_age: Option<Ttl>,
    /// `stale-while-revalidate` (RFC 5861 §3)
    pub stale_while_revalidate: Option<Ttl>,
    /// `stale-if-error` (RFC 5861 §4)
    pub stale_if_error: Option<Ttl>,
}

/// The directives of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `no-cache`, or `Pragma: no-cache` where there is no `Cache-Control` (§5.4)
    pub no_cache: bool,
    /// `no-store`
    pub no_store: bool,
    /// `only-if-cached`
    pub only_if_cached: bool,
    /// `max-age`: no older answer is wanted
    pub max_age: Option<Ttl>,
    /// `min-fresh`: the answer is to be fresh for that much longer
    pub min_fresh: Option<Ttl>,
}

impl ResponseDirectives {
    /// Reads an answer's directives.
    pub fn read(headers: &Headers) -> Self {
        let mut read = Self::default();
        let mut max_age = None;
        let mut s_maxage = None;
        for (name, argument) in directives(headers) {
            match name.as_str() {
                "no-store" => read.no_store = true,
                "private" => read.private = true,
                "no-cache" => read.no_cache = true,
                "must-revalidate" | "proxy-revalidate" => read.must_revalidate = true,
                "max-age" => max_age = Some(smaller(max_age, seconds(argument))),
                "s-maxage" => {
                    s_maxage = Some(smaller(s_maxage, seconds(argument)));
                    read.must_revalidate = true;
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
        read.max_age = s_maxage.or(max_age);
        read
    }
}

impl RequestDirectives {
    /// Reads a request's directives.
    pub fn read(headers: &Headers) -> Self {
        let mut read = Self::default();
        if !headers.contains("cache-control") {
            read.no_cache = headers.members("pragma").any(|m| m.eq_ignore_ascii_case("no-cache"));
            return read;
        }
        for (name, argument) in directives(headers) {
            match name.as_str() {
                "no-cache" => read.no_cache = true,
                "no-store" => read.no_store = true,
                "only-if-cached" => read.only_if_cached = true,
                "max-age" => read.max_age = Some(smaller(read.max_age, seconds(argument))),
                "min-fresh" => read.min_fresh = Some(seconds(argument)),
                _ => {}
            }
        }
        read
    }
}

/// The directives in order: names in lower case, arguments without their quotes.
fn directives(headers: &Headers) -> Vec<(String, Option<String>)> {
    headers
        .get_all("cache-control")
        .flat_map(split_outside_quotes)
        .map(|directive| {
            let (name, argument) = match directive.split_once('=') {
                Some((name, argument)) => {
                    (name, Some(argument.trim().trim_matches('"').to_owned()))
                }
                None => (directive.as_str(), None),
            };
            (name.trim().to_ascii_lowercase(), argument)
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

fn split_outside_quotes(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for character in value.chars() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

/// delta-seconds (§1.2.2): digits; too many mean the largest there is.
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
        assert!(!read.no_store && !read.private && read.no_cache);
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
