//! A query of a batch, and what is stored for it.

use crate::engine::Plan;
use crate::policy::Freshness;
use crate::service::cache::Candidate;
use crate::service::knowledge::Operation;
use crate::service::read::repeating::ServedHit;
use crate::time::Timestamp;
use std::rc::Rc;

/// A query of a batch, and what is stored for it.
pub struct BatchQuery<'a> {
    /// The query.
    pub operation: &'a Rc<Operation>,
    /// How it is looked up.
    pub plan: &'a Plan,
    /// Its element of the batch as the client sent it.
    pub sent: &'a str,
    /// The stored response that was found, if any.
    pub candidate: Option<Candidate>,
    /// The `Vary` of the entry under the plan's own key, if that entry is another variant.
    pub other_variant: Option<Vec<String>>,
}

impl BatchQuery<'_> {
    /// `true` if a fresh response is stored.
    pub fn is_fresh(&self) -> bool {
        self.freshness() == Some(Freshness::Fresh)
    }

    /// `true` if a stored response may be served while it is revalidated.
    pub fn may_be_revalidated(&self) -> bool {
        self.freshness() == Some(Freshness::StaleWhileRevalidate)
    }

    /// The query as it was served from the cache, if it was.
    pub fn served(&self) -> Option<ServedHit<'_>> {
        let candidate = self.candidate.as_ref()?;
        let (operation, other_variant) = (Some(&**self.operation), self.other_variant.as_deref());
        Some(ServedHit { plan: self.plan, candidate, other_variant, operation })
    }

    /// The body of the stored response; empty if there is none.
    pub fn stored_body(&self) -> Rc<[u8]> {
        let candidate = self.candidate.as_ref();
        candidate.map(|candidate| candidate.cached.entry.body.clone()).unwrap_or_default()
    }

    fn freshness(&self) -> Option<Freshness> {
        self.candidate.as_ref().map(|candidate| candidate.freshness)
    }
}

/// The queries of a batch in order; `None` for an operation whose document is not known.
pub type BatchQueries<'a> = Vec<Option<BatchQuery<'a>>>;

/// The age of the oldest stored response among these.
pub fn greatest_age<'q>(queries: impl Iterator<Item = &'q BatchQuery<'q>>, now: Timestamp) -> u64 {
    let candidates = queries.filter_map(|query| query.candidate.as_ref());
    candidates.map(|candidate| candidate.cached.entry.meta.age(now)).max().unwrap_or(0)
}
