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
        .part(url.host.as_bytes())
        .part(url.path.as_bytes())
        .optional(url.query.as_deref())
}

/// The tags by which a path's entries are known and purged.
pub fn tags(config: &Config, url: &Url) -> TagSet {
    let path = url.comparable_path();
    let mut tags = config.resource_tags(&path);
    tags.insert(Tag::of("path:", &path));
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
            "resources": [{ "path": "/p/:id", "tags": ["P", "P:{id}"] }]
        }))
        .unwrap();
        let tags = |url: &str| tags(&config, &Url::parse(url).unwrap());
        assert_eq!(tags("http://h/p/7?x=1"), tags("http://h/%70/7"));
        let texts: Vec<_> =
            tags("http://h/p/7").into_iter().map(|t| t.as_str().to_owned()).collect();
        assert_eq!(texts, ["P", "P:7", "path:/p/7"]);
    }
}
