//! Who has counted the numbers of `GET stats`.

use super::shown::text;
use serde_json::Value;

/// Why the numbers are those of one isolate. `None`: they are those of the service.
pub fn why_one_isolate(stats: &Value) -> Option<String> {
    if text(stats, "counted_by") != "isolate" {
        return None;
    }
    Some(match text(stats, "fault") {
        fault if fault.is_empty() => {
            "STATS is not bound, or stats.requests_per_day is 0".to_owned()
        }
        fault => format!("the statistics object did not answer ({fault})"),
    })
}
