//! The simulated world: data centers, isolates, stores, a purge log, an origin and clients, in memory
//! and in virtual time, with faults.
//!
//! It runs the shipped `service` and `engine` over the traits that `worker` implements on Workers. A
//! run follows from one number, its seed: the same seed gives the same run, to the last step. What
//! must hold of every response is in `laws`.

// Nothing here is shipped, and a panic shows where a run breaks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a simulation is a test"
)]

mod client;
mod deploys;
mod environment;
mod exchanges;
mod executor;
mod faults;
mod fleet;
mod form_mix;
mod forms;
mod judging;
mod laws;
mod lifecycle;
mod log_reads;
mod oracle;
mod origin;
mod plan;
mod random;
#[cfg(test)]
mod reads;
mod requests;
mod run;
mod runtime;
#[cfg(test)]
mod scenarios;
mod sharing;
mod slow;
mod stores;
mod tokens;
mod turns;
mod universe;

pub use deploys::deploy;
pub use log_reads::{LogReads, Traffic, log_reads};
pub use oracle::{Compared, compare};
pub use plan::Plan;
pub use run::{Outcome, run};
pub use sharing::{Sharing, share};
pub use slow::slow_writes;
