//! Which entries the purge of a tag reaches besides those that have it.
//!
//! An entry has tags for what it shows. A purge must also reach the entries that contain the purged
//! object without showing it: those with an object of its type but no ID (`Product:?`), and those
//! with something of an unknown type (`untyped`).

use super::cache_tag::{Tag, UNTYPED};
use super::set::TagSet;

/// Groups of GraphQL types that mean the same thing (`same` in the configuration).
pub type Aliases = Vec<Vec<String>>;

/// Every tag that a purge of `tag` must purge, including the tag itself.
///
/// - `Product:42` reaches `Product:?` and `untyped`;
/// - `Product` and `list:Product` reach `untyped`;
/// - each of these also under all other names that `aliases` has for `Product`;
/// - a tag that cannot be a GraphQL type (`type:product`, `path:/x`, `my-tag`) reaches only itself.
pub fn reach(tag: &Tag, aliases: &Aliases) -> TagSet {
    let mut reached = TagSet::new();
    reached.insert(tag.clone());
    let Some(type_name) = graphql_type_of(tag) else { return reached };
    let (list, rest) = without_list(tag.as_str());
    let id = rest.split_once(':').map(|(_, id)| id);
    for name in names_of(type_name, aliases) {
        match id {
            Some(id) => {
                reached.insert(Tag::of(&format!("{list}{name}:"), id));
                reached.insert(Tag::of(&format!("{name}:"), "?"));
            }
            None => reached.insert(Tag::of(list, name)),
        }
    }
    reached.insert(Tag::of("", UNTYPED));
    reached
}

/// The GraphQL type that a tag may name. `None` if it cannot name one.
pub fn graphql_type_of(tag: &Tag) -> Option<&str> {
    let (_, rest) = without_list(tag.as_str());
    let type_name = rest.split(':').next().unwrap_or(rest);
    let has_prefix = rest.contains(':') && OWN_PREFIXES.contains(&type_name);
    (is_graphql_name(type_name) && !has_prefix).then_some(type_name)
}

/// What begins tags that are not of GraphQL types.
const OWN_PREFIXES: [&str; 5] = ["type", "op", "path", "key", "scope"];

/// Whether a tag that begins with this word and a colon is not of the GraphQL type of that name.
pub fn is_prefix(word: &str) -> bool {
    word == "list" || OWN_PREFIXES.contains(&word)
}

fn without_list(text: &str) -> (&str, &str) {
    match text.strip_prefix("list:") {
        Some(rest) => ("list:", rest),
        None => ("", text),
    }
}

fn names_of<'a>(type_name: &'a str, aliases: &'a Aliases) -> Vec<&'a str> {
    let mut names = vec![type_name];
    for group in aliases.iter().filter(|group| group.iter().any(|name| name == type_name)) {
        names.extend(group.iter().map(String::as_str));
    }
    names
}

/// Whether a text is a GraphQL Name: `[_A-Za-z][_0-9A-Za-z]*` (§2.1.9).
fn is_graphql_name(text: &str) -> bool {
    text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(tag: &str) -> Vec<String> {
        let aliases = vec![vec!["Post".to_owned(), "PostType".to_owned()]];
        let tags = reach(&Tag::parse(tag).unwrap(), &aliases);
        tags.into_iter().map(|tag| tag.as_str().to_owned()).collect()
    }

    #[test]
    fn an_entity_reaches_the_unseen_ids_and_types() {
        assert_eq!(reached("Product:42"), ["Product:42", "Product:?", "untyped"]);
        assert_eq!(reached("Product"), ["Product", "untyped"]);
        assert_eq!(reached("list:Product"), ["list:Product", "untyped"]);
    }

    #[test]
    fn a_type_reaches_its_other_names() {
        assert_eq!(reached("Post"), ["Post", "PostType", "untyped"]);
        assert_eq!(
            reached("PostType:1"),
            ["Post:1", "Post:?", "PostType:1", "PostType:?", "untyped"]
        );
    }

    #[test]
    fn other_tags_reach_themselves() {
        for tag in ["type:product", "path:/api/x", "key:00", "op:Get", "my-tag", "scope:user:x"] {
            assert_eq!(reached(tag), [tag]);
        }
    }
}
