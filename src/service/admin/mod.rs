//! The admin routes, under `/__evergraph/`: one file per path, and one table of them in `routes.rs`.
//!
//! To add a route, add a line to the table, and the file of its handler. The dispatch, the list of
//! routes in a 404, and `Allow` in a 405 follow from that line. So does the table in
//! docs/operations.md: `UPDATE_DOCS=1 cargo test --test reference`.
//!
//! In scope: reading a request's body, carrying it out, and the JSON of the response. Not in scope:
//! matching a request with the table, and what a purge's body means (`crate::admin`).

mod body;
mod components;
mod deployment;
mod dispatch;
mod documents;
mod health;
mod purge;
mod routes;
mod schema;
mod stats;

#[cfg(test)]
mod tests;

pub use components::Admin;
pub use routes::ROUTES;
