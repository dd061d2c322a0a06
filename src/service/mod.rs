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
mod collapse;
mod context;
mod documents;
mod edge_store;
mod expiring_map;
mod fetch;
mod find;
mod handle;
mod hashed;
mod health;
mod in_flight;
mod isolate;
mod keep;
mod manifest;
mod memory;
mod purges;
mod report;
mod rescue;
mod rest;
mod runtime;
mod schema;
mod slots;
mod socket;
mod stats;
mod store_read;
mod timeout;
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
