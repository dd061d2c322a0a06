//! Sets of tags, and the tags in an origin's headers.

use super::cache_tag::Tag;
use crate::http::{Headers, fields};
use crate::order;
use std::collections::BTreeSet;

/// An ordered set of tags.
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

    /// The number of tags.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Keeps the tags for which `keep` returns `true`.
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
        Self(order::set_of(tags))
    }
}

/// Moves the values of the configured `tag_headers` to `xkey`, so that they count as tags and do
/// not reach the client.
pub fn gather_tags(headers: &mut Headers, names: &[String]) {
    for name in names {
        let values: Vec<String> = headers.get_all(name).map(str::to_owned).collect();
        headers.remove(name);
        values.into_iter().for_each(|value| headers.append("xkey", value));
    }
}

/// The tags in the origin's headers: `Cache-Tag` (separated by commas), `Surrogate-Key` and `xkey`
/// (separated by spaces). Invalid tags are ignored.
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
