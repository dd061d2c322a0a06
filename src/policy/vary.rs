//! `Vary`: which request headers a response depends on (RFC 9110 §12.5.5, RFC 9111 §4.1).

use super::directives::split_list;
use crate::http::Headers;
use crate::key::{Digest, DigestBuilder};
use crate::limits;
use crate::order;

/// What a response depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vary {
    /// On something that is not a header (`Vary: *`).
    Any,
    /// On these request headers, in lower case and sorted.
    On(Vec<String>),
}

/// The request headers that a response depends on, by its `Vary` and its
/// `Access-Control-Allow-Origin`. Unless the latter is `*`, the response depends on the request's
/// `Origin`, even if `Vary` does not say so.
///
/// `Accept-Encoding` is left out, since entries are stored without coding. `Cookie` is left out,
/// because `Vary: Cookie` either forbids storing or is overridden by the configuration.
pub fn varies_on(headers: &Headers) -> Vary {
    let mut names: Vec<String> = headers.members("vary").map(str::to_ascii_lowercase).collect();
    if names.iter().any(|name| name == "*") {
        return Vary::Any;
    }
    if headers.get("access-control-allow-origin").map(str::trim) != Some("*") {
        names.push("origin".to_owned());
    }
    names.retain(|name| name != "accept-encoding" && name != "cookie");
    order::sort(&mut names);
    names.dedup();
    if names.len() > limits::VARY_HEADERS { Vary::Any } else { Vary::On(names) }
}

/// A digest of the request's values for these headers. Absent and empty values differ; spaces
/// around commas, and the case of languages, do not matter (RFC 9111 §4.1). `None` if a value has
/// bytes that are not UTF-8, since it could not be told apart from others.
pub fn variant(names: &[String], request: &Headers) -> Option<Digest> {
    if names.iter().any(|name| request.is_unreadable(name)) {
        return None;
    }
    let digest = names.iter().fold(DigestBuilder::new("variant"), |digest, name| {
        let value = request.joined(name).map(|value| normalized_value(name, &value));
        digest.part(name.as_bytes()).optional(value.as_deref())
    });
    Some(digest.finish())
}

/// Removes spaces around commas, except in quotes. Language tags are case-insensitive (RFC 5646
/// §2.1.1); their order is kept, since many origins use it as the order of preference.
fn normalized_value(name: &str, value: &str) -> String {
    let members = split_list(value);
    let members: Vec<&str> = members.iter().map(|member| member.trim()).collect();
    let value = members.join(",");
    if name == "accept-language" { value.to_ascii_lowercase() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(fields: &[(&str, &str)]) -> Vary {
        varies_on(&fields.iter().copied().collect())
    }

    #[test]
    fn origin_counts_unless_everyone_may_read() {
        assert_eq!(on(&[]), Vary::On(vec!["origin".into()]));
        assert_eq!(on(&[("access-control-allow-origin", "*")]), Vary::On(vec![]));
        assert_eq!(
            on(&[("access-control-allow-origin", "*"), ("vary", "X-B, accept-encoding, X-A")]),
            Vary::On(vec!["x-a".into(), "x-b".into()])
        );
        assert_eq!(on(&[("vary", "a"), ("vary", "*")]), Vary::Any);
    }

    #[test]
    fn absent_and_empty_are_two_variants() {
        let names = ["x".to_owned()];
        let of = |fields: &[(&str, &str)]| variant(&names, &fields.iter().copied().collect());
        assert_ne!(of(&[]), of(&[("x", "")]));
        assert_eq!(of(&[("x", " a ")]), of(&[("x", "a")]));
    }

    #[test]
    fn a_variant_that_nobody_can_read_is_none() {
        let of = |value: &str| {
            variant(&["a".to_owned()], &[("a", value), ("b", "\u{FFFD}")].into_iter().collect())
        };
        assert_eq!((of("\u{FFFD}"), of("x\u{FFFD}")), (None, None));
        assert!(of("\u{E9}").is_some());
    }

    #[test]
    fn section_4_1_spaces_around_commas_do_not_count() {
        let of = |name: &str, value: &str| {
            variant(&[name.to_owned()], &[(name, value)].into_iter().collect())
        };
        assert_eq!(of("foo", "1,2"), of("foo", " 1 , 2 "));
        assert_ne!(of("foo", "1 2"), of("foo", "12"));
        assert_ne!(of("foo", "\"1, 2\""), of("foo", "\"1,2\""));
        assert_ne!(of("foo", "a"), of("foo", "A"));
        assert_eq!(of("accept-language", "en, de"), of("accept-language", "eN ,De"));
        assert_ne!(of("accept-language", "en, de"), of("accept-language", "de, en"));
        let two = [("foo", "1"), ("foo", "2")].into_iter().collect();
        assert_eq!(variant(&["foo".to_owned()], &two), of("foo", "1, 2"));
    }
}
