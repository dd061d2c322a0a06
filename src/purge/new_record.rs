//! A record on its way to the log, and the times at which the log repeats the purge.
//!
//! A purge is repeated if it may come too early:
//! - `settle`: the origin reads from a copy that lags behind its writes;
//! - unknown outcome: the write may still be running, for example after a 504 of a gateway;
//! - intents: a slow write is announced to the log before its outcome is known, because the
//!   outcome may never be: the client leaves, the runtime ends the request, the isolate ends. So the log records
//!   the purge once a minute for five minutes, unless the intent is closed
//!   by the record of what the write really purged, or because the write did nothing.
//!
//! In scope: what is repeated, and when. Not in scope: which writes have an intent and what they
//! would purge (`service`, `engine::write_purge`), and the rows in which the log keeps repeats.

use super::intent_id::IntentId;
use super::record::Record;
use super::version_id::VersionId;
use crate::order;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A record to be appended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NewRecord {
    /// What it purges.
    #[serde(flatten)]
    pub record: Record,
    /// After how many seconds the log repeats the purge, in rising order.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub repeat_after: Vec<u32>,
    /// The intents that the record closes: those of the writes whose outcome it is.
    #[serde(skip)]
    pub closes: Vec<IntentId>,
    /// The deployed version that the record is for. The log appends one record for each version.
    #[serde(skip)]
    pub for_version: Option<VersionId>,
}

/// After how many seconds a purge with an unknown outcome is repeated. A gateway that gives up does
/// not stop the write behind it. Most such writes end within seconds, and few take over a minute.
const AFTER_UNKNOWN_OUTCOME: [u32; 2] = [10, 60];

/// After how many seconds an intent is recorded. A write that commits within five minutes takes
/// effect at most a minute later.
const AFTER_INTENT: [u32; 5] = [60, 120, 180, 240, 300];

impl NewRecord {
    /// A purge of everything.
    pub fn everything() -> Self {
        Record::everything().into()
    }

    /// The intent to purge what the record names.
    pub fn intent(record: Record) -> Self {
        let mut new = Self::from(record);
        new.repeat_also(&AFTER_INTENT);
        new
    }

    /// The same purge, repeated because the write may still be running.
    pub fn with_unknown_outcome(mut self) -> Self {
        self.repeat_also(&AFTER_UNKNOWN_OUTCOME);
        self
    }

    /// Repeats it after these seconds as well.
    pub fn repeat_also(&mut self, seconds: &[u32]) {
        self.repeat_after.extend(seconds);
        order::sort(&mut self.repeat_after);
        self.repeat_after.dedup();
    }

    /// Whether the write is known to be over.
    pub fn has_known_outcome(&self) -> bool {
        self.repeat_after.is_empty()
    }

    /// Whether there is nothing to append: it purges nothing, and at most closes intents.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }

    /// The repetitions of a record that is appended now, with their times.
    ///
    /// With `settle`, each purge is repeated again after that many seconds. For example, a
    /// record with an unknown outcome and `settle = 5` is repeated after 5, 10, 15, 60 and 65 s.
    pub fn repeats(&self, settle: u64, now: Timestamp) -> Vec<(Timestamp, Record)> {
        let Some(repetition) = self.record.repetition() else { return Vec::new() };
        let own = self.repeat_after.iter().map(|seconds| u64::from(*seconds));
        let seconds =
            order::set_of(own.chain([0]).flat_map(|after| [after, after.saturating_add(settle)]));
        let at = |seconds: u64| {
            Timestamp::from_millis(now.as_millis().saturating_add(seconds.saturating_mul(1_000)))
        };
        let later = seconds.into_iter().filter(|seconds| *seconds > 0);
        later.map(|seconds| (at(seconds), repetition.clone())).collect()
    }

    /// The records of an intent that is announced now, with their times, unless it is closed before.
    ///
    /// Times are rounded up to whole seconds, so that equal intents of one second are recorded once.
    pub fn intent_repeats(
        &self,
        settle: u64,
        now: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Record)> + use<> {
        let round_up = |at: Timestamp| {
            Timestamp::from_millis(at.as_millis().div_ceil(1_000).saturating_mul(1_000))
        };
        self.repeats(settle, now).into_iter().map(move |(at, record)| (round_up(at), record))
    }
}

impl From<Record> for NewRecord {
    fn from(record: Record) -> Self {
        Self { record, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
