//! Evergraph: a cache for GraphQL and REST APIs at the edge that is never stale after a write.
//!
//! The crate is built in layers, and a module imports only from the layers below its own.
//! docs/architecture.md has the table, and tests/layers.rs enforces it. Everything up to `engine` is
//! pure: it takes values and the time `now`, and returns decisions. `service` carries these decisions
//! out through traits, and `worker` implements the traits on Cloudflare Workers.

pub mod decimal;
pub mod http;
pub mod json;
pub mod limits;
pub mod order;
pub mod record;
pub mod shadow;
pub mod time;

pub mod alerts;
pub mod config;
#[cfg(not(target_arch = "wasm32"))]
pub mod config_file;
pub mod key;
pub mod policy;
pub mod purge;
pub mod statistics;
pub mod stored;
pub mod tag;

pub mod admin;
pub mod graphql;
pub mod jwt;
pub mod rest;

pub mod engine;

pub mod service;

#[cfg(target_arch = "wasm32")]
mod worker;

#[cfg(any(test, feature = "sim"))]
pub mod sim;

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub mod offline;

#[cfg(all(feature = "cli", not(target_arch = "wasm32")))]
pub mod cli;
