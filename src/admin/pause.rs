//! The bodies of `POST pause` and `POST resume`.

use super::members::{BodyError, number, optional_members};
use crate::purge::Pause;
use crate::time::Timestamp;
use serde::Serialize;

/// The longest time for which the cache can be paused, in seconds: 30 days.
const MOST_SECONDS: u64 = 2_592_000;

/// For how long the cache is to be paused.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes the body; `read_pause` reads it")]
pub struct PauseBody {
    /// For how many seconds. Absent: until `POST resume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 2_592_000), with = "u64")]
    seconds: Option<u64>,
}

/// Nothing: an object without members, or no body.
#[cfg(not(target_arch = "wasm32"))]
#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes the body; `read_resume` reads it")]
pub struct ResumeBody {}

/// The record that paused the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PauseRecorded {
    /// Its sequence number in the purge log.
    pub seq: u64,
    /// When the pause ends by itself, in milliseconds since 1970. Null: with `POST resume`.
    pub until: Option<u64>,
}

/// The record that ended the pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ResumeRecorded {
    /// Its sequence number in the purge log.
    pub seq: u64,
}

/// Reads the body of `POST pause`, which arrives at `now`.
pub fn read_pause(body: &[u8], now: Timestamp) -> Result<Pause, BodyError> {
    let members = optional_members(body, &["seconds"])?;
    let seconds = number("seconds", members.get("seconds"), (1, MOST_SECONDS))?;
    let until = |seconds: u64| now.as_millis().saturating_add(seconds.saturating_mul(1_000));
    Ok(match seconds {
        Some(seconds) => Pause::until(Timestamp::from_millis(until(seconds))),
        None => Pause::UNTIL_RESUMED,
    })
}

/// Reads the body of `POST resume`.
pub fn read_resume(body: &[u8]) -> Result<Pause, BodyError> {
    optional_members(body, &[]).map(|_| Pause::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_pause_lasts_for_seconds_or_until_it_is_ended() {
        let read = |body: &str| read_pause(body.as_bytes(), at(5)).map_err(|bad| bad.path);
        for seconds in ["600", "600.0", "6e2"] {
            let body = format!(r#"{{"seconds":{seconds}}}"#);
            assert_eq!(read(&body), Ok(Pause::until(at(600_005))), "{seconds}");
        }
        assert_eq!(read(&format!(r#"{{"seconds":{MOST_SECONDS}}}"#)).map(|_| ()), Ok(()));
        for open in ["{}", "", " \n"] {
            assert_eq!(read(open), Ok(Pause::UNTIL_RESUMED), "{open:?}");
        }
        for number in ["0", "-1", "1.5", "\"60\"", "null", "2592001", "1e99", "true"] {
            assert_eq!(read(&format!(r#"{{"seconds":{number}}}"#)), Err("seconds".into()));
        }
        assert_eq!(read(r#"{"second":1}"#), Err("second".into()));
        for broken in ["[]", "1", "{", "{\"seconds\":1"] {
            assert_eq!(read(broken), Err(String::new()), "{broken}");
        }
    }

    #[test]
    fn the_end_of_a_pause_takes_no_members() {
        assert_eq!(read_resume(b"{}"), Ok(Pause::NONE));
        assert_eq!(read_resume(b""), Ok(Pause::NONE));
        assert_eq!(read_resume(br#"{"seconds":1}"#).map_err(|bad| bad.path), Err("seconds".into()));
    }
}
