//! Taking added fields out of a response.

mod json_scan;
mod location;
mod output;
mod state;
mod stripper;

pub use stripper::{ResponseStripper, StripError, strip};
