//! A GraphQL schema as a compact table: what a query's fields and types are before its answer.
//!
//! In scope: reading a schema from SDL (`sdl`, over `cursor` and `hint`) or from the answer to the
//! introspection query (`introspection`), both by way of a `draft` that is checked; the table with
//! its look-ups (`table`, over `names`, `groups` and `possible`); the table as bytes (`stored`);
//! what two schemas differ in (`changes`). Not in scope: validating a schema or a query beyond
//! what the table needs, the meta fields `__typename`, `__schema` and `__type` and the types of
//! introspection, which callers know without a schema, and what is done with all this.

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
