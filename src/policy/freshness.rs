//! Whether a stored response is fresh (RFC 9111 §4.2), and if not, whether it may be served stale
//! (RFC 5861).

use super::cache_control::RequestDirectives;
use crate::purge::Verdict;
use crate::stored::Meta;
use crate::time::Timestamp;

/// How a stored response may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It may be served.
    Fresh,
    /// It is stale, and the client accepts that (`max-stale`, RFC 9111 §5.2.1.2).
    StaleAllowed,
    /// It is stale, and may be served while one request revalidates it.
    StaleWhileRevalidate,
    /// It is stale, and may be served if the origin fails.
    StaleIfError,
    /// It may not be served without the origin.
    Expired,
    /// It was purged, and may not be used in any way.
    Purged,
}

impl Freshness {
    /// The word in explanations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::StaleAllowed => "stale-allowed",
            Self::StaleWhileRevalidate => "stale-while-revalidate",
            Self::StaleIfError => "stale-if-error",
            Self::Expired => "expired",
            Self::Purged => "purged",
        }
    }
}

/// Determines how a stored response may be used, by its age, the verdict of the purge log, and the
/// request's directives.
pub fn freshness(
    meta: &Meta,
    verdict: Verdict,
    request: &RequestDirectives,
    now: Timestamp,
) -> Freshness {
    if verdict == Verdict::Purged {
        return Freshness::Purged;
    }
    let age = meta.age(now);
    let ttl = meta.ttl.as_seconds();
    let stale_for = |window: u64| age < ttl.saturating_add(window);
    let wanted = !request.no_cache
        && request.max_age.is_none_or(|max| age <= max.as_seconds())
        && request.min_fresh.is_none_or(|min| ttl.saturating_sub(age) >= min.as_seconds());
    if verdict == Verdict::Valid && age < ttl && wanted {
        Freshness::Fresh
    } else if verdict == Verdict::Valid && wanted && allowed(meta, age, request) {
        Freshness::StaleAllowed
    } else if stale_for(meta.swr.as_seconds()) && wanted && !meta.swr.is_zero() {
        Freshness::StaleWhileRevalidate
    } else if stale_for(meta.sie.as_seconds()) && !meta.sie.is_zero() {
        Freshness::StaleIfError
    } else {
        Freshness::Expired
    }
}

/// Whether the client accepts a response that is stale by this much. A response with
/// `must-revalidate` is never used stale.
fn allowed(meta: &Meta, age: u64, request: &RequestDirectives) -> bool {
    let stale = age.saturating_sub(meta.ttl.as_seconds());
    let takes = request.max_stale.is_some_and(|most| stale <= most.as_seconds());
    takes && !meta.must_revalidate && request.min_fresh.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;
    use crate::purge::Mark;
    use crate::time::Ttl;

    fn judged(age: u64, verdict: Verdict, request: &str) -> Freshness {
        let meta = Meta {
            key: String::new(),
            mark: Mark { epoch: 0, seq: 0 },
            stored_at: Timestamp::from_millis(0),
            initial_age: 0,
            ttl: Ttl::from_seconds(10),
            swr: Ttl::from_seconds(5),
            sie: Ttl::from_seconds(20),
            status: 200,
            headers: Headers::new(),
            tags: vec![],
            tagging: crate::tag::Tagging::UNKNOWN,
            vary: vec![],
            variant: String::new(),
            type_name: String::new(),
            must_revalidate: request.contains("max-stale=7"),
            kept: Ttl::ZERO,
            etag_is_ours: false,
            shares_authorized: false,
            lifetime_source: crate::stored::LifetimeSource::default(),
            origin_ms: 0,
        };
        let request: Headers = [("cache-control", request)].into_iter().collect();
        let directives = RequestDirectives::read(&request);
        freshness(&meta, verdict, &directives, Timestamp::from_millis(age * 1000))
    }

    #[test]
    fn age_decides() {
        assert_eq!(judged(9, Verdict::Valid, ""), Freshness::Fresh);
        assert_eq!(judged(10, Verdict::Valid, ""), Freshness::StaleWhileRevalidate);
        assert_eq!(judged(15, Verdict::Valid, ""), Freshness::StaleIfError);
        assert_eq!(judged(30, Verdict::Valid, ""), Freshness::Expired);
    }

    #[test]
    fn a_soft_purge_makes_stale_and_a_hard_one_ends_it() {
        assert_eq!(judged(1, Verdict::Stale, ""), Freshness::StaleWhileRevalidate);
        assert_eq!(judged(1, Verdict::Purged, ""), Freshness::Purged);
    }

    #[test]
    fn section_5_2_1_2_the_client_may_take_what_is_stale() {
        assert_eq!(judged(40, Verdict::Valid, "max-stale=30"), Freshness::StaleAllowed);
        assert_eq!(judged(99, Verdict::Valid, "max-stale"), Freshness::StaleAllowed);
        assert_eq!(judged(41, Verdict::Valid, "max-stale=30"), Freshness::Expired);
        assert_eq!(judged(41, Verdict::Valid, "max-stale=31, max-age=40"), Freshness::Expired);
        // This entry must be revalidated.
        assert_eq!(judged(16, Verdict::Valid, "max-stale=7"), Freshness::StaleIfError);
        assert_eq!(judged(40, Verdict::Stale, "max-stale"), Freshness::Expired);
        assert_eq!(judged(1, Verdict::Purged, "max-stale"), Freshness::Purged);
    }

    #[test]
    fn the_client_may_ask_for_more() {
        assert_eq!(judged(1, Verdict::Valid, "no-cache"), Freshness::StaleIfError);
        assert_eq!(judged(3, Verdict::Valid, "max-age=2"), Freshness::StaleIfError);
        assert_eq!(judged(3, Verdict::Valid, "min-fresh=8"), Freshness::StaleIfError);
        assert_eq!(judged(2, Verdict::Valid, "min-fresh=8, max-age=2"), Freshness::Fresh);
    }
}
