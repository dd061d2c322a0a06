//! How many values the isolates of a service write to KV in a day (`kv.writes_per_day`).
//!
//! Cloudflare limits the writes to KV of a day (UTC), and an isolate does not know what the others
//! write. So the log hands out the day's writes, a few at a time: an isolate that wants to store an
//! entry claims some, and the log grants them once. What an isolate does not use is lost when the day
//! or the isolate ends.
//!
//! Some values must be written whatever is left, such as purges while the log takes none. A quarter of
//! the day's writes is reserved for them. Isolates do not ask for these, and report them with their
//! next claim.
//!
//! In scope: the count and the decision. Not in scope: who asks when (`service/tiers`), and where the
//! count is stored.

use crate::time::Timestamp;

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;
/// The part of the day's writes that is reserved: one in so many.
const RESERVED: u64 = 4;
/// The most writes in one grant: one in so many of the day's writes, and at least one.
const LARGEST_GRANT: u64 = 100;

/// What an isolate asks the log for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvClaim {
    /// `kv.writes_per_day`.
    pub per_day: u64,
    /// How many writes it wants.
    pub wanted: u64,
    /// How many values it has written without asking since its last claim.
    pub unasked: u64,
}

/// What the log replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvGrant {
    /// How many values the isolate may write. 0: none for the rest of the day.
    pub writes: u64,
    /// In how many milliseconds the day ends.
    pub millis_left: u64,
}

/// The writes of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KvUse {
    /// The day, counted from the Unix epoch.
    day: u64,
    /// How many writes were granted.
    granted: u64,
    /// How many values were written without asking, as far as isolates have reported it.
    unasked: u64,
}

impl KvUse {
    /// Grants writes, as far as there are any left. The result must be stored before it is sent, or it
    /// might be granted twice.
    pub fn grant(&mut self, claim: KvClaim, now: Timestamp) -> KvGrant {
        let today = now.as_millis() / DAY_MILLIS;
        // A clock that is set back begins no other day.
        if today > self.day {
            *self = Self { day: today, ..Self::default() };
        }
        self.unasked = self.unasked.saturating_add(claim.unasked);
        let reserve = claim.per_day.div_ceil(RESERVED);
        let beyond_reserve = self.unasked.saturating_sub(reserve);
        let taken = self.granted.saturating_add(beyond_reserve);
        let left = claim.per_day.saturating_sub(reserve).saturating_sub(taken);
        let largest = (claim.per_day / LARGEST_GRANT).max(1);
        let writes = claim.wanted.min(largest).min(left);
        self.granted = self.granted.saturating_add(writes);
        let end = self.day.saturating_add(1).saturating_mul(DAY_MILLIS);
        KvGrant { writes, millis_left: end.saturating_sub(now.as_millis()) }
    }

    /// The text of a row: `19500 120 3`.
    pub fn to_text(self) -> String {
        format!("{} {} {}", self.day, self.granted, self.unasked)
    }

    /// Reads the text of a row. `None` if it is damaged.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(|number| number.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        let read = Self { day: next()?, granted: next()?, unasked: next()? };
        numbers.next().is_none().then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(day: u64, millis: u64) -> Timestamp {
        Timestamp::from_millis(day * DAY_MILLIS + millis)
    }

    fn claim(per_day: u64, wanted: u64) -> KvClaim {
        KvClaim { per_day, wanted, unasked: 0 }
    }

    proptest! {
        /// Whatever is claimed, what was granted and what was written without asking stay within the
        /// day's writes, and a quarter is left to what is written without asking.
        #[test]
        fn a_day_has_no_more_writes_than_configured(
            per_day in 1_u64..2_000,
            claims in prop::collection::vec((0_u64..100, 0_u64..3, 0_u64..3 * DAY_MILLIS), 0..200),
        ) {
            let mut claims = claims;
            claims.sort_by_key(|(_, _, millis)| *millis);
            let mut log = KvUse::default();
            let mut days = [(0_u64, 0_u64); 3];
            for (wanted, unasked, millis) in claims {
                let now = at(500, millis);
                let grant = log.grant(KvClaim { per_day, wanted, unasked }, now);
                // As after a restart.
                log = KvUse::from_text(&log.to_text()).unwrap();
                let day = &mut days[usize::try_from(millis / DAY_MILLIS).unwrap()];
                *day = (day.0 + grant.writes, day.1 + unasked);
                prop_assert!(grant.writes <= wanted && grant.writes <= per_day.div_ceil(100));
                prop_assert_eq!(grant.millis_left, DAY_MILLIS - millis % DAY_MILLIS);
                let reserve = per_day.div_ceil(RESERVED);
                prop_assert!(day.0 <= per_day - reserve, "the reserve is left");
                let was_granted = grant.writes > 0;
                prop_assert!(!was_granted || day.0 + day.1.max(reserve) <= per_day);
            }
        }
    }

    #[test]
    fn the_writes_of_a_day_are_granted_in_small_parts_and_then_none() {
        let mut log = KvUse::default();
        let mut granted = 0;
        let claims = (0..1_000).map(|n| log.grant(claim(1_000, 50), at(9, n)).writes);
        let grants: Vec<u64> = claims.inspect(|writes| granted += writes).collect();
        assert_eq!((granted, grants[0], grants[74], grants[75]), (750, 10, 10, 0));
        assert_eq!(log.grant(claim(1_000, 50), at(10, 0)).writes, 10, "the next day");
    }

    #[test]
    fn what_was_written_without_asking_uses_the_reserve_first() {
        let mut log = KvUse::default();
        let mut unasked = |unasked| {
            let claim = KvClaim { per_day: 4, wanted: 1, unasked };
            log.grant(claim, at(9, 0)).writes
        };
        assert_eq!([unasked(0), unasked(1), unasked(1), unasked(0)], [1, 1, 0, 0]);
    }

    #[test]
    fn a_clock_that_is_set_back_grants_nothing_twice() {
        let mut log = KvUse::default();
        while log.grant(claim(10, 1), at(9, 5)).writes > 0 {}
        let grant = log.grant(claim(10, 1), at(8, DAY_MILLIS - 5));
        assert_eq!(grant, KvGrant { writes: 0, millis_left: DAY_MILLIS + 5 });
    }

    #[test]
    fn a_damaged_row_is_not_read() {
        for text in ["", "1", "1 2", "1 2 x", "1 2 3 4", "-1 2 3"] {
            assert_eq!(KvUse::from_text(text), None, "{text}");
        }
    }
}
