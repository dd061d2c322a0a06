//! Evergraph on Cloudflare Workers: the world of the service, the Durable Object, the entry.
//!
//! In scope: everything that touches the `worker` crate and JavaScript. Not in scope: decisions.
//!
//! `entry.js` beside this file receives requests. It holds what only JavaScript can hold across
//! a failure of Wasm, the request's and the answers' bodies, and calls [`entry`].

mod exchange;
mod exports;
mod log_rows;
mod original_headers;
mod purge_log_object;
mod runtime;
