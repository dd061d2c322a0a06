//! Clients with requests of other forms, each of which uses one part of what Evergraph understands.
//! They are in addition to the clients of any run.
//!
//! Which of them a run has follows from its seed, and so does what of the configuration only some
//! services set: `purge.wait`, `purge.unreadable`, `graphql.schema`, tokens.

mod pauses;
mod people;
mod purges;
mod queries;
mod schedule;
mod schemas;
mod start;
mod texts;

pub use start::live;
