//! The section `graphql`: what speaks GraphQL, and how it is cached.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::names::graphql_name;
use super::section::{Section, strings};
use crate::http::PathPattern;
use serde_json::Value;
use std::collections::BTreeMap;

/// `graphql`
#[derive(Debug, Clone, PartialEq)]
pub struct GraphQl {
    /// The paths that speak GraphQL over HTTP.
    pub paths: Vec<PathPattern>,
    /// Whether `__typename` is added to queries on a miss.
    pub inject: bool,
    /// Who knows the documents that clients name by their hash.
    pub apq: Apq,
    /// Where a schema comes from.
    pub schema: SchemaSource,
    /// The fields that identify objects, for types that do not use the usual ones.
    pub keys: KeyFields,
}

/// `graphql.keys`: by GraphQL type, the fields each of which identifies an object.
pub type KeyFields = BTreeMap<String, Vec<String>>;

/// `graphql.apq`: who answers requests with the hash of an automatic persisted query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Apq {
    /// Evergraph itself, which remembers the documents.
    #[default]
    Own,
    /// The origin.
    Origin,
}

/// `graphql.schema`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SchemaSource {
    /// Only an upload.
    #[default]
    None,
    /// An upload, or else the origin's introspection.
    Introspect,
}

/// One field, or a list of fields.
const KEY_FIELDS: ValueType = ValueType::OneOf(&[FIELD, ValueType::NonEmptyList(&FIELD)]);
const FIELD: ValueType = ValueType::Text(&forms::GRAPHQL_NAME);

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "paths",
        value: ValueType::List(&ValueType::Text(&forms::PATH)),
        default: DefaultValue::List(&["/graphql"]),
        doc: "Path patterns of what speaks GraphQL over HTTP.",
    },
    Key {
        name: "inject",
        value: ValueType::Flag,
        default: DefaultValue::Flag(true),
        doc: "Whether `__typename` and fields that identify objects are added to queries on a miss.",
    },
    Key {
        name: "apq",
        value: ValueType::Choice(&["own", "origin"]),
        default: DefaultValue::Text("own"),
        doc: "Who knows the documents that clients name by their SHA-256.",
    },
    Key {
        name: "schema",
        value: ValueType::Choice(&["none", "introspect"]),
        default: DefaultValue::Text("none"),
        doc: "Whether the origin is asked for its schema.",
    },
    Key {
        name: "keys",
        value: ValueType::Map { names: &forms::GRAPHQL_NAME, values: &KEY_FIELDS },
        default: DefaultValue::None,
        doc: "By GraphQL type, the field or the fields that identify its objects.",
    },
];

pub(super) fn graphql(section: &Section<'_>) -> GraphQl {
    let graphql = GraphQl {
        paths: section.list("paths", PathPattern::parse),
        inject: section.flag("inject"),
        apq: section.choice("apq", &[Apq::Own, Apq::Origin]),
        schema: section.choice("schema", &[SchemaSource::None, SchemaSource::Introspect]),
        keys: key_fields(section),
    };
    section.report_unknown();
    graphql
}

fn key_fields(section: &Section<'_>) -> KeyFields {
    let mut keys = KeyFields::new();
    for (type_name, value) in section.entries("keys") {
        let path = section.path_of(&format!("keys.{type_name}"));
        if let Err(fault) = graphql_name(type_name) {
            section.faults().add(&path, fault);
        }
        let fields = match value {
            Value::String(_) => {
                strings(&Value::Array(vec![value.clone()]), &path, section.faults(), graphql_name)
            }
            list => strings(list, &path, section.faults(), graphql_name),
        };
        if fields.is_empty() {
            section.faults().add(&path, "expected a field or a list of fields");
        }
        keys.insert(type_name.to_owned(), fields);
    }
    keys
}
