//! The service's runtime on Workers: the service's traits over bindings and the exchange with JavaScript.
//!
//! | file | traits |
//! |---|---|
//! | `stores.rs` | the edge cache and KV |
//! | `purge_log.rs` | the purge log |
//! | `statistics.rs` | the statistics object and Workers Analytics Engine |
//! | `origin.rs` | the origin, and bodies that clients get as they arrive |
//! | `request_runtime.rs` | all others |

mod origin;
mod purge_log;
mod request_runtime;
mod statistics;
mod stores;

pub(in crate::worker) use purge_log::LOG;
pub use request_runtime::{WorkersRuntime, admin_tokens};
