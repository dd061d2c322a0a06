//! The version of messages in which an isolate asks the log.
//!
//! During a deployment a new isolate may ask a log that still runs the version before. Such a log
//! refuses the current version, and is asked again in the previous one.

use super::wire::{MessageError, Version};
use crate::time::Timestamp;
use std::cell::Cell;

/// For how long a log that refused the current version is asked in the previous one.
const PREVIOUS_MILLIS: u64 = 10_000;

/// What an isolate knows of the version that its log reads.
#[derive(Debug, Default)]
pub struct LogVersion {
    refused_at: Cell<Option<Timestamp>>,
}

impl LogVersion {
    /// Asks a log that may run the previous version. `send` sends the question in a version; a log that
    /// refuses it has not read the question, so nothing is recorded twice.
    pub async fn ask<T>(
        &self,
        now: impl Fn() -> Timestamp,
        send: impl AsyncFn(Version) -> Result<T, String>,
    ) -> Result<T, String> {
        let version = self.to_ask_in(now());
        let answer = send(version).await;
        if !answer.as_ref().is_err_and(|fault| refuses_version(fault)) {
            return answer;
        }
        send(self.after_refusal(version, now())).await
    }

    /// The version to ask in.
    fn to_ask_in(&self, now: Timestamp) -> Version {
        match self.refused_at.get() {
            Some(at) if now.is_within(PREVIOUS_MILLIS, at) => Version::PREVIOUS,
            _ => Version::CURRENT,
        }
    }

    /// Notes that the log does not read `refused`. Returns the version to ask in instead.
    fn after_refusal(&self, refused: Version, now: Timestamp) -> Version {
        let is_current = refused == Version::CURRENT;
        self.refused_at.set(is_current.then_some(now));
        if is_current { Version::PREVIOUS } else { Version::CURRENT }
    }
}

/// Whether the log says that it does not know the question's version.
fn refuses_version(fault: &str) -> bool {
    fault.ends_with(&format!("400: {}", MessageError::Version.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn a_log_that_refuses_the_current_version_is_asked_in_the_previous_one_for_a_while() {
        let log = LogVersion::default();
        assert_eq!(log.to_ask_in(at(0)), Version::CURRENT);
        assert_eq!(log.after_refusal(Version::CURRENT, at(0)), Version::PREVIOUS);
        assert_eq!(log.to_ask_in(at(PREVIOUS_MILLIS - 1)), Version::PREVIOUS);
        assert_eq!(log.to_ask_in(at(PREVIOUS_MILLIS)), Version::CURRENT);
    }

    #[test]
    fn a_log_that_refuses_the_previous_version_is_asked_in_the_current_one() {
        let log = LogVersion::default();
        log.after_refusal(Version::CURRENT, at(0));
        assert_eq!(log.after_refusal(Version::PREVIOUS, at(1)), Version::CURRENT);
        assert_eq!(log.to_ask_in(at(2)), Version::CURRENT);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_what_was_known() {
        let log = LogVersion::default();
        log.after_refusal(Version::CURRENT, at(500));
        assert_eq!(log.to_ask_in(at(0)), Version::CURRENT);
    }
}
