//! What a response shows: its outcome, the types and entities in it, and what a mutation purges.
//!
//! A response with `{"__typename": "Product", "id": 42}` gets the tags `Product` and `Product:42`;
//! a mutation whose response shows the same object purges one or both of them. Imports `document`,
//! `schema`, `types`, `injection` and `operation`.

mod entity_ids;
pub(super) mod facts;
mod mutation_entities;
pub(super) mod mutation_purge;
pub(super) mod outcome;
pub(super) mod response_json;
pub(super) mod root_types;
mod walk;

pub use mutation_entities::ExecutedMutation;
pub use walk::facts;
