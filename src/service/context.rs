//! One client request while it is handled.
//!
//! In scope: what every component may need of a request, and nothing that outlives it. Not in scope:
//! what lives between requests (`isolate.rs`).

use super::cached_entry::CachedEntry;
use super::runtime::{BodyRead, Runtime};
use super::slots::{READS, REVALIDATIONS, Slots};
use crate::admin::Administrator;
use crate::engine::ReadTypes;
use crate::http::Request;
use crate::limits;
use crate::purge::Mark;
use crate::time::Timestamp;
use std::cell::RefCell;
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
    /// What the request is handled for.
    pub purpose: Purpose,
    /// The name of its GraphQL operation, if it is known and not looked up. For statistics.
    pub operation: Option<Rc<str>>,
    /// The cache types of a read that is not looked up, if they are known. For statistics.
    pub types: Option<Rc<ReadTypes>>,
    /// For an admin request with the right credentials: whose it is.
    pub admin: Option<Rc<AdminRequest>>,
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
            purpose: Purpose::Answer,
            operation: None,
            types: None,
            admin: None,
            store_reads: Slots::new(READS),
            revalidations: Slots::new(REVALIDATIONS),
        }
    }

    /// The context of the same request, whose operation has this name.
    pub fn of_operation(&self, name: Option<&str>) -> Self {
        Self { operation: Some(name.unwrap_or("anonymous").into()), ..self.clone() }
    }

    /// The context of the same request, whose cache types are these.
    pub fn of_types(&self, types: Option<ReadTypes>) -> Self {
        Self { types: types.map(Rc::new), ..self.clone() }
    }
}

impl<R: Runtime> Context<R> {
    /// Whether the request is only explained. Then nothing may change: stores, the log and tokens may be
    /// read, and nothing is written, remembered, counted or begun in the background.
    pub fn is_explained(&self) -> bool {
        matches!(self.purpose, Purpose::Explain { .. })
    }

    /// Whether the request is made to warm the cache: no client gets its response.
    pub fn is_warming(&self) -> bool {
        matches!(self.purpose, Purpose::Warm { .. })
    }

    /// Notes the stored response that answers the request, if it is made to warm the cache.
    pub fn note_entry(&self, cached: &Rc<CachedEntry>) {
        if let Purpose::Warm { entry, .. } = &self.purpose {
            entry.replace(Some(cached.clone()));
        }
    }

    /// The stored response that answers a request for warming, once there is one.
    pub fn noted_entry(&self) -> Option<Rc<CachedEntry>> {
        match &self.purpose {
            Purpose::Warm { entry, .. } => entry.borrow().clone(),
            Purpose::Answer | Purpose::Explain { .. } => None,
        }
    }

    /// The request's body, if it has at most `limit` bytes.
    pub async fn request_body(&self, limit: usize) -> BodyRead {
        match &self.purpose {
            Purpose::Answer => self.runtime.request_body(limit, limits::REQUEST_COPIES).await,
            Purpose::Explain { body } | Purpose::Warm { body, .. } if body.len() > limit => {
                BodyRead::TooLarge
            }
            Purpose::Explain { body } | Purpose::Warm { body, .. } => BodyRead::Whole(body.clone()),
        }
    }
}

/// What a request is handled for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    /// To answer it.
    Answer,
    /// To explain what would be done with it. `body` is its body; the runtime's is that of the request
    /// for the explanation.
    Explain {
        /// The body.
        body: Rc<[u8]>,
    },
    /// To fetch and store its response before a client asks. `body` is its body; the runtime's is that of
    /// the request for warming.
    Warm {
        /// The body.
        body: Rc<[u8]>,
        /// The stored response that answers the request.
        entry: Rc<RefCell<Option<Rc<CachedEntry>>>>,
    },
}

/// An admin request whose credentials are right.
#[derive(Debug)]
pub(super) struct AdminRequest {
    /// Whose it is.
    pub administrator: Administrator,
    /// What the audit says of the change, besides the numbers of the response. Neither secrets nor texts
    /// of the request.
    pub detail: RefCell<&'static str>,
    /// The body whose numbers the audit shows, where that of the response has the form of another cache.
    pub recorded: RefCell<Option<Rc<[u8]>>>,
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
