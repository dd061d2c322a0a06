//! Reads: from the cache if possible, else from the origin and into the cache.
//!
//! A read goes through these files in this order:
//!
//! | step | GraphQL | REST |
//! |---|---|---|
//! | look up, serve, or go on | `flow` | `flow`, `range` |
//! | wait for another request's response | `collapse` | `collapse` |
//! | ask the origin | `injection` | `validation` |
//! | serve stale if the origin fails | `serving` | `serving` |
//! | store the response and send it | `graphql` | `rest` |
//! | fetch a stale entry again, in the background | `revalidation` | `revalidation` |
//! | compare a hit with the origin's response, in the background | `shadow` | `shadow` |
//! | tell the platform that it may give a hit again | `repeating` | `repeating` |
//!
//! Batches of queries have their own order (`batch`).

mod batch;
mod body;
mod collapse;
mod flow;
mod graphql;
mod injection;
mod kind;
mod parts;
mod popular;
mod range;
mod repeating;
mod response;
mod rest;
mod rest_store;
mod revalidation;
mod serving;
mod shadow;
mod validation;

pub(super) use batch::{BatchCompletion, BatchItem, BatchItemKind, BatchReads};
pub(super) use flow::{LATE_MILLIS, Reads, forward_reason};
pub(super) use kind::ReadKind;
pub(super) use parts::ReadParts;

#[cfg(test)]
mod tests;
