//! How a request was answered, as response headers, counters and the log show it.

use crate::engine::{Bypass, XCache};
use crate::policy::{CacheStatus, Forward, NotStored};
use crate::service::tiers::CachedEntry;
use crate::time::Timestamp;

/// Why the origin is asked after a look-up.
#[derive(Debug, Clone, Copy)]
pub struct ForwardReason {
    /// What `Cache-Status` says after `fwd=`.
    pub forward: Forward,
    /// The named reason, if there is one.
    pub detail: Option<&'static str>,
}

/// How a request was answered: the values of `X-Cache` and `Cache-Status`.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// `X-Cache`
    pub x_cache: XCache,
    /// `Cache-Status`
    pub status: CacheStatus<'a>,
}

impl<'a> Outcome<'a> {
    /// A stored response from a tier.
    pub fn hit(cached: &CachedEntry, tier: &'static str, is_stale: bool, now: Timestamp) -> Self {
        let meta = &cached.entry.meta;
        let x_cache = if is_stale { XCache::Stale } else { XCache::Hit };
        Self { x_cache, status: CacheStatus::hit(meta.ttl, meta.age(now), tier) }
    }

    /// The origin's response after a look-up. `stored` tells whether it is stored, or why not.
    pub fn miss(reason: ForwardReason, status: u16, stored: Result<(), NotStored>) -> Self {
        let detail = stored.err().map(NotStored::as_str).or(reason.detail);
        Self {
            x_cache: XCache::Miss,
            status: CacheStatus::Forwarded {
                forward: reason.forward,
                status: Some(status),
                stored: stored.is_ok(),
                detail,
            },
        }
    }

    /// A stored response that the origin has just validated.
    pub fn revalidated(reason: ForwardReason, status: u16, stored: Result<(), NotStored>) -> Self {
        Self { x_cache: XCache::Revalidated, ..Self::miss(reason, status, stored) }
    }

    /// The response to a request that was not looked up. `status` is the origin's; `None` if it gave
    /// no response.
    pub fn bypass(forward: Forward, status: Option<u16>, detail: &'a str) -> Self {
        Self {
            x_cache: XCache::Bypass,
            status: CacheStatus::Forwarded { forward, status, stored: false, detail: Some(detail) },
        }
    }

    /// The reason that `Cache-Status` names, if there is one.
    pub fn detail(&self) -> Option<&'a str> {
        match self.status {
            CacheStatus::Forwarded { detail, .. } => detail,
            CacheStatus::Hit { .. } => None,
        }
    }
}

/// What `Cache-Status` says after `fwd=` for a request that is not looked up.
pub fn forward_of(reason: Bypass) -> Forward {
    match reason {
        Bypass::Method => Forward::Method,
        _ => Forward::Bypass,
    }
}
