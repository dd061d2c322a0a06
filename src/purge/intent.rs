//! Intents: what the log is told of a write that takes long, before anybody knows what it did.
//!
//! Whoever waits for a write may not learn its outcome: the client leaves, the runtime ends the
//! request, the isolate ends. So the log notes what the write would purge, and records it once a
//! minute for five minutes, unless the intent is closed: by the record of what the write really
//! purged, or because it did nothing.
//!
//! In scope: when an intent is recorded, and its id. Not in scope: which writes have one, and
//! what they would purge (`service::intent`, `engine::write`); the rows in which the log notes it.

use super::{NewRecord, Record};
use crate::time::Timestamp;

/// Names an intent. The log draws it, so nobody can close what another has opened, and the number
/// of an intent in one log names none in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentId(u64);

/// After how many seconds an intent is recorded: a commit within five minutes is seen within one.
const SECONDS: [u32; 5] = [60, 120, 180, 240, 300];

impl IntentId {
    /// How many bits an id has: rows come back as JavaScript's numbers.
    const BITS: u32 = 53;

    /// The id of any number that is drawn by chance.
    pub fn of(number: u64) -> Self {
        // Zero is for none.
        Self((number & ((1 << Self::BITS) - 1)).max(1))
    }

    /// The id that is written as that number.
    pub(super) fn written_as(number: u64) -> Option<Self> {
        (Self::of(number).0 == number).then_some(Self(number))
    }

    /// It as a number; never 0.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl NewRecord {
    /// The intent to purge what the record names.
    pub fn intent(record: Record) -> Self {
        let mut new = Self::from(record);
        new.repeat_also(&SECONDS);
        new
    }

    /// What is to be recorded, and when, of an intent that is noted now. In whole seconds: intents of
    /// one second that say the same are recorded once.
    pub fn recorded_unless_closed(
        &self,
        settle: u64,
        now: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Record)> + use<> {
        let up = |at: Timestamp| at.as_millis().div_ceil(1_000).saturating_mul(1_000);
        self.repeats(settle, now)
            .into_iter()
            .map(move |(at, record)| (Timestamp::from_millis(up(at)), record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_is_recorded_each_minute_for_five() {
        let intent = NewRecord::intent(Record::everything());
        let now = Timestamp::from_millis(1_700_000_000_001);
        let dues = |settle| {
            let rows = intent.recorded_unless_closed(settle, now);
            rows.map(|(at, _)| at.as_millis() - 1_700_000_000_000).collect::<Vec<_>>()
        };
        assert_eq!(dues(0), [61_000, 121_000, 181_000, 241_000, 301_000]);
        assert_eq!(dues(60), [61_000, 121_000, 181_000, 241_000, 301_000, 361_000]);
        assert_eq!(dues(1).len(), 11);
        assert!(intent.recorded_unless_closed(0, now).all(|(_, record)| record.is_everything()));
    }

    #[test]
    fn an_id_fits_into_a_row_and_is_never_none() {
        assert_eq!(IntentId::of(0).number(), 1);
        assert_eq!(IntentId::of(u64::MAX).number(), (1 << 53) - 1);
    }
}
