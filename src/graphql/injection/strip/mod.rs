//! Takes added fields out of a response, byte by byte.
//!
//! The whole response is stripped with [`strip`]. [`ResponseStripper`] does the same for a stream;
//! so far only tests use it chunk by chunk, and misses may be streamed through it later.

mod json_scan;
mod location;
mod output;
mod state;
mod stripper;

pub use stripper::{ResponseStripper, StripError, strip};
