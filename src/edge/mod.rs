//! Evergraph on Cloudflare Workers: the world of the service, the Durable Object, the entry.
//!
//! In scope: everything that touches the `worker` crate and JavaScript. Not in scope: decisions.
//!
//! `entry.js` beside this file receives requests. It holds what only JavaScript can hold across
//! a failure of Wasm, the request's and the answers' bodies, and calls [`entry`].

mod entry;
mod exchange;
mod log_rows;
mod original;
mod platform;
mod purge_log;
