//! Dates as RFC 3339 writes them, such as `2026-11-29T04:00:00.123+01:00`.

use crate::time::Timestamp;

/// The time that a text names. `None` if it is no date with a time and an offset, or before 1970.
pub(super) fn parse_date(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.trim().split_once(['T', 't', ' '])?;
    let (time, offset_minutes) = split_offset(rest)?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [hour, minute, second] = numbers(time, ':')?;
    let ranges = [(month, 1, 12), (day, 1, 31), (hour, 0, 23), (minute, 0, 59), (second, 0, 60)];
    if !(1970..10_000).contains(&year)
        || ranges.iter().any(|(n, least, most)| n < least || n > most)
    {
        return None;
    }
    let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    let millis = (minutes * 60 + second) * 1_000 + millis_of(fraction)?;
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// A time of day, and the minutes by which its clock is ahead of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let at = text.rfind(['+', '-'])?;
    let (time, offset) = text.split_at(at);
    let (sign, digits) = match offset.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, offset.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None => digits.split_at_checked(2)?,
    };
    Some((time, sign * (number(hours)? * 60 + number(minutes)?)))
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let numbers: Option<Vec<i64>> = text.split(separator).map(number).collect();
    numbers?.try_into().ok()
}

fn number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// The milliseconds of a fraction of a second, as in `123456`.
fn millis_of(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    digits.parse().ok()
}

/// Days in the Gregorian calendar. Years are counted from March, so that the leap day is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_of_both_browsers() {
        let millis = |text: &str| parse_date(text).map(Timestamp::as_millis);
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-29T03:58:27.612Z", Some(1_795_924_707_612)),
            ("2026-11-29T04:58:27.612+01:00", Some(1_795_924_707_612)),
            ("2026-11-28T22:58:27.612345678-0500", Some(1_795_924_707_612)),
            ("2024-02-29T23:59:60.5z", Some(1_709_251_200_500)),
            ("2000-03-01T00:00:00Z", Some(951_868_800_000)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-13-29T03:58:27Z", None),
            ("2026-11-29T03:58:27", None),
            ("2026-11-29", None),
            ("tomorrow", None),
            ("2026-11-29T03:58:é7Z", None),
            ("2026-11-29T03:58:27+é", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
