//! Fields that are added to a query on a miss and taken out of its response, so that clients never
//! see them.
//!
//! A miss asks the origin for `{ products {evergraph__typename:__typename name } }` instead of `{
//! products { name } }`. The response then says which types it holds, and is stripped before
//! anything is stored or sent. Imports `document` and `types`.

pub(super) mod additions;
pub(super) mod injected_document;
pub(super) mod reserved_keys;
pub(super) mod strip;
pub(super) mod strippable;
