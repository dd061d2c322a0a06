//! Batches of GraphQL queries: stored responses come from the cache, and the origin is asked for the
//! rest in one smaller batch, whose responses are stored one by one.
//!
//! If the origin does not take the smaller batch, it is asked again for everything that the client
//! asked for, and that response is passed on. Queries change nothing, so asking twice is safe.

mod completion;
mod fetch;
mod item;
mod query;
mod reads;

pub use completion::BatchCompletion;
pub use item::{BatchItem, BatchItemKind};
pub use reads::BatchReads;
