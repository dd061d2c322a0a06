//! Fields that are added to a query on a miss, and taken out of its response again.

pub(super) mod additions;
pub(super) mod injected_document;
pub(super) mod reserved_keys;
pub(super) mod strip;
pub(super) mod strippable;
