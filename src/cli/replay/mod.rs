//! `evergraph replay`: recorded traffic through the shipped engine, for one or several configurations.
//!
//! Each configuration has two worlds: one as in production, and one whose log forgets every purge, so that
//! entries end by their lifetime alone. What the second serves from its cache and the recording had
//! otherwise is what a cache without purges would have served stale.
//!
//! | file | |
//! |---|---|
//! | `names` | how requests are named in the report, and which of them are writes |
//! | `difference` | whether two bodies say the same |
//! | `tally` | counters by type, operation and reason |
//! | `judging` | which answers were stale |
//! | `lane` | one configuration with its worlds |
//! | `session` | the recording through all lanes |
//! | `prices` | what the traffic costs |
//! | `report`, `tables` | the result as JSON, and for people |

mod difference;
mod judging;
mod lane;
mod names;
mod prices;
mod report;
mod session;
mod tables;
mod tally;

pub(crate) use report::Report;
pub(crate) use session::{Candidate, Session};
pub(crate) use tables::show;

#[cfg(test)]
mod tests;
