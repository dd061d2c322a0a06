//! What the origin is asked for: exactly what the key holds.
//!
//! A parameter that is not in the key but reaches the origin lets one client choose what all
//! others read, and so does a spelling. So there is one URL, made from the client's by what the
//! configuration says does not matter, and both the key and the request to the origin are made
//! from it. Without such settings it is the client's, byte for byte.

use crate::config::{CacheType, Config, QueryRules, RestRules};
use crate::http::{Case, Headers, Url, form_decoded};
use crate::key::DigestBuilder;

/// A REST read as the origin is asked for it.
#[derive(Debug, Clone, PartialEq)]
pub struct RestRead<'c> {
    /// The URL, for the key and for the origin.
    pub url: Url,
    /// The cache types that match it; none where the origin's headers rule.
    pub types: Vec<&'c CacheType>,
    /// What they say together.
    pub terms: RestRules,
}

/// What the origin is asked for where a client asks for `url`.
pub fn asked<'c>(config: &'c Config, url: &Url) -> RestRead<'c> {
    let path = url.comparable_path();
    let types = config.types_of_path(&path);
    let mut terms = RestRules::of(&types);
    terms.vary.extend(config.vary.iter().cloned());
    terms.vary.sort_unstable();
    terms.vary.dedup();
    RestRead { url: normalised(url, config.case_of(&path), &terms.query), types, terms }
}

impl RestRead<'_> {
    /// Starts the digest of the read: everything but who is asking.
    pub fn digest(&self, headers: &Headers) -> DigestBuilder {
        header_parts(digest(&self.url), &self.terms.vary, headers)
    }
}

/// Adds the headers of `vary`. They count by their whole value, and one that is missing is not one
/// that is empty.
pub fn header_parts(digest: DigestBuilder, names: &[String], headers: &Headers) -> DigestBuilder {
    names.iter().fold(digest, |digest, name| {
        digest.part(name.as_bytes()).optional(headers.joined(name).as_deref())
    })
}

/// Starts the digest of a URL as the origin is asked for it; nothing is merged that the origin may
/// tell apart.
pub fn digest(url: &Url) -> DigestBuilder {
    DigestBuilder::new("rest")
        .part(url.scheme.as_bytes())
        .part(url.host.as_bytes())
        .part(url.path.as_bytes())
        .optional(url.query.as_deref())
}

/// The URL without what does not matter: the path in lower case where its case does not matter,
/// and of the query the parameters that are kept, sorted by name. Parameters of one name keep
/// their order, and all keep their percent-encoding.
pub fn normalised(url: &Url, case: Case, terms: &QueryRules) -> Url {
    let path = match case {
        Case::Counts => url.path.clone(),
        Case::Ignored => url.path.to_ascii_lowercase(),
    };
    let query = match terms {
        QueryRules::Unchanged => url.query.clone(),
        QueryRules::KeptBy(_) => url.query.as_deref().and_then(|query| kept(query, terms)),
    };
    Url { path, query, ..url.clone() }
}

/// The parameters that are kept; none where there is not one. What stands between two `&` is a
/// parameter even where it is empty: the origin may count it.
fn kept(query: &str, terms: &QueryRules) -> Option<String> {
    let named = |pair| {
        let (name, _) = str::split_once(pair, '=').unwrap_or((pair, ""));
        // A name that is no text is compared as it stands.
        (form_decoded(name).unwrap_or_else(|| name.to_owned()), pair)
    };
    let mut pairs: Vec<(String, &str)> =
        query.split('&').map(named).filter(|(name, _)| terms.keeps(name)).collect();
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let pairs: Vec<&str> = pairs.into_iter().map(|(_, pair)| pair).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

#[cfg(test)]
mod tests;
