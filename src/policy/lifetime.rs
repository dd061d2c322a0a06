//! How long an answer lives (RFC 9111 §4.2.1), by the origin's word and the configuration's.

use super::cache_control::ResponseDirectives;
use super::conditional::has_validator;
use super::date::http_date;
use super::not_stored::NotStored;
use crate::http::Headers;
use crate::time::{Timestamp, Ttl};

/// For how long an answer is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessWindows {
    /// Fresh for.
    pub ttl: Ttl,
    /// Then served while it is fetched anew, for.
    pub swr: Ttl,
    /// Then served while the origin fails, for.
    pub sie: Ttl,
}

/// How long an answer lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// For how long it is good, from when it was generated.
    pub windows: FreshnessWindows,
    /// How old it already is, in seconds.
    pub initial_age: u64,
    /// Whether it may never be used stale, whoever asks (§4.2.4).
    pub must_revalidate: bool,
    /// How much longer than all that it is kept, to be validated.
    pub kept: Ttl,
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifetimeRule {
    /// The origin: a REST answer that no cache type gives a ttl.
    Origin(OriginRule),
    /// The configuration: a REST answer of a cache type, or any answer with `override`.
    Configured(FreshnessWindows),
    /// The configuration, which the origin can shorten: a GraphQL answer.
    AtMost(FreshnessWindows),
}

/// What the configuration says where the origin decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OriginRule {
    /// Whether an answer without a lifetime gets one by its `Last-Modified` (§4.2.2).
    pub heuristic: bool,
    /// In place of `stale-while-revalidate`.
    pub swr: Option<Ttl>,
    /// In place of `stale-if-error`.
    pub sie: Option<Ttl>,
    /// The longest ttl. With one, `swr` and `sie` are no more than the most too.
    pub most: Option<Ttl>,
}

/// The head of an answer.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedHead<'a> {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: &'a Headers,
    /// When the origin was asked.
    pub asked_at: Timestamp,
    /// When it answered.
    pub at: Timestamp,
}

/// For so long an answer is kept beyond its life to be validated.
const KEPT_SECONDS: u64 = 24 * 60 * 60;

/// The longest lifetime that is guessed.
const GUESSED_SECONDS: u64 = 24 * 60 * 60;

/// Statuses whose answers may be given a lifetime by guess (RFC 9110 §15.1). 206 is not among
/// them: a part is stored by another rule.
const CACHEABLE_BY_DEFAULT: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];

/// The answer's lifetime, or why there is no use in storing it.
pub fn lifetime(rule: LifetimeRule, received: ReceivedHead<'_>) -> Result<Lifetime, NotStored> {
    let directives = ResponseDirectives::read(received.headers);
    let initial_age = initial_age(received);
    // What the configuration grants counts from now on, whatever the answer's age.
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
    // An error does not stand in for another one.
    let failed = received.status >= 500;
    let windows = match failed {
        true => FreshnessWindows { swr: Ttl::ZERO, sie: Ttl::ZERO, ..windows },
        false => windows,
    };
    // A 304 is about a success and nothing else (RFC 9110 §13.2.1).
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
    };
    let longest = windows.ttl.as_seconds() + windows.swr.max(windows.sie).as_seconds();
    // A GraphQL answer that was never fresh is not worth its place.
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

/// The lifetime that the origin states. One that is to be validated at every use has none.
fn explicit(directives: &ResponseDirectives, received: ReceivedHead<'_>) -> Option<Ttl> {
    if directives.no_cache {
        return Some(Ttl::ZERO);
    }
    directives.max_age.or_else(|| match directives.targeted {
        true => None,
        false => expires(received),
    })
}

/// `Expires` less `Date` (§4.2.1); a date that is none is in the past (§5.3).
fn expires(received: ReceivedHead<'_>) -> Option<Ttl> {
    let expires = http_date(&received.headers.joined("expires")?).unwrap_or(0);
    Some(Ttl::from_seconds(expires.saturating_sub(date(received))))
}

/// When the answer was generated, by its own word, or else when it came.
fn date(received: ReceivedHead<'_>) -> u64 {
    let said = received.headers.get("date").and_then(http_date);
    said.unwrap_or(received.at.as_millis() / 1000)
}

/// A tenth of the time for which it was not modified (§4.2.2).
fn guessed(directives: &ResponseDirectives, received: ReceivedHead<'_>) -> Option<Ttl> {
    if !CACHEABLE_BY_DEFAULT.contains(&received.status) && !directives.public {
        return None;
    }
    let modified = http_date(received.headers.get("last-modified")?)?;
    let unmodified = date(received).saturating_sub(modified);
    Some(Ttl::from_seconds((unmodified / 10).min(GUESSED_SECONDS)))
}

/// How old the answer was when it came, in seconds (§4.2.3).
fn initial_age(received: ReceivedHead<'_>) -> u64 {
    let age = received.headers.get("age").and_then(age_of).unwrap_or(0);
    let delay = received.at.seconds_since(received.asked_at);
    let apparent = (received.at.as_millis() / 1000).saturating_sub(date(received));
    apparent.max(age.saturating_add(delay))
}

/// `Age` (§5.1): of several the first counts, and one that is no number does not.
fn age_of(value: &str) -> Option<u64> {
    let first = value.split(',').next().unwrap_or_default().trim();
    let digits = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| first.parse().unwrap_or(Ttl::MAX.as_seconds()).min(Ttl::MAX.as_seconds()))
}

#[cfg(test)]
mod tests;
