//! One client request while it is handled.
//!
//! In scope: what every component may need of a request, and nothing that outlives it. Not in scope:
//! what lives between requests (`isolate.rs`).

use super::runtime::Runtime;
use super::slots::{READS, REVALIDATIONS, Slots};
use crate::engine::Bypass;
use crate::http::Request;
use crate::purge::Mark;
use crate::time::Timestamp;
use std::rc::Rc;

/// A client request while it is handled, and the runtime that handles it.
///
/// A clone is cheap and shares everything with the original. Work that outlives the response takes one.
#[derive(Clone)]
pub(super) struct Context<R> {
    /// The platform, as this request sees it.
    pub runtime: R,
    /// The request, without the headers that are for Evergraph alone.
    pub request: Rc<Request>,
    /// When the request arrived.
    pub started: Timestamp,
    /// The client's own write, if it sent a token of one: nothing older may answer it.
    pub own_write: Option<OwnWrite>,
    /// Whether the client may see keys and tags.
    pub debug: bool,
    /// Why its queries are not looked up, if its path or its method rules that out.
    pub uncached: Option<Bypass>,
    /// Limits how many stores the request reads at once.
    pub store_reads: Rc<Slots>,
    /// Limits how many stale entries the request revalidates at once.
    pub revalidations: Rc<Slots>,
}

impl<R: Runtime> Context<R> {
    /// The context of a request that has just arrived, and requires nothing in particular.
    pub fn new(runtime: R, request: Request) -> Self {
        let started = runtime.now();
        Self {
            runtime,
            request: Rc::new(request),
            started,
            own_write: None,
            debug: false,
            uncached: None,
            store_reads: Slots::new(READS),
            revalidations: Slots::new(REVALIDATIONS),
        }
    }
}

/// What a client requires that sends the token of its own write (`Evergraph-Purge`).
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnWrite {
    /// The record of the write's purge; `None` if the token could not be verified.
    pub record: Option<Mark>,
    /// How many times this isolate had called the log when the request arrived. The reply to any later
    /// call includes the write, or shows that the log lacks it.
    pub calls_before: u64,
}
