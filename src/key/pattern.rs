//! Key patterns, such as `gql/product/**`.

use crate::http::{PathPattern, glob};
use serde::{Deserialize, Serialize};

/// A pattern for keys from their kind segment on: `*` matches within a segment, and `**` any number
/// of segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    segments: PathPattern,
}

impl Pattern {
    /// Parses a pattern. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > 512 {
            return Err("a pattern has at most 512 bytes".into());
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a pattern must be printable ASCII without spaces".into());
        }
        let first = text.split('/').next().unwrap_or_default();
        if first != "**" && !["gql", "rest"].iter().any(|kind| glob(first, kind)) {
            return Err(format!("a pattern must begin with \"gql\" or \"rest\", found {text:?}"));
        }
        let segments = PathPattern::globs(text)?;
        Ok(Self { text: text.to_owned(), segments })
    }

    /// The pattern's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What every key that matches begins with, from its kind on.
    pub fn prefix(&self) -> &str {
        self.text.split('*').next().unwrap_or_default()
    }

    /// Whether a key, from its kind segment on, matches.
    pub fn matches(&self, key_from_kind: &str) -> bool {
        self.segments.matches(key_from_kind).is_some()
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, key: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(key)
    }

    #[test]
    fn matches_whole_segments() {
        let key = "gql/product/GetProduct/public/4f0c";
        assert!(matches("gql/product/**", key));
        assert!(matches("gql/*/Get*/**", key));
        assert!(matches("**/4f0c", key));
        assert!(matches("*/product/*/*/*", key));
        assert!(!matches("gql/prod/**", key));
        assert!(!matches("gql/product/GetProduct", key));
        assert!(!matches("rest/**", key));
    }

    #[test]
    fn matching_keys_begin_with_the_prefix() {
        let prefix = |text: &str| Pattern::parse(text).unwrap().prefix().to_owned();
        assert_eq!(prefix("gql/product/Get*/**"), "gql/product/Get");
        assert_eq!(prefix("gql/product/**"), "gql/product/");
        assert_eq!(prefix("**/4f0c"), "");
        assert_eq!(prefix("rest/a/b/public/00"), "rest/a/b/public/00");
    }

    #[test]
    fn refuses_what_could_never_match() {
        for bad in ["", "product/**", "gql/a**", "gql/a b", "shop/1/gql/**"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
