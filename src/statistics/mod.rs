//! What is counted of requests and purges, and how the counts of all isolates become the numbers of a
//! service.
//!
//! | file | contains |
//! |---|---|
//! | `counts.rs` | the counters of one thing: of everything, of a cache type, of an operation |
//! | `names.rs` | counts by name, for a bounded number of names |
//! | `purges.rs` | counts of purges, and the last of them |
//! | `kv_content.rs` | an estimate of what Workers KV holds |
//! | `popular.rs` | the most frequent public reads |
//! | `rules.rs` | how many requests were counted under which rules of the configuration |
//! | `tally.rs` | all of these for one span of time |
//! | `schedule.rs` | when an isolate reports to the statistics object |
//! | `ask.rs`, `messages.rs` | what isolates and the object say to each other |
//! | `audit.rs` | the last changes of administrators, which the object keeps as well |
//! | `last_numbers.rs` | what the object has stored of each isolate, so that it stores nothing twice |
//! | `rows.rs`, `book.rs` | what the object stores, and what it does with a message |
//! | `leases.rs` | which isolate warms the cache by itself, and how far it is |
//! | `occasions.rs` | when an isolate asks whether it is to |
//! | `totals.rs` | what was counted since the object began |
//! | `watch.rs` | [alerts](crate::alerts) over the numbers of all isolates |
//! | `alarm.rs` | when the object is woken to send messages about alerts |
//! | `series.rs` | the numbers of a window, as a sum and over time |
//!
//! In scope: sums, bounds and time, as values. Not in scope: when something counts as a hit (`service`),
//! and storage (`worker`).

mod alarm;
mod ask;
mod audit;
mod book;
mod counts;
mod kv_content;
mod last_numbers;
mod leases;
mod messages;
mod names;
mod occasions;
mod popular;
mod purges;
mod rows;
mod rules;
mod schedule;
mod series;
mod tally;
mod totals;
mod watch;

pub use alarm::Alarm;
pub use ask::{Ask, By};
pub use audit::{AUDITED_CHANGES, AuditMessage, AuditReply};
pub use book::{Book, BookFault};
pub use counts::{BOUNDS_MS, Counter, Counts, ratio};
pub use kv_content::{KvAmount, KvContent};
pub use leases::{
    LEASE_MILLIS, PurgeOfEverything, RUNS_APART_MILLIS, WarmAsk, WarmLease, WarmProgress,
    WarmReply, WarmRun,
};
pub use messages::{Message, MessageFault, NEW_PARTS, Part, Reply, Totals};
pub use names::{NameList, NameTable, OTHER, short_name};
pub use occasions::Occasions;
pub use popular::{PopularRequest, PopularRequests};
pub use purges::{PurgeCounts, RecentPurge, RecentPurges};
pub use rows::{MemoryRows, Rows, Table};
pub use rules::RequestsByRules;
pub use schedule::{FIRST_REPORT_MILLIS, LEAST_MILLIS, Schedule, wait_after_failures};
pub use series::{Point, WindowSum, window_sum};
pub use tally::Tally;
