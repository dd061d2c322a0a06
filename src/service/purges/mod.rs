//! The purge log as an isolate knows it: which entries are purged, and how purges reach the log.
//!
//! ```text
//!                     Purges
//!      ┌───────────────┬─┴────────────┬────────────┐
//!   LogSync         Recorder       Intents     OwnWrites
//!      │            SharedAppends     │            │
//!   LogReader          │              │            │
//!   Neighbors       Delivery ◄────────┘            │
//!   Snapshots       OutboxDrain                    │
//!      │            Outbox, LogWriter              │
//!      └───────────────┴────── LogView ◄───────────┘
//! ```
//!
//! In scope: reading the log (on the left) and writing to it. Not in scope: what a purge purges and the
//! format of the log (`purge`), and which purges follow from a write (`engine::write_purge`).

mod components;
mod delivery;
mod deploy_purge;
#[cfg(test)]
mod fixture;
mod former_outbox;
mod intents;
mod log_reader;
mod log_view;
mod log_writer;
mod neighbors;
mod outbox;
mod outbox_drain;
mod own_writes;
mod pending;
mod recorder;
mod settings;
mod shared_appends;
mod shared_reads;
mod snapshots;
mod sync;
mod timeouts;
mod write_breaker;

pub use components::Purges;
pub use deploy_purge::DeployPurgeState;
pub use intents::WriteInProgress;
pub use log_view::LogView;
pub use recorder::{ADMIN, PurgeSource, Recorder};
pub use settings::PurgeSettings;
pub use sync::LogSync;
