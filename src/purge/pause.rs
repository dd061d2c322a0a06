//! Until when the cache is paused, according to the log.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Until when every isolate passes all requests to the origin.
///
/// The last record that has one counts. A pause ends by itself at its time, so its end needs no
/// record and no read of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pause(u64);

impl Pause {
    /// No pause. In a record: the pause ends.
    pub const NONE: Self = Self(0);
    /// Until a record ends the pause.
    pub const UNTIL_RESUMED: Self = Self(u64::MAX);

    /// Until that time.
    pub fn until(at: Timestamp) -> Self {
        Self(at.as_millis())
    }

    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number that stands for it in messages and rows: the time in milliseconds, 0 for no pause,
    /// and the highest number for one without an end.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Whether the cache is paused at that time.
    pub fn holds(self, now: Timestamp) -> bool {
        now.as_millis() < self.0
    }

    /// When it ends by itself. `None` if it lasts until a record ends it.
    pub fn ends_at(self) -> Option<Timestamp> {
        (self != Self::UNTIL_RESUMED).then_some(Timestamp::from_millis(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_holds_until_its_time() {
        let at = Timestamp::from_millis;
        let pause = Pause::until(at(10));
        assert!(pause.holds(at(0)) && pause.holds(at(9)) && !pause.holds(at(10)));
        assert_eq!((pause.ends_at(), Pause::UNTIL_RESUMED.ends_at()), (Some(at(10)), None));
        assert!(!Pause::NONE.holds(at(0)) && !Pause::default().holds(at(0)));
        assert!(Pause::UNTIL_RESUMED.holds(at(u64::MAX - 1)));
    }
}
