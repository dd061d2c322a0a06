//! The admin routes under `/__evergraph/`: which route a request is for, who may use it, and the
//! body of a purge.
//!
//! In scope: parsing and refusing requests. Not in scope: carrying them out (`service`).

mod purge;
mod route;
mod token;

pub use purge::{PurgeCommand, PurgeCommandError, read_purge};
pub use route::{Route, RouteError, route};
pub use token::{Access, access, configured_tokens};

/// The prefix of all admin routes.
pub const PREFIX: &str = "/__evergraph/";
