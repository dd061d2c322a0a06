//! A runtime in memory, for unit tests of the service's components.
//!
//! The simulated world (`sim`) has many isolates, drifting clocks and stores that are eventually
//! consistent; it tests that all parts together keep their promises. This runtime has one isolate,
//! and each of its parts does what a test says: works, fails, or takes its time.
//!
//! ```ignore
//! let runtime = TestRuntime::new();
//! runtime.fails(Call::KvGet, "KV is down");
//! let found = runtime.run(documents.document(&context, "ab12"));
//! assert_eq!(found, None);
//! assert!(runtime.has_reported("kv-read"));
//! ```

#![allow(dead_code, unused_imports, reason = "tests use what they need")]

mod components;
mod executor;
mod runtime;
mod traits;

#[cfg(test)]
mod tests;

pub use components::Components;
pub use runtime::{Call, SentRequest, TestRuntime, request};
pub use traits::signature_by;
