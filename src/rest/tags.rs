//! How entries of REST reads are tagged, and what REST writes purge.
//!
//! What a path tells is known before the answer, and what a body tells after it: the tags of an
//! entry are those of [`entry_path_tags`] and of [`entry_body_tags`] together.

use crate::config::Config;
use crate::http::{Case, Url, folded_path, plain_path};
use crate::limits::BODY_VALUES;
use crate::tag::{Tag, TagSet, TagTemplate};
use serde_json::Value;

/// What a write to a path purges, as far as the path tells it. [`write_body_tags`] are the rest.
pub fn write_path_tags(config: &Config, url: &Url) -> TagSet {
    let mut tags = path_tags(config, url);
    for path in written_paths(config, url) {
        tags.extend(config.resource_tags(&path));
    }
    // An entry may name the same thing by an id of another case.
    tags.extend(types_of_unsure_case(config, url));
    tags
}

/// The tags of every entry of a path: one of the path as it is compared with patterns, and one of its
/// folded path, which all its spellings share.
pub fn path_tags(config: &Config, url: &Url) -> TagSet {
    let paths = [config.tagged_path(&url.comparable_path()), folded_path(&url.path)];
    paths.iter().map(|path| Tag::of("path:", path)).collect()
}

/// The tags of a path's entries, as far as the path tells them: those that a write to it purges,
/// and with each entity its type, and with each type that shows no entity `Type:?`, as entries of
/// GraphQL answers have them. [`entry_body_tags`] are the rest.
pub fn entry_path_tags(config: &Config, url: &Url) -> TagSet {
    let paths = stored_paths(config, url);
    let mut tags: TagSet = paths.iter().flat_map(|path| config.resource_tags(path)).collect();
    let of_bodies: TagSet = templates(config, &paths)
        .into_iter()
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
    tags.extend(path_tags(config, url));
    tags
}

/// Whether the tags of a path's entries, or what a write to it purges, depend on a body.
pub fn needs_body(config: &Config, url: &Url) -> bool {
    let templates = templates(config, &written_paths(config, url));
    templates.iter().any(|(one, _)| one.body_type().is_some())
}

/// The tags that a body gives its entry, each with its type. `Type:?` as well where something is
/// not shown: where there is no body or none in JSON, where no value is found, or not everywhere
/// where there should be one, and where there are more than [`BODY_VALUES`].
pub fn entry_body_tags(config: &Config, url: &Url, json: Option<&Value>) -> TagSet {
    let mut tags = TagSet::new();
    let mut left = BODY_VALUES;
    for (template, parameters) in templates(config, &stored_paths(config, url)) {
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
pub fn write_body_tags(config: &Config, url: &Url, json: Option<&Value>) -> TagSet {
    let mut tags = TagSet::new();
    let mut left = BODY_VALUES;
    for (template, parameters) in templates(config, &written_paths(config, url)) {
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

/// The spellings of a path by which its entries are tagged: its own, in lower case where case does not
/// matter; that without what some servers do away with; and that in lower case.
fn stored_paths(config: &Config, url: &Url) -> Vec<String> {
    let own = config.tagged_path(&url.comparable_path());
    let plain = config.tagged_path(&plain_path(&own));
    let mut paths = vec![own, plain, folded_path(&url.path)];
    paths.dedup();
    paths
}

/// The spellings of a path by which a write to it may be meant: those, and each in its own case.
fn written_paths(config: &Config, url: &Url) -> Vec<String> {
    let mut paths = stored_paths(config, url);
    paths.extend([url.comparable_path(), plain_path(&url.path)]);
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The templates of a path, with the values of its parameters, by each of its spellings.
fn templates<'c>(config: &'c Config, paths: &[String]) -> Vec<Filling<'c>> {
    let mut found: Vec<Filling<'c>> = Vec::new();
    for (resource, parameters) in paths.iter().flat_map(|path| config.resources_of(path)) {
        for filling in resource.tags.iter().map(|template| (template, parameters.clone())) {
            if !found.contains(&filling) {
                found.push(filling);
            }
        }
    }
    found
}

/// A template with the values of a path's parameters.
type Filling<'c> = (&'c TagTemplate, Vec<(String, String)>);

/// The types of what a path names by an id with letters, where the path's case does not matter: how
/// others write the id is not known then.
fn types_of_unsure_case(config: &Config, url: &Url) -> TagSet {
    let mut paths = stored_paths(config, url);
    paths.retain(|path| config.case_of(path) == Case::Ignored);
    let unsure = |(template, parameters): Filling<'_>| {
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
    templates(config, &paths).into_iter().filter_map(unsure).collect()
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
mod tests;
