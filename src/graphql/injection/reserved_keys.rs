//! The response keys reserved for added fields.

/// The prefix of every added field's response key. A client's document that contains it is
/// forwarded unchanged.
pub const RESERVED_PREFIX: &str = "evergraph__";

/// The response key of an added `__typename`.
pub(crate) const TYPENAME_KEY: &str = "evergraph__typename";

/// The prefix of an added key field's response key. The names of the field and of its type follow.
pub(crate) const KEY_PREFIX: &str = "evergraph__key_";

/// The response key of an added key field: `evergraph__key_id__Product`.
pub(crate) fn key_of_added(field: &str, type_name: &str) -> String {
    format!("{KEY_PREFIX}{field}__{type_name}")
}
