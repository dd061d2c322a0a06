//! REST: a request's path and query to its key and tags.
//!
//! In scope: what tells two REST reads apart, and what a REST write purges. Not in scope:
//! freshness (`policy`) and who is asking (`engine`).

use crate::config::Config;
use crate::http::Url;
use crate::key::DigestBuilder;
use crate::tag::{Tag, TagSet};

/// Starts the digest of a read: everything but who is asking. The path and query count as the
/// origin sees them; nothing is merged that the origin may tell apart.
pub fn digest(url: &Url) -> DigestBuilder {
    DigestBuilder::new("rest")
        .part(url.scheme.as_bytes())
        .part(url.host.as_bytes())
        .part(url.path.as_bytes())
        .optional(url.query.as_deref())
}

/// What a write to a path purges.
pub fn purge_tags(config: &Config, url: &Url) -> TagSet {
    let path = url.comparable_path();
    let mut tags = config.resource_tags(&path);
    tags.insert(Tag::of("path:", &path));
    tags
}

/// Whether tags of the path's entries are read from their bodies.
pub fn needs_body(_config: &Config, _url: &Url) -> bool {
    false
}

/// The tags that a body gives an entry.
pub fn body_tags(_config: &Config, _url: &Url, _json: Option<&serde_json::Value>) -> TagSet {
    TagSet::new()
}

/// The tags of a path's entries: those that a write to it purges, and with each entity its type,
/// and with each type that shows no entity `Type:?`, as entries of GraphQL answers have them.
pub fn entry_tags(config: &Config, url: &Url) -> TagSet {
    let mut tags = purge_tags(config, url);
    let named: Vec<Tag> = tags.iter().cloned().collect();
    let shows_entity = |name: &str| {
        named.iter().any(|tag| tag.as_str().split_once(':').is_some_and(|(of, _)| of == name))
    };
    for tag in &named {
        match tag.as_str().split_once(':') {
            Some(("list" | "type" | "op" | "path" | "key" | "scope", _)) => {}
            Some((name, _)) => tags.insert(Tag::of("", name)),
            None if shows_entity(tag.as_str()) => {}
            None => tags.insert(Tag::of(&format!("{}:", tag.as_str()), "?")),
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_tell_reads_apart() {
        let digest = |url: &str| digest(&Url::parse(url).unwrap()).finish();
        let urls = [
            "http://h/a",
            "http://h/a?",
            "http://h/a?b",
            "http://h/a/?b",
            "http://i/a?b",
            "http://h/a%2Fb",
            "http://h/a/b",
            "http://h//a",
        ];
        for (n, one) in urls.iter().enumerate() {
            for other in urls.iter().skip(n + 1) {
                assert_ne!(digest(one), digest(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn equivalent_spellings_share_tags() {
        let config = crate::config::parse(&serde_json::json!({
            "resources": [{ "path": "/p/:id", "tags": ["P:{id}", "Q"] }]
        }))
        .unwrap();
        let tags = |url: &str| entry_tags(&config, &Url::parse(url).unwrap());
        assert_eq!(tags("http://h/p/7?x=1"), tags("http://h/%70/7"));
        let texts: Vec<_> =
            tags("http://h/p/7").into_iter().map(|t| t.as_str().to_owned()).collect();
        assert_eq!(texts, ["P", "P:7", "Q", "Q:?", "path:/p/7"]);
    }
}
