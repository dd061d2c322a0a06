//! The admin routes under `/__evergraph/`: which route, who may use it, and what a purge asks.
//!
//! In scope: reading and refusing. Not in scope: carrying it out (`service`).

mod purge;
mod route;
mod token;

pub use purge::{PurgeCommand, PurgeCommandError, read_purge};
pub use route::{Route, RouteError, route};
pub use token::{Access, access, configured_tokens};

/// Where the admin routes begin.
pub const PREFIX: &str = "/__evergraph/";
