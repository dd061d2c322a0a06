//! Sets of tags, and the tags that an origin sends.

use super::cache_tag::Tag;
use crate::http::{Headers, fields};
use std::collections::BTreeSet;

/// A set of tags in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagSet(BTreeSet<Tag>);

impl TagSet {
    /// No tags.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tag.
    pub fn insert(&mut self, tag: Tag) {
        self.0.insert(tag);
    }

    /// Adds all tags of another set.
    pub fn extend(&mut self, tags: impl IntoIterator<Item = Tag>) {
        self.0.extend(tags);
    }

    /// Whether the set has the tag.
    pub fn contains(&self, text: &str) -> bool {
        self.0.iter().any(|tag| tag.as_str() == text)
    }

    /// How many tags.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Keeps the tags that `keep` says yes to.
    pub fn retain(&mut self, keep: impl FnMut(&Tag) -> bool) {
        self.0.retain(keep);
    }
}

impl IntoIterator for TagSet {
    type Item = Tag;
    type IntoIter = std::collections::btree_set::IntoIter<Tag>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Tag> for TagSet {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Self {
        Self(tags.into_iter().collect())
    }
}

/// Moves what the configured `tag_headers` of an answer hold to `xkey`, so that it counts as tags
/// and, like these, does not reach the client.
pub fn gather_tags(headers: &mut Headers, names: &[String]) {
    for name in names {
        let values: Vec<String> = headers.get_all(name).map(str::to_owned).collect();
        headers.remove(name);
        values.into_iter().for_each(|value| headers.append("xkey", value));
    }
}

/// The tags in the origin's own headers: `Cache-Tag` (separated by commas), `Surrogate-Key` and
/// `xkey` (by spaces). What is not a valid tag is left out.
pub fn origin_tags(headers: &Headers) -> TagSet {
    fields::TAGS
        .iter()
        .flat_map(|name| headers.get_all(name))
        .flat_map(|value| value.split([',', ' ', '\t']))
        .filter_map(|text| Tag::parse(text).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_origins_send() {
        let headers: Headers =
            [("Cache-Tag", "a, b:1"), ("Surrogate-Key", "c  d"), ("xkey", "é,e")]
                .into_iter()
                .collect();
        let tags: Vec<_> =
            origin_tags(&headers).into_iter().map(|t| t.as_str().to_owned()).collect();
        assert_eq!(tags, ["a", "b:1", "c", "d", "e"]);
    }

    #[test]
    fn a_configured_header_holds_tags_and_stays_here() {
        let mut headers: Headers = [
            ("X-GraphQL-Keys", "graphql:Query list:project cG9zdDozNDU="),
            ("xkey", "own"),
            ("X-GraphQL-Keys", "b,c"),
        ]
        .into_iter()
        .collect();
        gather_tags(&mut headers, &["x-graphql-keys".to_owned()]);
        assert!(!headers.contains("x-graphql-keys"));
        let tags = origin_tags(&headers);
        let tags: Vec<_> = tags.iter().map(Tag::as_str).collect();
        assert_eq!(tags, ["b", "c", "cG9zdDozNDU=", "graphql:Query", "list:project", "own"]);
    }
}
