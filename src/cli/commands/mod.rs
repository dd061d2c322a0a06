//! The commands, one a file.

pub(super) mod audit;
pub(super) mod config;
mod counted_by;
pub(super) mod entries;
pub(super) mod explain;
pub(super) mod health;
pub(super) mod help;
mod key_pattern;
mod man_sections;
pub(super) mod pause;
pub(super) mod purge;
pub(super) mod replay;
mod shown;
pub(super) mod stats;
pub(super) mod top;
pub(super) mod upload;
pub(super) mod warm;
