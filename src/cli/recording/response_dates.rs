//! The dates of a response by the clock that the recording goes by.
//!
//! `Date` and `Expires` come from the clock of the server, the time of the entry from that of the client. A few
//! minutes between the two would make every response look old, or fresh for longer than it is.

use crate::http::Headers;
use crate::time::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second that a date can name, in the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Moves `Date` to the time of receipt, and `Expires` by as much. `Age` stays, unless the response came from an
/// Evergraph: the origin behind it would not have sent it.
pub(super) fn in_the_clients_time(headers: &mut Headers, received: Timestamp) {
    let is_ours = headers.members("cache-status").any(|member| member.starts_with("evergraph"));
    if is_ours {
        headers.remove("age");
    }
    let Some(date) = seconds(headers, "date") else { return };
    let received = received.as_millis() / 1_000;
    for name in ["expires", "date"] {
        if let Some(at) = seconds(headers, name) {
            let moved = at.saturating_add(received).saturating_sub(date).min(LAST_SECOND);
            headers.set(name, httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(moved)));
        }
    }
}

/// The date of a header, in seconds since 1970.
fn seconds(headers: &Headers, name: &str) -> Option<u64> {
    let date: SystemTime = httpdate::parse_http_date(headers.get(name)?).ok()?;
    date.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_moved_by_what_the_clocks_differ() {
        let moved = |pairs: &[(&str, &str)]| {
            let mut headers: Headers = pairs.iter().copied().collect();
            in_the_clients_time(&mut headers, Timestamp::from_millis(1_795_924_800_900));
            ["date", "expires", "age"].map(|name| headers.get(name).map(str::to_owned))
        };
        let date = ("date", "Sun, 29 Nov 2026 03:58:00 GMT");
        let now = Some("Sun, 29 Nov 2026 04:00:00 GMT".to_owned());
        let later = Some("Sun, 29 Nov 2026 05:00:00 GMT".to_owned());
        let expires = ("expires", "Sun, 29 Nov 2026 04:58:00 GMT");
        assert_eq!(moved(&[date, expires, ("age", "5")]), [now.clone(), later, Some("5".into())]);
        assert_eq!(moved(&[date, ("expires", "0")]), [now.clone(), Some("0".into()), None]);
        assert_eq!(moved(&[expires]), [None, Some(expires.1.into()), None]);
        let ours = ("cache-status", "evergraph; hit; ttl=9; detail=memory");
        assert_eq!(moved(&[date, ("age", "50"), ours]), [now, None, None]);
        let far = ("expires", "Fri, 31 Dec 9999 23:59:59 GMT");
        assert!(moved(&[("date", "Thu, 01 Jan 1970 00:00:00 GMT"), far])[1].is_some());
    }
}
