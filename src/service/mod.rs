//! Runs the engine's decisions over the world: stores, origin, purge log, clock.
//!
//! In scope: the order of things, and what happens when a part fails; nothing that fails here
//! reaches the client but as the origin's answer. Not in scope: the decisions themselves
//! (`engine`) and the runtime (`worker`).

mod admin;
mod ask;
mod ask_rest;
mod backoff;
mod batch;
mod batch_read;
mod breaker;
mod byte_lru;
mod cold_start;
mod collapse;
mod documents;
mod everything;
mod expiring;
mod fetch;
mod find;
mod former_outbox;
mod handle;
mod hashed;
mod health;
mod in_flight;
mod intent;
mod isolate;
mod keep;
mod manifest;
mod memory;
mod nearby;
mod outbox;
mod own_write;
mod record;
mod report;
mod rescue;
mod rest;
mod runtime;
mod schema;
mod shared_read;
mod slots;
mod socket;
mod stats;
mod sync;
mod token;
mod write;

#[cfg(test)]
#[allow(dead_code, unused_imports, reason = "tests use what they need")]
mod testing;

pub use handle::{Reply, Service};
pub use isolate::Isolate;
pub use runtime::{
    AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock, EdgeCache, EdgeValue,
    ExternalFetch, Fault, FetchedText, KvStore, LogSink, MemoryBudget, Origin, OriginFailure,
    OriginRequest, OriginRequestKind, OriginResponse, PurgeLog, Runtime, Secrets, Signals,
    SignatureVerifier,
};
pub use socket::{SocketMessage, SocketWrite};
