//! The simulated world: data centres, isolates, stores, a purge log, an origin and clients, all in
//! memory and in virtual time, with faults.
//!
//! It runs the very `service` and `engine` that are shipped, over the traits that `worker` implements
//! on Workers. A run is made of one number: the same seed is the same run, to the last step. What
//! must hold of every answer is in `laws`.

// Nothing here is shipped, and a run that breaks shall say where.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a simulation is a test"
)]

mod clients;
mod deploys;
mod executor;
mod forms;
mod judging;
mod laws;
mod lifecycle;
mod oracle;
mod origin;
mod random;
#[cfg(test)]
mod reads;
mod run;
#[cfg(test)]
mod scenarios;
mod sharing;
mod slow;
mod stores;
mod turns;
mod universe;
mod world;

pub use deploys::deploy;
pub use oracle::{Compared, compare};
pub use run::{Outcome, Plan, run};
pub use sharing::{Sharing, share};
pub use slow::slow_writes;
