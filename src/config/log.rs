//! The section `log`: which responses write a log line.

use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;
use super::share::Share;

/// `log`: the share of responses of each kind that write a log line. Failures, purges and responses
/// with a 5xx always write one.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// Stored responses that are fresh.
    pub hits: Share,
    /// Stored responses that are stale.
    pub stale: Share,
    /// Responses of the origin after a look-up.
    pub misses: Share,
    /// Stored responses that the origin has just validated.
    pub revalidated: Share,
    /// Responses to requests that are not looked up, such as writes.
    pub bypasses: Share,
}

impl Log {
    /// Every response writes a line, as without a valid configuration.
    pub const EVERYTHING: Self = Self {
        hits: Share::ALL,
        stale: Share::ALL,
        misses: Share::ALL,
        revalidated: Share::ALL,
        bypasses: Share::ALL,
    };
}

pub(super) const KEYS: &[Key] = &[
    share("hits", 0, "The share of hits that write a log line."),
    share("stale", 1, "The share of stale responses that write a log line."),
    share("misses", 1, "The share of misses that write a log line."),
    share("revalidated", 1, "The share of validated responses that write a log line."),
    share("bypasses", 1, "The share of bypassed requests, writes included, that write a log line."),
];

const fn share(name: &'static str, default: u64, doc: &'static str) -> Key {
    Key { name, value: ValueType::Share, default: DefaultValue::Number(default), doc }
}

pub(super) fn log(section: &Section<'_>) -> Log {
    let log = Log {
        hits: section.share("hits"),
        stale: section.share("stale"),
        misses: section.share("misses"),
        revalidated: section.share("revalidated"),
        bypasses: section.share("bypasses"),
    };
    section.report_unknown();
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use serde_json::json;

    #[test]
    fn hits_are_not_logged_unless_configured() {
        let log = parse(&json!({})).unwrap().log;
        assert_eq!(log, Log { hits: Share::NONE, ..Log::EVERYTHING });
        let log = parse(&json!({ "log": { "hits": 1, "misses": 0.25 } })).unwrap().log;
        assert_eq!(log, Log { misses: Share::of(0.25).unwrap(), ..Log::EVERYTHING });
    }

    #[test]
    fn a_share_is_a_number_from_0_to_1() {
        for value in [json!(-0.5), json!(2), json!("1"), json!(true)] {
            let faults = parse(&json!({ "log": { "hits": value } })).unwrap_err();
            assert_eq!(faults[0].path, "log.hits");
            let expected = format!("expected a number from 0 to 1, found {value}");
            assert_eq!(faults[0].message, expected);
        }
    }
}
