//! Normalizes the URL of a REST read. The key and the request to the origin are made from the same
//! URL.
//!
//! If a parameter reached the origin without being part of the key, one client could choose what
//! all others read; the same holds for spellings of the path. So the client's URL is normalized
//! once, by the settings that say what does not matter (`query`, `ignore_case`), and then used for
//! both. Without such settings it is unchanged, byte for byte.

use crate::config::{CacheType, Config, QueryRules, RestRules};
use crate::http::{Case, Headers, Url, form_decoded};
use crate::key::DigestBuilder;
use crate::order;

/// A normalized REST read.
#[derive(Debug, Clone, PartialEq)]
pub struct RestRead<'c> {
    /// The URL for the key and for the origin.
    pub url: Url,
    /// The matching cache types. Empty if the origin's headers decide.
    pub types: Vec<&'c CacheType>,
    /// The merged terms of these types.
    pub terms: RestRules,
}

impl<'c> RestRead<'c> {
    /// Normalizes a read of `url`.
    pub fn of(config: &'c Config, url: &Url) -> Self {
        let path = url.comparable_path();
        let types = config.types_of_path(&path);
        let mut terms = RestRules::of(&types);
        terms.vary.extend(config.vary.iter().cloned());
        order::sort(&mut terms.vary);
        terms.vary.dedup();
        Self { url: normalized_url(url, config.case_of(&path), &terms.query), types, terms }
    }

    /// Starts the digest of the read. It covers everything but the scopes.
    pub fn digest(&self, headers: &Headers) -> DigestBuilder {
        add_headers(url_digest(&self.url), &self.terms.vary, headers)
    }
}

/// Adds the values of the headers in `vary`. The whole value counts, and a missing header differs
/// from an empty one.
pub fn add_headers(digest: DigestBuilder, names: &[String], headers: &Headers) -> DigestBuilder {
    names.iter().fold(digest, |digest, name| {
        digest.part(name.as_bytes()).optional(headers.joined(name).as_deref())
    })
}

/// Starts the digest of a URL. Nothing is merged that the origin may distinguish.
fn url_digest(url: &Url) -> DigestBuilder {
    DigestBuilder::new("rest")
        .part(url.scheme.as_bytes())
        .part(url.host.as_bytes())
        .part(url.path.as_bytes())
        .optional(url.query.as_deref())
}

/// The URL without what does not matter: the path is in lower case if its case is ignored, and the
/// query has only the parameters that are kept, sorted by name. Parameters of the same name keep
/// their order, and all keep their percent-encoding.
fn normalized_url(url: &Url, case: Case, terms: &QueryRules) -> Url {
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

/// The parameters that are kept. `None` if there are none. An empty text between two `&` is a
/// parameter too, since the origin may count it.
fn kept(query: &str, terms: &QueryRules) -> Option<String> {
    let named = |pair| {
        let (name, _) = str::split_once(pair, '=').unwrap_or((pair, ""));
        // A name that cannot be decoded is compared as it is written.
        (form_decoded(name).unwrap_or_else(|| name.to_owned()), pair)
    };
    let mut pairs: Vec<(String, &str)> =
        query.split('&').map(named).filter(|(name, _)| terms.keeps(name)).collect();
    order::sort_by(&mut pairs, |(one, _), (other, _)| one.cmp(other));
    let pairs: Vec<&str> = pairs.into_iter().map(|(_, pair)| pair).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

#[cfg(test)]
mod tests;
