//! What is known of types: from the schema, the configuration and the conventions of naming.

pub(super) mod entity_id;
pub(super) mod knowledge;
pub(super) mod naming;
pub(super) mod reachable_entities;
pub(super) mod typed_fields;
