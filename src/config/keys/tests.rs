//! docs/configuration.md against the tables of keys.

use super::SECTIONS;
use crate::config::key::{DefaultValue, Key, ValueType};
use crate::config::parse;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENTATION: &str = include_str!("../../../docs/configuration.md");

/// The default of each documented key, by section.
fn documented() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let (mut section, mut in_table) = (None, false);
    for line in DOCUMENTATION.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            section = section_of(heading.trim_start_matches('#').trim()).or(section);
        }
        in_table = line.starts_with('|') && (in_table || line.starts_with("| key | default |"));
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (true, Some(section), Some(name), Some(default)) =
            (in_table, &section, cells.next(), cells.next())
        else {
            continue;
        };
        // The heading, the line below it, and forms of a key such as `ttl = "origin"`, have no default.
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else {
            continue;
        };
        if !name.contains(' ') {
            let keys = sections.entry(section.clone()).or_default();
            keys.insert(name.to_owned(), plain(default));
        }
    }
    sections
}

/// The section that a heading begins. `None`: the heading is about the section before it.
fn section_of(heading: &str) -> Option<String> {
    let heading = heading.to_ascii_lowercase().replace('`', "");
    let section = match heading.as_str() {
        "top level" => "",
        "cache types" => "types.*",
        "scopes" => "scopes.*",
        name => SECTIONS.iter().map(|(path, _)| *path).find(|path| *path == name)?,
    };
    Some(section.to_owned())
}

fn plain(cell: &str) -> String {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
    let text = cell.replace('`', "");
    if digits(&text) { text.replace(',', "") } else { text }
}

/// The default as the documentation writes it. `None` if it needs words.
fn written(default: DefaultValue) -> Option<String> {
    Some(match default {
        DefaultValue::Required => "required".to_owned(),
        DefaultValue::None => "none".to_owned(),
        DefaultValue::Flag(flag) => flag.to_string(),
        DefaultValue::Number(number) => number.to_string(),
        DefaultValue::Hundredths(number) => (number as f64 / 100.0).to_string(),
        DefaultValue::Text(text) => format!("{text:?}"),
        DefaultValue::List(list) => format!("{list:?}"),
        DefaultValue::Described(_) => return None,
    })
}

/// The keys that need a row in a table of the documentation: sections have a heading instead, and
/// `default` has the keys of cache types.
fn keys_with_rows() -> impl Iterator<Item = (&'static str, &'static Key)> {
    let sections =
        SECTIONS.iter().filter(|(path, _)| !matches!(*path, "default" | "types.*.query"));
    let keys = sections.flat_map(|(path, keys)| keys.iter().map(|key| (*path, key)));
    keys.filter(|(path, key)| {
        let section = SECTIONS.iter().any(|(other, _)| other.split('.').next() == Some(key.name));
        !(path.is_empty() && section)
    })
}

/// The paths of the sections in a value at a path.
fn sections_in(path: &str, value: ValueType) -> Vec<String> {
    match value {
        ValueType::Section => vec![path.to_owned()],
        ValueType::List(items) | ValueType::NonEmptyList(items) => sections_in(path, *items),
        ValueType::Map { values, .. } => sections_in(&format!("{path}.*"), *values),
        ValueType::OneOf(types) => types.iter().flat_map(|one| sections_in(path, *one)).collect(),
        ValueType::Flag
        | ValueType::Number { .. }
        | ValueType::Share
        | ValueType::Choice(_)
        | ValueType::Text(_) => Vec::new(),
    }
}

#[test]
fn the_list_of_sections_has_each_section_that_is_a_key_of_another() {
    let mut declared = BTreeSet::from([String::new()]);
    for (section, keys) in SECTIONS {
        for key in *keys {
            let path = match *section {
                "" => key.name.to_owned(),
                section => format!("{section}.{}", key.name),
            };
            declared.extend(sections_in(&path, key.value));
        }
    }
    let listed: BTreeSet<String> = SECTIONS.iter().map(|(path, _)| (*path).to_owned()).collect();
    let missing: Vec<&String> = declared.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "add {missing:?} with their keys to SECTIONS in src/config/keys.rs"
    );
    let unknown: Vec<&String> = listed.difference(&declared).collect();
    assert!(unknown.is_empty(), "no key of type Section for {unknown:?}, which SECTIONS has");
}

#[test]
fn every_key_is_documented_with_its_default() {
    let documented = documented();
    for (section, key) in keys_with_rows() {
        let found = documented.get(section).and_then(|keys| keys.get(key.name));
        let path = format!("{section}.{} in docs/configuration.md", key.name);
        match written(key.default) {
            Some(default) => assert_eq!(found, Some(&default), "{path}"),
            None => assert!(found.is_some_and(|default| !default.is_empty()), "{path}"),
        }
    }
    assert!(DOCUMENTATION.contains("{ except = ["), "types.*.query.except");
}

#[test]
fn every_documented_key_exists() {
    for (section, keys) in documented() {
        for name in keys.into_keys() {
            let exists = keys_with_rows().any(|(path, key)| path == section && key.name == name);
            assert!(exists, "docs/configuration.md has {section}.{name}, which is no key");
        }
    }
}

#[test]
fn every_key_has_one_line_of_documentation_and_a_fitting_default() {
    for (section, key) in
        SECTIONS.iter().flat_map(|(path, keys)| keys.iter().map(move |key| (path, key)))
    {
        let path = format!("{section}.{}", key.name);
        assert!(
            key.doc.ends_with('.') && !key.doc.contains('\n') && key.doc.len() <= 100,
            "{path}"
        );
        let fits = match (key.value, key.default) {
            (ValueType::Flag, default) => matches!(default, DefaultValue::Flag(_)),
            (ValueType::Choice(choices), DefaultValue::Text(default)) => choices.contains(&default),
            (ValueType::Choice(_), _) => false,
            (ValueType::Number { least, most, .. }, DefaultValue::Number(default)) => {
                (least..=most).contains(&default)
            }
            (ValueType::Share, default) => matches!(
                default,
                DefaultValue::Number(0)
                    | DefaultValue::Number(1)
                    | DefaultValue::Hundredths(1..100)
            ),
            (_, default) => !matches!(default, DefaultValue::Flag(_) | DefaultValue::Number(_)),
        };
        assert!(fits, "{path}: {:?}", key.default);
    }
}

/// Code that reads a key without a row in a table has no effect: every configuration with that key is
/// refused. (In debug builds it panics, see `section.rs`.)
#[test]
fn a_key_that_no_table_has_is_refused() {
    let faults = parse(&json!({ "purge": { "delay": 1 } })).unwrap_err();
    assert_eq!(faults[0].path, "purge.delay");
    assert!(faults[0].message.starts_with("unknown key; known here: max_lag, wait"));
}
