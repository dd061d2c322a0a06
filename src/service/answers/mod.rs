//! Answers that JavaScript may give again without asking Wasm
//! (docs/decisions/0054-hits-that-do-not-enter-wasm.md).
//!
//! In scope: what such an answer depends on, and how JavaScript is told when that changes. Not in scope: which
//! answers qualify (`read/repeating.rs`), and the table in which JavaScript keeps them
//! (`worker/js/answers.js`).

mod counted;
mod memo;
mod stamps;

pub use counted::CountedHit;
pub use memo::{Memo, is_repeatable};
pub use stamps::{Stamp, Stamps};
