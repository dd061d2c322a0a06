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
//! | `explain/` | what would be done with a request |
//! | `warming` | reads that no client waits for |
//! | `graphql`, `batch`, `socket` | what is special about GraphQL |
//! | `decision/` | what is done with a request |
//! | `read/`, `write/`, `pass_through` | what is done with a request |
//! | `planning`, `scope_changes` | decisions that reads and writes share |
//! | `knowledge/` | schema, documents, tokens |
//! | `cache/` | finding, judging and storing responses in all tiers |
//! | `respond/` | the client's response, counters and the log line |
//! | `origin` | the only path to the origin |
//! | `purges/` | the purge log |
//! | `tiers/` | memory, edge cache, KV |
//! | `token_verifier` | JSON Web Tokens |
//! | `stats_reports` | what isolates report to the statistics object |
//! | `cached_entry` | an entry, as the isolate holds it |
//! | `context`, `report`, `stats`, `failed_attempts` | one request; log lines; counters |
//! | `answers/` | what JavaScript may answer by itself |
//! | `last_outcome` | how the last call to a part went |
//! | `slots`, `timeout`, `expiring_map`, … | tools |
//! | `runtime` | what a platform implements |

mod admin;
#[cfg(any(test, feature = "sim"))]
mod answer_model;
mod answers;
mod auto_warming;
mod backoff;
mod base;
mod batch;
mod body_memory;
mod byte_lru;
mod cache;
mod cached_entry;
mod configured;
mod context;
mod decision;
mod degraded;
mod expiring_map;
mod explain;
mod failed_attempts;
mod graphql;
mod incoming;
mod isolate;
mod knowledge;
mod last_outcome;
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
mod stats_reports;
mod tiers;
mod timeout;
mod token_verifier;
mod warming;
mod write;

#[cfg(test)]
mod testing;

pub use admin::ROUTES as ADMIN_ROUTES;
#[cfg(not(target_arch = "wasm32"))]
pub use admin::{openapi, undescribed};
#[cfg(any(test, feature = "sim"))]
pub use answer_model::AnswerModel;
pub use answers::{CountedHit, Memo, Stamp, Stamps, is_repeatable};
pub use isolate::Isolate;
pub use respond::{ADDED_HEADERS, AddedHeader, Reply, ResponseFacts};
pub use router::Service;
pub use runtime::{
    AnswerTable, AppendReply, BackgroundWork, BodyEnd, BodyPassThrough, BodyRead, Clock,
    Deployment, EdgeBytes, EdgeCache, EdgeValue, ExternalFetch, Fault, FetchedText, KvKey, KvPage,
    KvStore, LogSink, MemoryBudget, Origin, OriginFailure, OriginRequest, OriginRequestKind,
    OriginResponse, PageAssets, PurgeLog, Runtime, Secrets, Signals, SignatureVerifier,
    StatisticsSink,
};
pub use socket::{SocketMessage, SocketWrite};
