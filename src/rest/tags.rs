//! How entries of REST reads are tagged, and what REST writes purge.
//!
//! Tags from the path are known before the response, tags from the body only with it. An entry has
//! both ([`entry_path_tags`] and [`entry_body_tags`]), and a write purges both ([`write_path_tags`]
//! and [`write_body_tags`]).

use crate::config::Config;
use crate::http::{Case, Url, folded_path, plain_path};
use crate::limits::BODY_VALUES;
use crate::order;
use crate::tag::{Tag, TagSet, TagTemplate};
use serde_json::Value;

/// The tags that a write to a path purges, as far as the path shows.
pub fn write_path_tags(config: &Config, url: &Url) -> TagSet {
    let mut tags = path_tags(config, url);
    for path in write_paths(config, url) {
        tags.extend(config.resource_tags(&path));
    }
    // An entry may contain the same entity under an ID in another case.
    tags.extend(types_of_uncertain_case(config, url));
    tags
}

/// The tags of all entries of a path: its comparable form, and its folded form, which all spellings
/// of the path share. Example: `path:/API/x` and `path:/api/x`.
pub fn path_tags(config: &Config, url: &Url) -> TagSet {
    let paths = [config.tagged_path(&url.comparable_path()), folded_path(&url.path)];
    paths.iter().map(|path| Tag::of("path:", path)).collect()
}

/// The tags of a path's entries, as far as the path shows: what a write to it purges, the type of
/// each entity, and `Type:?` for each type whose entities are not shown. GraphQL entries are tagged
/// in the same way.
pub fn entry_path_tags(config: &Config, url: &Url) -> TagSet {
    let paths = entry_paths(config, url);
    let mut tags: TagSet = paths.iter().flat_map(|path| config.resource_tags(path)).collect();
    let of_bodies: TagSet = templates(config, &paths)
        .into_iter()
        .filter_map(|(one, _)| one.body_type().map(|name| Tag::of("", name)))
        .collect();
    let named: Vec<Tag> = tags.iter().cloned().collect();
    let types: TagSet = named.iter().filter_map(type_of).collect();
    for tag in named.iter().filter(|tag| !tag.as_str().contains(':')) {
        // If a body may show entities of this type, `entry_body_tags` adds the tag if needed.
        if !types.contains(tag.as_str()) && !of_bodies.contains(tag.as_str()) {
            tags.insert(unknown_id_tag(tag.as_str()));
        }
    }
    // A purge may name the same entity by an ID in another case.
    tags.extend(types_of_uncertain_case(config, url).iter().map(|of| unknown_id_tag(of.as_str())));
    tags.extend(types);
    tags.extend(path_tags(config, url));
    tags
}

/// Whether a path's tags, or what a write to it purges, depend on a body.
pub fn needs_body(config: &Config, url: &Url) -> bool {
    let templates = templates(config, &write_paths(config, url));
    templates.iter().any(|(one, _)| one.body_type().is_some())
}

/// The tags that the body gives an entry, with the type of each entity. `Type:?` is added if an
/// entity is not shown: the body is missing or not JSON, a value is missing, or there are more than
/// [`BODY_VALUES`].
pub fn entry_body_tags(config: &Config, url: &Url, json: Option<&Value>) -> TagSet {
    let mut tags = TagSet::new();
    let mut left = BODY_VALUES;
    for (template, parameters) in templates(config, &entry_paths(config, url)) {
        let Some(name) = template.body_type() else { continue };
        tags.insert(Tag::of("", name));
        let filled = json.and_then(|json| template.of_body(&parameters, json, left));
        if filled.as_ref().is_none_or(|filled| filled.tags.is_empty() || !filled.complete) {
            tags.insert(unknown_id_tag(name));
        }
        let shown = filled.map(|filled| filled.tags).unwrap_or_default();
        left -= shown.len().min(left);
        tags.extend(shown);
    }
    tags
}

/// The tags that a write purges because of the response's body: the entities in it. If it does not
/// show all of them, or more than [`BODY_VALUES`], their type is purged as well, since it is
/// unknown which others changed.
pub fn write_body_tags(config: &Config, url: &Url, json: Option<&Value>) -> TagSet {
    let mut tags = TagSet::new();
    let mut left = BODY_VALUES;
    for (template, parameters) in templates(config, &write_paths(config, url)) {
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

/// The spellings of a path whose tags an entry gets: the path itself (in lower case if its case is
/// ignored), its plain form, and its folded form.
fn entry_paths(config: &Config, url: &Url) -> Vec<String> {
    let own = config.tagged_path(&url.comparable_path());
    let plain = config.tagged_path(&plain_path(&own));
    let mut paths = vec![own, plain, folded_path(&url.path)];
    paths.dedup();
    paths
}

/// The spellings of a path that a write to it may mean: those of its entries, and each with its own
/// case.
fn write_paths(config: &Config, url: &Url) -> Vec<String> {
    let mut paths = entry_paths(config, url);
    paths.extend([url.comparable_path(), plain_path(&url.path)]);
    order::sort(&mut paths);
    paths.dedup();
    paths
}

/// The tag templates for all spellings of a path, each with the values of the path's parameters.
fn templates<'c>(config: &'c Config, paths: &[String]) -> Vec<BoundTemplate<'c>> {
    let mut found: Vec<BoundTemplate<'c>> = Vec::new();
    for (resource, parameters) in paths.iter().flat_map(|path| config.resources_of(path)) {
        for bound in resource.tags.iter().map(|template| (template, parameters.clone())) {
            if !found.contains(&bound) {
                found.push(bound);
            }
        }
    }
    found
}

/// A template with the values of a path's parameters.
type BoundTemplate<'c> = (&'c TagTemplate, Vec<(String, String)>);

/// The types of the entities that a path names by an ID with letters, if the path's case is
/// ignored. It is unknown in which case others write the ID.
fn types_of_uncertain_case(config: &Config, url: &Url) -> TagSet {
    let mut paths = entry_paths(config, url);
    paths.retain(|path| config.case_of(path) == Case::Ignored);
    let of_type = |(template, parameters): BoundTemplate<'_>| {
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
    templates(config, &paths).into_iter().filter_map(of_type).collect()
}

/// The type of the entity that a tag names. `None` if it names no entity.
fn type_of(tag: &Tag) -> Option<Tag> {
    match tag.as_str().split_once(':')? {
        ("list" | "type" | "op" | "path" | "key" | "scope", _) => None,
        (name, _) => Some(Tag::of("", name)),
    }
}

/// The tag of an entry that contains an entity of this type without showing its ID.
fn unknown_id_tag(name: &str) -> Tag {
    Tag::of(&format!("{name}:"), "?")
}

#[cfg(test)]
mod tests;
