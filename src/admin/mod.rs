//! Requests for Evergraph itself, under `/__evergraph/`: which route they are for, whether their token
//! is right, and what the body of a purge says.
//!
//! In scope: reading and refusing requests. Not in scope: the table of routes, and what each of them
//! does (`service/admin`).

mod purge;
mod route;
mod token;

pub use purge::{PurgeCommand, PurgeCommandError, read_purge};
pub use route::{PREFIX, Route, RouteError, find_route};
pub use token::{Access, access, configured_tokens};
