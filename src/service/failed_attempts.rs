//! Limits how often clients of one address may fail to show an admin token.
//!
//! Each isolate counts by itself, so this slows guessing down. What makes it hopeless is a long random
//! token.

use super::expiring_map::ExpiringMap;
use crate::http::Headers;
use crate::time::Timestamp;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

/// The length of a window.
const WINDOW_MILLIS: u64 = 60_000;
/// How many attempts may fail in a window.
const MOST_FAILURES: u32 = 20;
/// How many addresses are counted at once. Those that failed least recently make room.
const ADDRESSES: usize = 1_000;
/// Where Cloudflare says which address a client has. Without Cloudflare, clients can set it.
pub(super) const CLIENT_ADDRESS: &str = "cf-connecting-ip";
/// The address of every Worker of another zone, as `CF-Connecting-IP` has it: its first 64 bits
/// (<https://developers.cloudflare.com/fundamentals/reference/http-headers/>).
const WORKERS: u64 = 0x2a06_98c0_3600_0000;
/// Where Cloudflare says in which zone the Worker runs that makes a request.
const WORKER_ZONE: &str = "cf-worker";

/// The attempts that are counted apart.
#[derive(Default)]
pub(super) struct AttemptLimits {
    /// Those at the admin routes and with `Evergraph-Debug`.
    pub tokens: Rc<FailedAttempts>,
    /// Those with methods that purge while `purge.methods` is off. Such a request may be meant for the
    /// origin, with a token of the origin's own, so it must not close the admin routes to its sender.
    pub purge_methods: FailedAttempts,
}

/// The failed attempts of the last minute, by address.
pub(super) struct FailedAttempts(RefCell<ExpiringMap<Window>>);

/// A window begins with the first failed attempt.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    failures: u32,
}

impl Default for FailedAttempts {
    fn default() -> Self {
        Self(RefCell::new(ExpiringMap::new(WINDOW_MILLIS, ADDRESSES)))
    }
}

impl FailedAttempts {
    /// For how many seconds requests of a client with these headers are refused, if they are. Requests
    /// without an address never are.
    pub fn limit(&self, headers: &Headers, now: Timestamp) -> Option<u64> {
        let window = self.window(&network(headers)?, now)?;
        let left = WINDOW_MILLIS.saturating_sub(now.millis_since(window.since));
        (window.failures >= MOST_FAILURES).then(|| left.div_ceil(1_000).max(1))
    }

    /// Counts a failed attempt.
    pub fn count(&self, headers: &Headers, now: Timestamp) {
        let Some(network) = network(headers) else { return };
        let window = self.window(&network, now).unwrap_or(Window { since: now, failures: 0 });
        let failures = window.failures.saturating_add(1);
        self.0.borrow_mut().put(&network, Window { failures, ..window }, now);
    }

    fn window(&self, network: &str, now: Timestamp) -> Option<Window> {
        let window = self.0.borrow().get(network, now)?;
        now.is_within(WINDOW_MILLIS, window.since).then_some(window)
    }
}

/// The client's IPv4 address, or the first 64 bits of its IPv6 address: whoever has one of those has the
/// others of the network as well. All Workers of other zones have one address. They are told apart by their
/// zones, so that no Worker can have those of others refused.
fn network(headers: &Headers) -> Option<String> {
    let address: IpAddr = headers.get(CLIENT_ADDRESS)?.trim().parse().ok()?;
    match address.to_canonical() {
        IpAddr::V4(address) => Some(address.to_string()),
        IpAddr::V6(address) => match (u128::from(address) >> 64) as u64 {
            WORKERS => headers.get(WORKER_ZONE).map(|zone| zone.trim().to_ascii_lowercase()),
            network => Some(network.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn from(address: &str) -> Headers {
        [(CLIENT_ADDRESS, address)].into_iter().collect()
    }

    fn failed(attempts: &FailedAttempts, address: &str, times: u32, now: u64) {
        (0..times).for_each(|_| attempts.count(&from(address), at(now)));
    }

    #[test]
    fn twenty_failures_within_a_minute_are_the_limit() {
        let attempts = FailedAttempts::default();
        failed(&attempts, "203.0.113.4", 1, 0);
        failed(&attempts, "203.0.113.4", 18, 30_000);
        let limit = |address: &str, now| attempts.limit(&from(address), at(now));
        assert_eq!(limit("203.0.113.4", 30_000), None);
        failed(&attempts, "203.0.113.4", 1, 30_000);
        assert_eq!(limit("203.0.113.4", 30_000), Some(30));
        assert_eq!(limit("203.0.113.4", 59_999), Some(1));
        assert_eq!(limit("203.0.113.5", 30_000), None, "another address");
        assert_eq!(limit("203.0.113.4", 60_000), None, "the window began with the first one");
        failed(&attempts, "203.0.113.4", 1, 60_000);
        assert_eq!(limit("203.0.113.4", 60_000), None, "a new window");
    }

    #[test]
    fn addresses_of_one_network_are_counted_together() {
        let attempts = FailedAttempts::default();
        failed(&attempts, "2001:db8:1:2::1", 10, 0);
        failed(&attempts, "2001:0db8:1:2:ffff::3", 10, 0);
        let limit = |address: &str| attempts.limit(&from(address), at(0));
        assert_eq!(limit("2001:db8:1:2:3:4:5:6"), Some(60));
        assert_eq!(limit("2001:db8:1:3::1"), None);
        failed(&attempts, "::ffff:203.0.113.4", 20, 0);
        assert_eq!(limit("203.0.113.4"), Some(60));
        assert_eq!(limit("0.0.0.0"), None);
    }

    #[test]
    fn a_worker_of_another_zone_has_no_one_elses_refused() {
        let attempts = FailedAttempts::default();
        let of_zone = |zone: &str| {
            let address = (CLIENT_ADDRESS, "2a06:98c0:3600::103");
            [address, (WORKER_ZONE, zone)].into_iter().collect::<Headers>()
        };
        (0..20).for_each(|_| attempts.count(&of_zone("guesser.example"), at(0)));
        assert_eq!(attempts.limit(&of_zone("Guesser.example"), at(0)), Some(60));
        assert_eq!(attempts.limit(&of_zone("cms.example"), at(0)), None);
        failed(&attempts, "2a06:98c0:3600::103", 50, 0);
        assert_eq!(attempts.limit(&from("2a06:98c0:3600::103"), at(0)), None, "of no known zone");
        assert_eq!(attempts.limit(&of_zone("cms.example"), at(0)), None);
        // Whoever has an address of its own cannot choose another name.
        failed(&attempts, "203.0.113.4", 20, 0);
        let named = [(CLIENT_ADDRESS, "203.0.113.4"), (WORKER_ZONE, "cms.example")];
        assert_eq!(attempts.limit(&named.into_iter().collect(), at(0)), Some(60));
    }

    #[test]
    fn without_an_address_nothing_is_counted() {
        let attempts = FailedAttempts::default();
        for headers in [Headers::new(), from("unknown"), from("")] {
            (0..50).for_each(|_| attempts.count(&headers, at(0)));
            assert_eq!(attempts.limit(&headers, at(0)), None);
        }
    }

    proptest! {
        /// However attempts are spread: no window of a minute has more than twice the limit, and an
        /// address that failed at most 20 times is never refused.
        #[test]
        fn the_limit_holds(pauses in prop::collection::vec(0u64..10_000, 0..200)) {
            let (attempts, headers) = (FailedAttempts::default(), from("203.0.113.4"));
            let (mut now, mut tried) = (0, Vec::new());
            for pause in pauses {
                now += pause;
                let recent = tried.iter().filter(|tried| now - **tried < WINDOW_MILLIS).count();
                match attempts.limit(&headers, at(now)) {
                    Some(_) => prop_assert!(recent >= MOST_FAILURES as usize),
                    None => {
                        attempts.count(&headers, at(now));
                        tried.push(now);
                        prop_assert!(recent < 2 * MOST_FAILURES as usize);
                    }
                }
            }
        }
    }
}
