//! The tables `[[resources]]`: which REST paths stand for which entities.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;
use crate::http::PathPattern;
use crate::tag::TagTemplate;
use serde_json::Value;

/// One of `resources`.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Resource {
    /// The paths.
    pub path: PathPattern,
    /// The tags of what is at these paths.
    pub tags: Vec<TagTemplate>,
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "path",
        value: ValueType::Text(&forms::PATH),
        default: DefaultValue::Required,
        doc: "A path pattern.",
    },
    Key {
        name: "tags",
        value: ValueType::List(&ValueType::Text(&forms::TAG_TEMPLATE)),
        default: DefaultValue::List(&[]),
        doc: "Tags, with `{name}` for a segment of the path and `{$.name}` for a value of the body.",
    },
];

pub(super) fn resources(root: &Section<'_>) -> Vec<Resource> {
    let Some(value) = root.value("resources") else { return Vec::new() };
    let Value::Array(items) = value else {
        root.fault("resources", format!("expected [[resources]] tables, found {value}"));
        return Vec::new();
    };
    let read = |(index, item)| {
        let path = format!("resources[{index}]");
        resource(&Section::new(path, KEYS, Some(item), root.faults()))
    };
    items.iter().enumerate().filter_map(read).collect()
}

fn resource(section: &Section<'_>) -> Option<Resource> {
    let text = section.text("path");
    if text.is_none() {
        section.fault("path", "required: the path pattern of the resource");
    }
    let parse = |text| PathPattern::parse(text).map_err(|message| section.fault("path", message));
    let Some(path) = text.and_then(|text| parse(text).ok()) else {
        // Without the path's parameters the tags cannot be checked.
        section.list("tags", |_| Ok(()));
        section.report_unknown();
        return None;
    };
    let parameters: Vec<&str> = path.parameters().collect();
    let tags = section.list("tags", |text| TagTemplate::parse(text, &parameters));
    section.report_unknown();
    Some(Resource { tags, path })
}
