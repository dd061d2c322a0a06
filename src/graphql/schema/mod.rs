//! A GraphQL schema as a compact table: the fields of types and the possible types of interfaces
//! and unions, known before any response.
//!
//! In scope: reading a schema from SDL (`sdl`, with `cursor` and `cache_hint`) or from the response
//! to an introspection query (`introspection`), both by way of a checked `draft`; the `table` and
//! its look-ups (with `name_table`, `grouped_rows` and `possible_types`); its `encoding`; the
//! `changes` between two schemas. Not in scope: validating a schema or a document any further, and
//! `__typename`, `__schema`, `__type` and the types of introspection, which callers handle without
//! a schema.
//!
//! Imports `document`.

mod cache_hint;
mod changes;
mod cursor;
mod draft;
mod encoding;
mod fault;
mod grouped_rows;
mod introspection;
mod name_table;
mod possible_types;
mod sdl;
mod table;
#[cfg(test)]
mod tests;
mod type_id;

pub use cache_hint::CacheHint;
pub use changes::{affected_types, changed_types};
pub use fault::SchemaFault;
pub use introspection::INTROSPECTION_QUERY;
pub use table::{FieldInfo, Schema};
pub use type_id::{TypeId, TypeKind};
