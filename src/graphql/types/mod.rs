//! Knowledge on types, from the schema, the configuration and naming conventions: which are
//! entities, how they are identified, and which entities an object can lead to.
//!
//! Imports `document` and `schema`.

pub(super) mod entity_id;
pub(super) mod knowledge;
pub(super) mod naming;
pub(super) mod reachable_entities;
pub(super) mod typed_fields;
