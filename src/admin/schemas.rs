//! The bodies of `schema`.

use serde::Serialize;

/// The schema that was put in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct SchemaUploaded {
    /// The objects, interfaces and unions that differ from the schema before. Null if there was none.
    pub changed: Option<Vec<String>>,
    /// How many types the schema has, scalars and inputs included.
    pub types: usize,
}

/// Where a schema came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SchemaProvenance {
    /// It was uploaded.
    Upload,
    /// From the origin, by introspection.
    Origin,
    /// No schema is in force.
    None,
    /// The isolate does not have the schema in force yet.
    Loading,
}

/// The schema in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct SchemaSummary {
    /// Where it came from.
    pub source: SchemaProvenance,
    /// How many types it has.
    pub types: usize,
}

/// The record that ended the schema and purged everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct SchemaEnded {
    /// Its sequence number in the purge log.
    pub seq: u64,
}
