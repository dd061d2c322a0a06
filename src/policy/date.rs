//! Dates in headers (RFC 9110 §5.6.7).

use crate::time::Timestamp;

/// Parses a date in any of the three formats, as seconds since the Unix epoch. `None` if it is not
/// a date. Like other recipients, this ignores the case of day and month names, and accepts a day
/// of the week that does not match the date.
pub(super) fn http_date(text: &str) -> Option<u64> {
    let mut at_start = true;
    let written: String = text
        .trim()
        .chars()
        .map(|character| {
            let first = std::mem::replace(&mut at_start, !character.is_ascii_alphabetic());
            match first {
                true => character.to_ascii_uppercase(),
                false => character.to_ascii_lowercase(),
            }
        })
        .collect();
    // The zone is always written in capitals.
    let written = match written.strip_suffix(" Gmt") {
        Some(date) => format!("{date} GMT"),
        None => written,
    };
    let (day, rest) = written.split_at(written.find([',', ' '])?);
    let days = if day.len() == 3 { SHORT_DAYS } else { LONG_DAYS };
    if !days.contains(&day) {
        return None;
    }
    let time =
        days.iter().find_map(|day| httpdate::parse_http_date(&format!("{day}{rest}")).ok())?;
    Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
}

/// Formats a date for a header. `None` if it is after the year 9999, which the format cannot
/// express.
pub fn date_of(time: Timestamp) -> Option<String> {
    const YEAR_9999: u64 = 253_402_300_800;
    let seconds = time.as_millis() / 1000;
    let system = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    (seconds < YEAR_9999).then(|| httpdate::fmt_http_date(system))
}

const SHORT_DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_forms_in_any_case() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 nov 1994 08:49:37 gMT",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Mon Nov  6 08:49:37 1994",
        ] {
            assert_eq!(http_date(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        let now = Timestamp::from_millis(784_111_777_999);
        assert_eq!(date_of(now).as_deref().and_then(http_date), Some(784_111_777));
        assert_eq!(date_of(Timestamp::from_millis(u64::MAX)), None);
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "0",
            "-1",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Foo, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            "é",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
