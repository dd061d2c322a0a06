//! Evergraph on Cloudflare Workers.
//!
//! In scope: everything that touches the `worker` crate and JavaScript. That is the runtime of the
//! service, the Durable Objects of the purge log and of the statistics, and the functions that JavaScript calls. Not in scope:
//! decisions.
//!
//! `js/entry.js` receives the requests and calls [`exports`]. JavaScript holds what has to survive a
//! failure of Wasm: the bodies of requests and responses.

mod answers;
mod configuration;
mod deployment;
mod exchange;
mod exports;
mod isolate;
mod log_rows;
mod original_headers;
mod page_assets;
mod purge_log_object;
mod runtime;
mod statistics_object;
mod webhook;
