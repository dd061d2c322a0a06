//! How long an answer lives (RFC 9111 §4.2.1), by the origin's word and the configuration's.

use super::{NotStored, ResponseDirectives};
use crate::http::Headers;
use crate::time::{Timestamp, Ttl};

/// How long an answer lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Fresh for.
    pub ttl: Ttl,
    /// Then served while it is fetched anew, for.
    pub swr: Ttl,
    /// Then served while the origin fails, for.
    pub sie: Ttl,
    /// How old it already is, in seconds.
    pub initial_age: u64,
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The origin alone: a REST answer that no cache type matches.
    Origin,
    /// The configuration: a REST answer of a cache type, or any answer with `override`.
    Configured(Lifetime),
    /// The configuration, which the origin can shorten: a GraphQL answer.
    AtMost(Lifetime),
}

/// The answer's lifetime, or why it has none.
pub fn lifetime(rule: Rule, headers: &Headers, now: Timestamp) -> Result<Lifetime, NotStored> {
    let initial_age = headers.get("age").and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    let directives = ResponseDirectives::read(headers);
    let by_origin = if directives.no_cache {
        Some(Ttl::ZERO)
    } else {
        directives.max_age.or_else(|| expires(headers, now))
    };
    let lifetime = match rule {
        // What the configuration grants counts from now on, whatever the answer's age.
        Rule::Configured(configured) => configured,
        Rule::AtMost(configured) => match by_origin {
            Some(ttl) if ttl.minus_seconds(initial_age) < configured.ttl => {
                Lifetime { ttl, initial_age, ..configured }
            }
            _ => configured,
        },
        Rule::Origin => {
            let revalidate = directives.must_revalidate;
            let stale = |window: Option<Ttl>| window.filter(|_| !revalidate).unwrap_or(Ttl::ZERO);
            Lifetime {
                ttl: by_origin.ok_or(NotStored::NoFreshness)?,
                swr: stale(directives.stale_while_revalidate),
                sie: stale(directives.stale_if_error),
                initial_age,
            }
        }
    };
    if lifetime.ttl.as_seconds() <= lifetime.initial_age {
        return Err(NotStored::NoFreshness);
    }
    Ok(lifetime)
}

/// `Expires` less `Date` (§4.2.1); a date that is none is in the past (§5.3).
fn expires(headers: &Headers, now: Timestamp) -> Option<Ttl> {
    let seconds = |text: &str| {
        let time = httpdate::parse_http_date(text).ok()?;
        Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
    };
    let expires = seconds(headers.get("expires")?);
    let date = headers.get("date").and_then(seconds).unwrap_or(now.as_millis() / 1000);
    Some(Ttl::from_seconds(expires.unwrap_or(0).saturating_sub(date)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURED: Lifetime =
        Lifetime { ttl: Ttl::MAX, swr: Ttl::ZERO, sie: Ttl::ZERO, initial_age: 0 };

    fn ttl(rule: Rule, fields: &[(&str, &str)]) -> Result<u64, NotStored> {
        let headers: Headers = fields.iter().copied().collect();
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        lifetime(rule, &headers, now).map(|lifetime| lifetime.ttl.as_seconds())
    }

    #[test]
    fn the_origin_alone_decides_where_no_type_matches() {
        assert_eq!(ttl(Rule::Origin, &[]), Err(NotStored::NoFreshness));
        assert_eq!(ttl(Rule::Origin, &[("cache-control", "max-age=60")]), Ok(60));
        assert_eq!(
            ttl(Rule::Origin, &[("cache-control", "max-age=60"), ("age", "60")]),
            Err(NotStored::NoFreshness)
        );
        assert_eq!(
            ttl(Rule::Origin, &[("cache-control", "max-age=60, no-cache")]),
            Err(NotStored::NoFreshness)
        );
    }

    #[test]
    fn expires_counts_from_the_date() {
        let expires = ("expires", "Sun, 06 Nov 1994 08:50:37 GMT");
        let date = ("date", "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(ttl(Rule::Origin, &[expires]), Ok(60));
        assert_eq!(ttl(Rule::Origin, &[expires, date]), Ok(30));
        assert_eq!(ttl(Rule::Origin, &[("expires", "0")]), Err(NotStored::NoFreshness));
        assert_eq!(ttl(Rule::Origin, &[expires, ("cache-control", "max-age=5")]), Ok(5));
    }

    #[test]
    fn a_configured_lifetime_goes_before_the_origins() {
        assert!(ttl(Rule::Configured(CONFIGURED), &[("cache-control", "max-age=0")]).is_ok());
    }

    #[test]
    fn the_origin_can_only_shorten_that_of_graphql() {
        let configured = Lifetime { ttl: Ttl::from_seconds(300), ..CONFIGURED };
        let ttl = |value| ttl(Rule::AtMost(configured), &[("cache-control", value)]);
        assert_eq!(ttl("max-age=60"), Ok(60));
        assert_eq!(ttl("max-age=600"), Ok(300));
        let aged = [("cache-control", "max-age=600"), ("age", "598")].into_iter().collect();
        let aged = lifetime(Rule::AtMost(configured), &aged, Timestamp::from_millis(0)).unwrap();
        assert_eq!((aged.ttl.as_seconds(), aged.initial_age), (600, 598));
        assert_eq!(ttl("max-age=0"), Err(NotStored::NoFreshness));
        assert_eq!(ttl("no-cache"), Err(NotStored::NoFreshness));
    }
}
