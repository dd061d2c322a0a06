//! A stored response that a look-up has found, and whether it may be used.

use crate::policy::Freshness;
use crate::service::tiers::CachedEntry;
use std::rc::Rc;

/// A stored response that was found for a request.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The stored response.
    pub cached: Rc<CachedEntry>,
    /// The name of the tier that it was found in.
    pub tier: &'static str,
    /// How it was judged.
    pub freshness: Freshness,
}

impl Candidate {
    /// `true` if it answers the request, fresh or not.
    pub fn answers(&self) -> bool {
        matches!(
            self.freshness,
            Freshness::Fresh | Freshness::StaleAllowed | Freshness::StaleWhileRevalidate
        )
    }

    /// `true` if it is fresh.
    pub fn is_fresh(&self) -> bool {
        self.freshness == Freshness::Fresh
    }

    /// `true` if it is of more use than another candidate, even if neither answers the request.
    pub fn is_better_than(&self, other: &Self) -> bool {
        rank(self.freshness) > rank(other.freshness)
    }
}

/// `true` if a stale response of that freshness may be served because the origin fails.
pub fn is_servable_stale(freshness: Freshness) -> bool {
    matches!(freshness, Freshness::StaleWhileRevalidate | Freshness::StaleIfError)
}

fn rank(freshness: Freshness) -> u8 {
    match freshness {
        Freshness::Fresh => 5,
        Freshness::StaleAllowed => 4,
        Freshness::StaleWhileRevalidate => 3,
        Freshness::StaleIfError => 2,
        Freshness::Expired => 1,
        Freshness::Purged => 0,
    }
}
