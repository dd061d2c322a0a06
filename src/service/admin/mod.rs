//! The admin routes, under `/__evergraph/`: one file per path, and one table of them in `routes.rs`.
//!
//! To add a route, add a line to the table, the file of its handler, and its row in `descriptions.rs`. The
//! dispatch, the list of routes in a 404, and `Allow` in a 405 follow from that line. So do the table in
//! docs/operations.md and openapi.json: `UPDATE_DOCS=1 cargo test --test reference`. Who may call it, and that
//! its changes are in the audit, follows from its role and its method.
//!
//! In scope: reading a request's body, carrying it out, and the JSON of the response. Not in scope:
//! matching a request with the table, and what a purge's body means (`crate::admin`).

mod access_tokens;
mod aliases;
mod audit;
mod audit_trail;
mod body;
mod components;
mod config;
mod deployment;
#[cfg(not(target_arch = "wasm32"))]
mod described;
#[cfg(not(target_arch = "wasm32"))]
mod descriptions;
mod dispatch;
mod documents;
mod entries;
mod entry_lister;
mod explain;
mod guard;
mod health;
mod metrics;
mod no_tokens;
#[cfg(not(target_arch = "wasm32"))]
mod openapi;
mod openapi_route;
mod page;
mod parts;
mod pause;
mod purge;
mod routes;
mod schema;
mod stats;
mod warm;

#[cfg(test)]
mod tests;

pub use components::Admin;
pub use entry_lister::EntryLister;
pub use guard::Guard;
#[cfg(not(target_arch = "wasm32"))]
pub use openapi::{openapi, undescribed};
pub use routes::ROUTES;
