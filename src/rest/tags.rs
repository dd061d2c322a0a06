//! How entries of REST reads are tagged, and what REST writes purge.
//!
//! What a path tells is known before the answer, and what a body tells after it: the tags of an
//! entry are those of [`entry_tags`] and of [`body_tags`] together.

use crate::config::Config;
use crate::http::{Case, Url};
use crate::limits::BODY_VALUES;
use crate::tag::{Tag, TagSet, TagTemplate};
use serde_json::Value;

/// What a write to a path purges, as far as the path tells it. [`written_tags`] are the rest.
pub fn purge_tags(config: &Config, url: &Url) -> TagSet {
    let path = url.comparable_path();
    let mut tags = config.resource_tags(&path);
    tags.insert(Tag::of("path:", &config.tagged_path(&path)));
    tags.extend(config.resource_tags(&config.tagged_path(&path)));
    // An entry may name the same thing by an id of another case.
    tags.extend(types_of_unsure_case(config, url));
    tags
}

/// The tags of a path's entries, as far as the path tells them: those that a write to it purges,
/// and with each entity its type, and with each type that shows no entity `Type:?`, as entries of
/// GraphQL answers have them. [`body_tags`] are the rest.
pub fn entry_tags(config: &Config, url: &Url) -> TagSet {
    let path = config.tagged_path(&url.comparable_path());
    let mut tags = config.resource_tags(&path);
    tags.insert(Tag::of("path:", &path));
    let of_bodies: TagSet = templates(config, url)
        .filter_map(|(one, _)| one.body_type().map(|name| Tag::of("", name)))
        .collect();
    let named: Vec<Tag> = tags.iter().cloned().collect();
    let types: TagSet = named.iter().filter_map(type_of).collect();
    for tag in named.iter().filter(|tag| !tag.as_str().contains(':')) {
        // Where a body may show its entities, body_tags says whether it does.
        if !types.contains(tag.as_str()) && !of_bodies.contains(tag.as_str()) {
            tags.insert(not_shown(tag.as_str()));
        }
    }
    // A purge may name the same thing by an id of another case.
    tags.extend(types_of_unsure_case(config, url).iter().map(|of| not_shown(of.as_str())));
    tags.extend(types);
    tags
}

/// Whether the tags of a path's entries, or what a write to it purges, depend on a body.
pub fn needs_body(config: &Config, url: &Url) -> bool {
    templates(config, url).any(|(one, _)| one.body_type().is_some())
}

/// The tags that a body gives its entry, each with its type. `Type:?` as well where something is
/// not shown: where there is no body or none in JSON, where no value is found, or not everywhere
/// where there should be one, and where there are more than [`BODY_VALUES`].
pub fn body_tags(config: &Config, url: &Url, json: Option<&Value>) -> TagSet {
    let mut tags = TagSet::new();
    let mut left = BODY_VALUES;
    for (template, parameters) in templates(config, url) {
        let Some(name) = template.body_type() else { continue };
        tags.insert(Tag::of("", name));
        let filled = json.and_then(|json| template.of_body(&parameters, json, left));
        if filled.as_ref().is_none_or(|filled| filled.tags.is_empty() || !filled.complete) {
            tags.insert(not_shown(name));
        }
        let shown = filled.map(|filled| filled.tags).unwrap_or_default();
        left -= shown.len().min(left);
        tags.extend(shown);
    }
    tags
}

/// What a write purges by what its answer shows, beside what its path tells: the entities, and
/// where it does not show all, or more than [`BODY_VALUES`], their types: nobody knows which others
/// were meant.
pub fn written_tags(config: &Config, url: &Url, json: Option<&Value>) -> TagSet {
    let mut tags = TagSet::new();
    let mut left = BODY_VALUES;
    for (template, parameters) in templates(config, url) {
        let Some(name) = template.body_type() else { continue };
        let filled = json.and_then(|json| template.of_body(&parameters, json, left));
        if filled.as_ref().is_none_or(|filled| filled.tags.is_empty() || !filled.complete) {
            tags.insert(Tag::of("", name));
        }
        let shown = filled.map(|filled| filled.tags).unwrap_or_default();
        left -= shown.len().min(left);
        tags.extend(shown);
    }
    tags
}

/// The templates of a path, with the values of its parameters as its entries are tagged by them.
fn templates<'c>(
    config: &'c Config,
    url: &Url,
) -> impl Iterator<Item = (&'c TagTemplate, Vec<(String, String)>)> {
    let path = config.tagged_path(&url.comparable_path());
    config.resources_of(&path).into_iter().flat_map(|(resource, parameters)| {
        resource.tags.iter().map(move |template| (template, parameters.clone()))
    })
}

/// The types of what a path names by an id with letters, where the path's case does not matter: how
/// others write the id is not known then.
fn types_of_unsure_case(config: &Config, url: &Url) -> TagSet {
    if config.case_of(&url.comparable_path()) == Case::Counts {
        return TagSet::new();
    }
    let unsure = |(template, parameters): (&TagTemplate, Vec<(String, String)>)| {
        let has_letters = |name: &str| {
            let value = parameters.iter().find(|(of, _)| of == name);
            value.is_some_and(|(_, value)| value.contains(|c: char| c.is_ascii_alphabetic()))
        };
        template.parameters().any(has_letters).then_some(())?;
        match template.body_type() {
            Some(name) => Some(Tag::of("", name)),
            None => template.of_path(&parameters).as_ref().and_then(type_of),
        }
    };
    templates(config, url).filter_map(unsure).collect()
}

/// The type of the entity that a tag names; none where it names something else.
fn type_of(tag: &Tag) -> Option<Tag> {
    match tag.as_str().split_once(':')? {
        ("list" | "type" | "op" | "path" | "key" | "scope", _) => None,
        (name, _) => Some(Tag::of("", name)),
    }
}

/// The tag of an entry that holds something of a type and does not show its id.
fn not_shown(name: &str) -> Tag {
    Tag::of(&format!("{name}:"), "?")
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;
