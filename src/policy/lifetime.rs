//! The freshness lifetime of a response (RFC 9111 §4.2.1), from the origin's headers and the
//! configuration.

use super::cache_control::ResponseDirectives;
use super::conditional::has_validator;
use super::date::http_date;
use super::not_stored::NotStored;
use crate::http::Headers;
use crate::time::{Timestamp, Ttl};

/// The periods in which a response may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessWindows {
    /// The freshness lifetime.
    pub ttl: Ttl,
    /// After that, how long it may be served while it is revalidated.
    pub swr: Ttl,
    /// After that, how long it may be served if the origin fails.
    pub sie: Ttl,
}

/// The lifetime of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The periods in which it may be used, counted from its generation.
    pub windows: FreshnessWindows,
    /// Its age when it was received, in seconds.
    pub initial_age: u64,
    /// Whether it may never be served stale (§4.2.4).
    pub must_revalidate: bool,
    /// How much longer it is kept in order to be validated.
    pub kept: Ttl,
    /// Whether the ttl was estimated from `Last-Modified` (§4.2.2).
    pub is_heuristic: bool,
}

/// Whether the origin or the configuration decides the lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifetimeRule {
    /// The origin decides: a REST response that no cache type gives a ttl.
    Origin(OriginRule),
    /// The configuration decides: a REST response of a cache type, or any response with `override`.
    Configured(FreshnessWindows),
    /// The configuration decides, and the origin may shorten it: a GraphQL response.
    AtMost(FreshnessWindows),
}

/// What the configuration adds when the origin decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OriginRule {
    /// Whether a response without an explicit lifetime gets a heuristic one from `Last-Modified`
    /// (§4.2.2).
    pub heuristic: bool,
    /// Replaces `stale-while-revalidate`.
    pub swr: Option<Ttl>,
    /// Replaces `stale-if-error`.
    pub sie: Option<Ttl>,
    /// The maximum ttl. If it is set, `swr` and `sie` are maximums as well.
    pub most: Option<Ttl>,
}

/// The status and headers of a response, and when they were received.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedHead<'a> {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: &'a Headers,
    /// When the request was sent to the origin.
    pub asked_at: Timestamp,
    /// When the response was received.
    pub at: Timestamp,
}

/// How long a response is kept for validation after it may no longer be served.
const KEPT_SECONDS: u64 = 24 * 60 * 60;

/// The longest heuristic lifetime.
const GUESSED_SECONDS: u64 = 24 * 60 * 60;

/// Statuses that are heuristically cacheable (RFC 9110 §15.1). 206 is missing, because partial
/// responses are stored by another rule.
const CACHEABLE_BY_DEFAULT: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// The lifetime of a response, or the reason why it is not worth storing.
pub fn lifetime(rule: LifetimeRule, received: ReceivedHead<'_>) -> Result<Lifetime, NotStored> {
    let directives = ResponseDirectives::read(received.headers);
    let initial_age = initial_age(received);
    // A configured ttl counts from now, whatever the response's age is.
    let from_now = |windows: FreshnessWindows| FreshnessWindows {
        ttl: Ttl::from_seconds(windows.ttl.as_seconds().saturating_add(initial_age)),
        ..windows
    };
    let windows = match rule {
        LifetimeRule::Configured(windows) => from_now(windows),
        LifetimeRule::AtMost(windows) => match explicit(&directives, received) {
            Some(ttl) if ttl.minus_seconds(initial_age) < windows.ttl => {
                FreshnessWindows { ttl, ..windows }
            }
            _ => from_now(windows),
        },
        LifetimeRule::Origin(by) => by_origin(by, &directives, received, initial_age),
    };
    // An error does not stand in for another error.
    let failed = received.status >= 500;
    let windows = match failed {
        true => FreshnessWindows { swr: Ttl::ZERO, sie: Ttl::ZERO, ..windows },
        false => windows,
    };
    // Only a success can be validated by a 304 (RFC 9110 §13.2.1).
    let can_be_validated = (200..300).contains(&received.status) && has_validator(received.headers);
    let by_origin = matches!(rule, LifetimeRule::Origin(_));
    let lifetime = Lifetime {
        windows,
        initial_age,
        must_revalidate: by_origin && (directives.must_revalidate || directives.no_cache),
        kept: match can_be_validated && !matches!(rule, LifetimeRule::AtMost(_)) {
            true => Ttl::from_seconds(KEPT_SECONDS),
            false => Ttl::ZERO,
        },
        is_heuristic: by_origin
            && explicit(&directives, received).is_none()
            && !windows.ttl.is_zero(),
    };
    let longest = windows.ttl.as_seconds() + windows.swr.max(windows.sie).as_seconds();
    // A GraphQL response that is never fresh is not worth storing.
    let worth = match rule {
        LifetimeRule::AtMost(_) => windows.ttl.as_seconds() > initial_age,
        _ => longest > initial_age || !lifetime.kept.is_zero(),
    };
    if worth { Ok(lifetime) } else { Err(NotStored::NoFreshness) }
}

fn by_origin(
    by: OriginRule,
    directives: &ResponseDirectives,
    received: ReceivedHead<'_>,
    initial_age: u64,
) -> FreshnessWindows {
    let guessed = || by.heuristic.then(|| guessed(directives, received)).flatten();
    let ttl = explicit(directives, received).or_else(guessed).unwrap_or(Ttl::ZERO);
    let most = by.most.map(|most| most.as_seconds().saturating_add(initial_age));
    let stale = |configured: Option<Ttl>, said: Option<Ttl>| {
        let revalidate = directives.must_revalidate || directives.no_cache;
        let window = match (configured, said, by.most) {
            (configured, Some(said), Some(_)) => {
                Some(configured.map_or(said, |most| said.min(most)))
            }
            (_, None, Some(_)) => None,
            (configured, said, None) => configured.or(said),
        };
        window.filter(|_| !revalidate).unwrap_or(Ttl::ZERO)
    };
    FreshnessWindows {
        ttl: most.map_or(ttl, |most| ttl.min(Ttl::from_seconds(most))),
        swr: stale(by.swr, directives.stale_while_revalidate),
        sie: stale(by.sie, directives.stale_if_error),
    }
}

/// The lifetime that the origin states explicitly. It is 0 with `no-cache`, which requires
/// validation before every use.
fn explicit(directives: &ResponseDirectives, received: ReceivedHead<'_>) -> Option<Ttl> {
    if directives.no_cache {
        return Some(Ttl::ZERO);
    }
    directives.max_age.or_else(|| match directives.targeted {
        true => None,
        false => expires(received),
    })
}

/// `Expires` minus `Date` (§4.2.1). An unparsable `Expires` counts as expired (§5.3).
fn expires(received: ReceivedHead<'_>) -> Option<Ttl> {
    let expires = http_date(&received.headers.joined("expires")?).unwrap_or(0);
    Some(Ttl::from_seconds(expires.saturating_sub(date(received))))
}

/// When the response was generated: its `Date`, or else the time of receipt.
fn date(received: ReceivedHead<'_>) -> u64 {
    let said = received.headers.get("date").and_then(http_date);
    said.unwrap_or(received.at.as_millis() / 1000)
}

/// A tenth of the time since the last modification (§4.2.2).
fn guessed(directives: &ResponseDirectives, received: ReceivedHead<'_>) -> Option<Ttl> {
    if !CACHEABLE_BY_DEFAULT.contains(&received.status) && !directives.public {
        return None;
    }
    let modified = http_date(received.headers.get("last-modified")?)?;
    let unmodified = date(received).saturating_sub(modified);
    Some(Ttl::from_seconds((unmodified / 10).min(GUESSED_SECONDS)))
}

/// The age of the response when it was received, in seconds (§4.2.3).
fn initial_age(received: ReceivedHead<'_>) -> u64 {
    let age = received.headers.get("age").and_then(age_of).unwrap_or(0);
    let delay = received.at.seconds_since(received.asked_at);
    let apparent = (received.at.as_millis() / 1000).saturating_sub(date(received));
    apparent.max(age.saturating_add(delay))
}

/// Parses `Age` (§5.1). Of several values the first counts; a value that is not a number is
/// ignored.
fn age_of(value: &str) -> Option<u64> {
    let first = value.split(',').next().unwrap_or_default().trim();
    let digits = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| first.parse().unwrap_or(Ttl::MAX.as_seconds()).min(Ttl::MAX.as_seconds()))
}

#[cfg(test)]
mod tests;
