//! The version of messages in which an isolate asks the log.
//!
//! During a deployment, a new isolate may ask a log that still runs an earlier build. Such a log
//! refuses the current version, and is asked again in the previous one.

use super::codec::{MessageError, Version};
use crate::time::Timestamp;
use std::cell::Cell;

/// For how long a log that refused the current version is asked in the previous one.
const PREVIOUS_MILLIS: u64 = 10_000;

/// What an isolate knows about the version that its log reads.
#[derive(Debug, Default)]
pub struct LogVersion {
    refused_at: Cell<Option<Timestamp>>,
}

impl LogVersion {
    /// Asks the log, and asks again in the other version if the log refuses the first one. `send` sends
    /// the request in a version. A log that refuses a request has not read it, so nothing is recorded
    /// twice.
    pub async fn ask<T>(
        &self,
        now: impl Fn() -> Timestamp,
        send: impl AsyncFn(Version) -> Result<T, String>,
    ) -> Result<T, String> {
        let version = self.request_version(now());
        let answer = send(version).await;
        if !answer.as_ref().is_err_and(|fault| refuses_version(fault)) {
            return answer;
        }
        send(self.after_refusal(version, now())).await
    }

    /// The version in which to ask.
    fn request_version(&self, now: Timestamp) -> Version {
        match self.refused_at.get() {
            Some(at) if now.is_within(PREVIOUS_MILLIS, at) => Version::PREVIOUS,
            _ => Version::CURRENT,
        }
    }

    /// Notes that the log refused a version. Returns the version in which to ask instead.
    fn after_refusal(&self, refused: Version, now: Timestamp) -> Version {
        let is_current = refused == Version::CURRENT;
        self.refused_at.set(is_current.then_some(now));
        if is_current { Version::PREVIOUS } else { Version::CURRENT }
    }
}

/// Whether the log does not know the version of the request.
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
        assert_eq!(log.request_version(at(0)), Version::CURRENT);
        assert_eq!(log.after_refusal(Version::CURRENT, at(0)), Version::PREVIOUS);
        assert_eq!(log.request_version(at(PREVIOUS_MILLIS - 1)), Version::PREVIOUS);
        assert_eq!(log.request_version(at(PREVIOUS_MILLIS)), Version::CURRENT);
    }

    #[test]
    fn a_log_that_refuses_the_previous_version_is_asked_in_the_current_one() {
        let log = LogVersion::default();
        log.after_refusal(Version::CURRENT, at(0));
        assert_eq!(log.after_refusal(Version::PREVIOUS, at(1)), Version::CURRENT);
        assert_eq!(log.request_version(at(2)), Version::CURRENT);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_what_was_known() {
        let log = LogVersion::default();
        log.after_refusal(Version::CURRENT, at(500));
        assert_eq!(log.request_version(at(0)), Version::CURRENT);
    }
}
