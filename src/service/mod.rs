//! The service: runs the engine's decisions over a platform's stores, origin, purge log and clock.
//!
//! In scope: the order of things, and what happens when a part fails: nothing that fails here changes
//! more of the client's response than that the origin made it. Not in scope: the decisions themselves
//! (`engine`), and the platform (`worker`).
//!
//! Each component owns its state, and calls only components below it. From top to bottom:
//!
//! | files | |
//! |---|---|
//! | `router` | where requests enter |
//! | `isolate`, `configured`, `degraded`, `base` | the components of an isolate, and how they are built |
//! | `admin/` | the admin routes |
//! | `graphql`, `batch`, `socket` | from a GraphQL request to a read or a write |
//! | `read/`, `write/`, `pass_through` | what is done with a request |
//! | `planning`, `scope_changes` | decisions that reads and writes share |
//! | `knowledge/` | schema, documents, tokens |
//! | `cache/` | finding, judging and storing responses in all tiers |
//! | `respond/` | the client's response, counters and the log line |
//! | `origin` | the only path to the origin |
//! | `purges/` | the purge log |
//! | `tiers/` | memory, edge cache, KV |
//! | `context`, `report`, `stats` | one request; log lines; counters |
//! | `slots`, `timeout`, `expiring_map`, … | tools |
//! | `runtime` | what a platform implements |

mod admin;
mod backoff;
mod base;
mod batch;
mod body_memory;
mod byte_lru;
mod cache;
mod configured;
mod context;
mod degraded;
mod expiring_map;
mod graphql;
mod isolate;
mod knowledge;
mod limit_usage;
mod origin;
mod pass_through;
mod planning;
mod purges;
mod read;
mod report;
mod respond;
mod router;
mod runtime;
mod scope_changes;
mod slots;
mod socket;
mod stats;
mod tiers;
mod timeout;
mod write;

#[cfg(test)]
mod testing;

pub use admin::ROUTES as ADMIN_ROUTES;
pub use isolate::Isolate;
pub use respond::{ADDED_HEADERS, AddedHeader, Reply, ResponseFacts};
pub use router::Service;
pub use runtime::{
    AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock, Deployment, EdgeCache,
    EdgeValue, ExternalFetch, Fault, FetchedText, KvStore, LogSink, MemoryBudget, Origin,
    OriginFailure, OriginRequest, OriginRequestKind, OriginResponse, PurgeLog, Runtime, Secrets,
    Signals, SignatureVerifier,
};
pub use socket::{SocketMessage, SocketWrite};
