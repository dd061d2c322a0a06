//! The cache of an issuer's keys: when they are fetched, and how long they are used.

use super::keys::KeySet;
use crate::http::Headers;
use crate::policy::ResponseDirectives;
use crate::time::Timestamp;
use std::rc::Rc;

/// How long keys are fresh if the issuer does not say.
const FRESH_SECONDS: u64 = 600;
/// The minimum, so that the issuer is asked at most once a minute.
const LEAST_FRESH_SECONDS: u64 = 60;
/// The maximum, which bounds how long a withdrawn key is accepted.
const MOST_FRESH_SECONDS: u64 = 3_600;
/// How long keys are used while the issuer does not respond.
const KEPT_SECONDS: u64 = 86_400;
/// How long to wait after a failure before the issuer is asked again.
const RETRY_MILLIS: u64 = 1_000;
/// How much later than its deadline a fetch may be reported as failed.
const LATE_MILLIS: u64 = 500;
/// How long to wait after a fetch for an unknown key before the next one. Clients can invent key
/// IDs.
const UNKNOWN_MILLIS: u64 = 30_000;

/// The keys of an issuer, as one isolate knows them.
#[derive(Debug, Default)]
pub struct KeyCache {
    keys: Option<FetchedKeys>,
    asked_at: Option<Timestamp>,
    asked_for_unknown_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
}

#[derive(Debug)]
struct FetchedKeys {
    keys: Rc<KeySet>,
    asked_at: Timestamp,
    fresh_until: Timestamp,
}

/// What to do in order to verify a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLookup {
    /// Use these keys; no others are available. The result holds until this time.
    Use(Rc<KeySet>, Timestamp),
    /// No keys are available.
    Unavailable,
    /// Fetch the keys.
    Fetch,
    /// Wait: another request is fetching them.
    Wait,
}

impl KeyCache {
    /// How long the issuer may take to respond.
    pub const FETCH_MILLIS: u64 = 2_000;

    /// Decides what to do for a token. `has_key` returns whether a key set contains its key.
    pub fn lookup(&self, now: Timestamp, has_key: impl Fn(&KeySet) -> bool) -> KeyLookup {
        let within =
            |at: Option<Timestamp>, millis| at.is_some_and(|at| now.millis_since(at) < millis);
        let is_fetching = within(self.asked_at, Self::FETCH_MILLIS + LATE_MILLIS);
        let failed = within(self.failed_at, RETRY_MILLIS);
        let Some(known) = self.known(now) else {
            // If the issuer is down, only one request at a time waits for it.
            return if failed || (is_fetching && self.failed_at.is_some()) {
                KeyLookup::Unavailable
            } else if is_fetching {
                KeyLookup::Wait
            } else {
                KeyLookup::Fetch
            };
        };
        let has_key = has_key(&known.keys);
        let fresh = now < known.fresh_until;
        let needed = !fresh || (!has_key && !within(self.asked_for_unknown_at, UNKNOWN_MILLIS));
        if is_fetching && !has_key && !failed {
            KeyLookup::Wait
        } else if needed && !is_fetching && !failed {
            KeyLookup::Fetch
        } else {
            let retry_at = Timestamp::from_millis(now.as_millis() + RETRY_MILLIS);
            KeyLookup::Use(known.keys.clone(), known.fresh_until.max(retry_at))
        }
    }

    /// Records that a fetch begins.
    pub fn begin_fetch(&mut self, now: Timestamp) {
        if self.known(now).is_some_and(|known| now < known.fresh_until) {
            self.asked_for_unknown_at = Some(now);
        }
        self.asked_at = Some(now);
    }

    /// Records the response to the fetch that began at `asked_at`. Returns `true` if the keys have
    /// changed.
    pub fn finish_fetch(&mut self, asked_at: Timestamp, cache_control: &str, keys: KeySet) -> bool {
        self.done(asked_at);
        self.failed_at = None;
        // Of two responses, the one to the later fetch is used.
        if self.keys.as_ref().is_some_and(|known| known.asked_at > asked_at) {
            return false;
        }
        let headers: Headers = [("cache-control", cache_control)].into_iter().collect();
        let said = ResponseDirectives::read(&headers);
        let seconds = match said.no_store || said.no_cache {
            true => 0,
            false => said.max_age.map_or(FRESH_SECONDS, |max_age| max_age.as_seconds()),
        };
        let seconds = seconds.clamp(LEAST_FRESH_SECONDS, MOST_FRESH_SECONDS);
        let fresh_until = Timestamp::from_millis(asked_at.as_millis() + seconds * 1000);
        let changed = self.keys.as_ref().is_none_or(|known| *known.keys != keys);
        self.keys = Some(FetchedKeys { keys: Rc::new(keys), asked_at, fresh_until });
        changed
    }

    /// Records that the fetch that began at `asked_at` failed, or returned no keys.
    pub fn fail_fetch(&mut self, asked_at: Timestamp, now: Timestamp) {
        self.done(asked_at);
        self.failed_at = Some(now);
    }

    fn done(&mut self, asked_at: Timestamp) {
        if self.asked_at == Some(asked_at) {
            self.asked_at = None;
        }
    }

    fn known(&self, now: Timestamp) -> Option<&FetchedKeys> {
        let kept = |known: &&FetchedKeys| now.seconds_since(known.asked_at) < KEPT_SECONDS;
        self.keys.as_ref().filter(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOBODY: fn(&KeySet) -> bool = |_| false;
    const SOMEBODY: fn(&KeySet) -> bool = |_| true;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_millis((1_000_000_000.0 + seconds * 1000.0) as u64)
    }

    fn keys(id: &str) -> KeySet {
        let x = "A".repeat(43);
        let key = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": x, "kid": id });
        KeySet::parse(&json!({ "keys": [key] }).to_string()).unwrap()
    }

    /// The cache after keys were fetched at 0 seconds.
    fn learned(cache_control: &str) -> KeyCache {
        let mut published = KeyCache::default();
        published.begin_fetch(at(0.0));
        assert!(published.finish_fetch(at(0.0), cache_control, keys("a")));
        published
    }

    fn uses(lookup: KeyLookup) -> bool {
        matches!(lookup, KeyLookup::Use(..))
    }

    #[test]
    fn keys_are_fresh_for_as_long_as_the_issuer_says_within_bounds() {
        for (said, seconds) in [
            ("", 600.0),
            ("public, max-age=1200", 1200.0),
            ("max-age=1", 60.0),
            ("no-store", 60.0),
            ("max-age=86400", 3600.0),
            ("max-age=x", 60.0),
        ] {
            let published = learned(said);
            let until = at(seconds);
            assert_eq!(
                published.lookup(at(1.0), SOMEBODY),
                KeyLookup::Use(Rc::new(keys("a")), until),
                "{said}"
            );
            assert!(uses(published.lookup(at(seconds - 0.1), SOMEBODY)), "{said}");
            assert_eq!(published.lookup(until, SOMEBODY), KeyLookup::Fetch, "{said}");
        }
    }

    #[test]
    fn one_request_asks_and_others_wait_or_use_what_there_is() {
        let mut published = KeyCache::default();
        assert_eq!(published.lookup(at(0.0), NOBODY), KeyLookup::Fetch);
        published.begin_fetch(at(0.0));
        assert_eq!(published.lookup(at(0.5), NOBODY), KeyLookup::Wait);
        assert_eq!(published.lookup(at(2.6), NOBODY), KeyLookup::Fetch, "who asked is gone");
        published.finish_fetch(at(0.0), "", keys("a"));
        published.begin_fetch(at(601.0));
        assert!(uses(published.lookup(at(601.5), SOMEBODY)));
        assert_eq!(published.lookup(at(601.5), NOBODY), KeyLookup::Wait);
    }

    #[test]
    fn an_unknown_key_is_asked_for_once_in_a_while() {
        let mut published = learned("");
        assert_eq!(published.lookup(at(1.0), NOBODY), KeyLookup::Fetch);
        published.begin_fetch(at(1.0));
        assert!(!published.finish_fetch(at(1.0), "", keys("a")));
        assert!(uses(published.lookup(at(1.1), NOBODY)));
        assert!(uses(published.lookup(at(30.9), NOBODY)));
        assert_eq!(published.lookup(at(31.0), NOBODY), KeyLookup::Fetch);
        published.begin_fetch(at(31.0));
        assert!(published.finish_fetch(at(31.0), "", keys("b")), "they have changed");
    }

    #[test]
    fn keys_are_kept_for_a_day_while_the_issuer_fails() {
        let mut published = learned("");
        published.begin_fetch(at(700.0));
        published.fail_fetch(at(700.0), at(700.5));
        assert_eq!(
            published.lookup(at(701.0), SOMEBODY),
            KeyLookup::Use(Rc::new(keys("a")), at(702.0)),
            "and looked at again soon"
        );
        assert!(uses(published.lookup(at(701.0), NOBODY)));
        assert_eq!(published.lookup(at(701.5), SOMEBODY), KeyLookup::Fetch);
        assert_eq!(published.lookup(at(86_399.0), SOMEBODY), KeyLookup::Fetch);
        published.fail_fetch(at(86_399.0), at(86_399.5));
        assert!(uses(published.lookup(at(86_399.9), SOMEBODY)));
        assert_eq!(published.lookup(at(86_400.0), SOMEBODY), KeyLookup::Unavailable);
    }

    #[test]
    fn without_keys_nobody_waits_for_an_issuer_that_fails() {
        let mut published = KeyCache::default();
        published.begin_fetch(at(0.0));
        published.fail_fetch(at(0.0), at(1.0));
        assert_eq!(published.lookup(at(1.9), NOBODY), KeyLookup::Unavailable);
        assert_eq!(published.lookup(at(2.0), NOBODY), KeyLookup::Fetch);
        published.begin_fetch(at(2.0));
        assert_eq!(published.lookup(at(3.5), NOBODY), KeyLookup::Unavailable);
        published.finish_fetch(at(2.0), "", keys("a"));
        assert!(uses(published.lookup(at(4.0), SOMEBODY)));
    }

    #[test]
    fn an_answer_that_comes_late_replaces_nothing_newer() {
        let mut published = learned("");
        published.begin_fetch(at(1.0));
        published.begin_fetch(at(2.0));
        assert!(published.finish_fetch(at(2.0), "", keys("b")));
        assert!(!published.finish_fetch(at(1.0), "", keys("a")));
        let KeyLookup::Use(known, _) = published.lookup(at(3.0), SOMEBODY) else { panic!() };
        assert_eq!(*known, keys("b"));
    }
}
