//! The service without a platform: stores and a purge log in memory, virtual time, and an origin that
//! responds from a recording.
//!
//! It runs the shipped `service` and `engine` for `evergraph replay`. In scope: one isolate in one data
//! center, in which nothing fails. Stores and the purge log take no time; the origin takes as long as it
//! took in the recording. Not in scope: failures, and several isolates: the simulated world has these.
//!
//! | file | |
//! |---|---|
//! | `executor` | tasks in virtual time |
//! | `signals` | signals between requests |
//! | `store` | the edge cache and KV |
//! | `purge_log` | the purge log |
//! | `recorded` | a recorded request with its response |
//! | `platform` | all of these |
//! | `runtime` | the service's traits over the platform |
//! | `world` | an isolate, and how requests enter |

mod executor;
mod platform;
mod purge_log;
mod recorded;
mod runtime;
mod signals;
mod store;
mod world;

pub use purge_log::Purges;
pub use recorded::{Answer, Recorded, RecordedResponse};
pub use store::STORE_BYTES;
pub use world::{Usage, World};

#[cfg(test)]
mod tests;
