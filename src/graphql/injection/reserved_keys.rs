//! The response keys that are reserved for added fields.

/// What every inserted field's response key begins with. A client's document that has it anywhere
/// is sent as it is.
pub const RESERVED_PREFIX: &str = "evergraph__";

/// The response key of an added `__typename`.
pub(crate) const TYPENAME_KEY: &str = "evergraph__typename";

/// What an added key field's response key begins with; its name and its type follow.
pub(crate) const KEY_PREFIX: &str = "evergraph__key_";

/// The response key of an added key field.
pub(crate) fn key_of_added(field: &str, type_name: &str) -> String {
    format!("{KEY_PREFIX}{field}__{type_name}")
}
