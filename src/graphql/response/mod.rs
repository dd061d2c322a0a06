//! What a response shows: its outcome, the types and entities in it, and what a mutation purges.

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
