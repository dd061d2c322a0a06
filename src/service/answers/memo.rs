//! What JavaScript is told of an answer that it may give again.

use super::counted::CountedHit;
use super::stamps::{Stamp, Stamps};
use crate::http::Response;
use crate::policy::CacheStatus;
use crate::time::Timestamp;

/// What JavaScript is told of an answer that it may give again to requests that are the same in all that
/// counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Memo {
    /// What it depends on.
    pub stamp: Stamp,
    /// When it was made. If the clock shows less, it was set back, and the age is unknown.
    pub from: Timestamp,
    /// When it may no longer be given.
    pub until: Timestamp,
    /// When the entry was stored.
    pub stored_at: Timestamp,
    /// The value of `Age` then. It rises by one each second.
    pub age: u64,
    /// The value of `ttl` in `Cache-Status` then. It falls by one each second.
    pub ttl: i64,
    /// The tier in `Cache-Status`.
    pub tier: &'static str,
    /// The request headers that the entry depends on by its `Vary`.
    pub vary: Vec<String>,
    /// How it is counted.
    pub counted: CountedHit,
}

impl Memo {
    /// Whether the answer may be given now.
    pub fn holds(&self, stamps: &Stamps, now: Timestamp) -> bool {
        self.from <= now && now < self.until && stamps.holds(&self.stamp, now)
    }

    /// What stands before and after the seconds in the value of `Cache-Status`.
    pub fn cache_status(&self) -> (String, String) {
        let text = |ttl| CacheStatus::Hit { ttl, tier: self.tier }.to_string();
        let (one, other) = (text(1), text(2));
        let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let (before, after) = one.split_at_checked(same).unwrap_or_default();
        (before.to_owned(), after.get(1..).unwrap_or_default().to_owned())
    }

    /// The headers that count seconds, as they are now.
    #[cfg(any(test, feature = "sim"))]
    pub fn write_seconds(&self, headers: &mut crate::http::Headers, now: Timestamp) {
        let seconds = now.seconds_since(self.stored_at);
        let (before, after) = self.cache_status();
        let ttl = self.ttl - i64::try_from(seconds).unwrap_or(i64::MAX);
        let shown = [
            ("age", (self.age + seconds).to_string()),
            ("cache-status", format!("{before}{ttl}{after}")),
        ];
        let shown = |name: &str, value: &str| {
            let found = shown.iter().find(|(counting, _)| *counting == name);
            (name.to_owned(), found.map_or(value, |(_, now)| now).to_owned())
        };
        *headers = headers.iter().map(|(name, value)| shown(name, value)).collect();
    }
}

/// Whether JavaScript can give an answer again from a plain object with its headers: each name occurs once,
/// is an ordinary property that keeps its place, and all values are text.
pub fn is_repeatable(response: &Response) -> bool {
    let headers = &response.headers;
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    names.len() == count
        && names.iter().all(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
        && !headers.has_unreadable_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    fn memo() -> Memo {
        Memo {
            stamp: Stamp { version: 0.0, places: Vec::new(), sum: 0.0 },
            from: Timestamp::from_millis(5_000),
            until: Timestamp::from_millis(9_000),
            stored_at: Timestamp::from_millis(4_500),
            age: 7,
            ttl: 60,
            tier: "memory",
            vary: Vec::new(),
            counted: CountedHit::default(),
        }
    }

    #[test]
    fn the_seconds_are_where_the_header_has_them() {
        let (before, after) = memo().cache_status();
        let whole = CacheStatus::Hit { ttl: 4_711, tier: "memory" }.to_string();
        assert_eq!(format!("{before}4711{after}"), whole);
        let mut headers: Headers =
            [("age", "7"), ("x", "y"), ("cache-status", "old")].into_iter().collect();
        memo().write_seconds(&mut headers, Timestamp::from_millis(6_499));
        let shown = [("age", "8"), ("x", "y"), ("cache-status", &*format!("{before}59{after}"))];
        assert_eq!(headers, shown.into_iter().collect());
    }

    #[test]
    fn it_holds_for_its_time_only() {
        let (stamps, memo) = (Stamps::default(), memo());
        stamps.may_judge(0, 10_000);
        stamps.due_at(10_000);
        let holds = |millis| memo.holds(&stamps, Timestamp::from_millis(millis));
        assert_eq!([4_999, 5_000, 8_999, 9_000].map(holds), [false, true, true, false]);
    }

    #[test]
    fn headers_that_a_plain_object_cannot_hold_are_not_repeated() {
        let is_repeatable = |fields: &[(&str, &str)]| {
            let headers = fields.iter().copied().collect();
            is_repeatable(&Response { status: 200, headers, body: [].into() })
        };
        assert!(is_repeatable(&[("age", "1"), ("etag", "2")]));
        for fields in [
            &[("link", "a"), ("age", "1"), ("link", "b")][..],
            &[("__proto__", "a")],
            &[("1", "a")],
            &[("x-name", "caf\u{FFFD}")],
        ] {
            assert!(!is_repeatable(fields), "{fields:?}");
        }
    }
}
