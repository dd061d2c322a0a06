//! Range requests and partial responses (RFC 9110 §14, RFC 9111 §3.3, §3.4).
//!
//! In scope: a single byte range of a stored response, or of a stored part. Requests for several
//! ranges, or in other units, get the whole response, as §14.2 allows.

use super::conditional::strong_etag;
use super::date::http_date;
use crate::http::Headers;

/// The range that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// From this byte to the end.
    From(u64),
    /// From the first to the last byte, both included.
    Between(u64, u64),
    /// This many bytes at the end.
    Last(u64),
}

/// The position of a part within the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// The first byte.
    pub first: u64,
    /// The last byte.
    pub last: u64,
    /// The length of the whole.
    pub complete: u64,
}

/// The bytes to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialContent {
    /// The index of the first byte within the stored bytes.
    pub start: usize,
    /// The index after the last byte.
    pub end: usize,
    /// The value of `Content-Range`.
    pub content_range: String,
}

/// The result of applying a range to stored bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RangeResult {
    /// These bytes.
    PartialContent(PartialContent),
    /// The range contains no bytes: 416 with this `Content-Range`.
    Unsatisfiable(String),
    /// The bytes are not stored.
    NotHeld,
}

impl Range {
    /// The byte range that a request asks for. `None` if it asks for the whole, for several ranges,
    /// or in an unknown unit.
    pub fn read(request: &Headers) -> Option<Self> {
        let value = request.joined("range")?;
        let (unit, range) = value.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = range.trim().split_once('-')?;
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(Self::Between(first, last)),
            (Some(first), None) if last.is_empty() => Some(Self::From(first)),
            (None, Some(last)) if first.is_empty() => Some(Self::Last(last)),
            _ => None,
        }
    }

    /// Applies the range to a stored whole (§14.1.2).
    pub fn of_whole(self, length: usize) -> RangeResult {
        let complete = length as u64;
        let bounds = match self {
            Self::From(first) => Some((first, complete.saturating_sub(1))),
            Self::Between(first, last) => Some((first, last.min(complete.saturating_sub(1)))),
            Self::Last(0) => None,
            Self::Last(count) => Some((complete.saturating_sub(count), complete.saturating_sub(1))),
        };
        match bounds.filter(|(first, _)| *first < complete) {
            Some((first, last)) => cut(first, last, 0, length, complete),
            None => RangeResult::Unsatisfiable(format!("bytes */{complete}")),
        }
    }

    /// Applies the range to a stored part of `length` bytes.
    ///
    /// Some origins state a range that is one byte longer or shorter than what they sent, although
    /// the message was complete. A range that counts from the front is then taken from the front of
    /// the stored bytes, and one that counts from the end from their end.
    pub fn of_part(self, stored: ContentRange, length: usize) -> RangeResult {
        let ContentRange { first: start, last: end, complete } = stored;
        let sent = length as u64;
        let (first, last, base) = match self {
            Self::From(first) if end + 1 == complete => (first, end.min(start + sent - 1), start),
            Self::Between(first, last) => (first, last.min(complete - 1), start),
            Self::Last(count) if end + 1 == complete && count > 0 => {
                (complete.saturating_sub(count), end, (end + 1).saturating_sub(sent))
            }
            _ => return RangeResult::NotHeld,
        };
        cut(first, last, base, length, complete)
    }
}

/// The bytes from `first` to `last`, taken from stored bytes that start at `base`.
fn cut(first: u64, last: u64, base: u64, length: usize, complete: u64) -> RangeResult {
    let place = |byte: u64| usize::try_from(byte.checked_sub(base)?).ok();
    match (place(first), place(last)) {
        (Some(start), Some(last_place)) if start <= last_place && last_place < length => {
            let content_range = format!("bytes {first}-{last}/{complete}");
            RangeResult::PartialContent(PartialContent {
                start,
                end: last_place + 1,
                content_range,
            })
        }
        _ => RangeResult::NotHeld,
    }
}

impl ContentRange {
    /// Parses a response's `Content-Range` (§14.4). `None` if it is missing, malformed, or does not
    /// state the length of the whole.
    pub fn read(headers: &Headers) -> Option<Self> {
        let value = headers.joined("content-range")?;
        let (unit, rest) = value.trim().split_once(' ')?;
        let (range, complete) = rest.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let read = Self { first: number(first)?, last: number(last)?, complete: number(complete)? };
        let fits = read.first <= read.last && read.last < read.complete;
        (unit.eq_ignore_ascii_case("bytes") && fits).then_some(read)
    }

    /// Whether a body of this length matches the stated range. A difference of one byte is accepted
    /// if `Content-Length` confirms the body's length, since the message was then complete.
    pub fn fits(self, headers: &Headers, length: usize) -> bool {
        let sent = length as u64;
        let named = self.last - self.first + 1;
        let vouched = headers.get("content-length").and_then(number) == Some(sent);
        sent > 0 && (named == sent || named.abs_diff(sent) == 1 && vouched)
    }
}

/// Whether `If-Range` permits a partial response (§13.1.5): its strong entity tag is the
/// response's, or its date is, and the response was sent at least a second after that date.
pub fn if_range_holds(request: &Headers, response: &Headers) -> bool {
    let Some(condition) = request.get("if-range").map(str::trim) else { return true };
    if condition.contains('"') {
        return strong_etag(response) == Some(condition);
    }
    let date = |name| response.get(name).and_then(http_date);
    let (Some(modified), Some(sent)) = (date("last-modified"), date("date")) else { return false };
    http_date(condition) == Some(modified) && sent > modified
}

/// Parses digits, at most 15.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        fields.iter().copied().collect()
    }

    fn read(value: &str) -> Option<Range> {
        Range::read(&headers(&[("range", value)]))
    }

    #[test]
    fn rfc_9110_section_14_1_1_reads_one_range_of_bytes() {
        assert_eq!(read("bytes=0-1"), Some(Range::Between(0, 1)));
        assert_eq!(read("Bytes= 5- "), Some(Range::From(5)));
        assert_eq!(read("bytes=-5"), Some(Range::Last(5)));
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=1-0",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=a-b",
            "bytes=0x1-2",
            "bytes=--1",
            "bytes=+1-2",
            "bytes=1-99999999999999999999",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    fn part(start: usize, end: usize, content_range: &str) -> RangeResult {
        RangeResult::PartialContent(PartialContent {
            start,
            end,
            content_range: content_range.into(),
        })
    }

    #[test]
    fn section_14_1_2_cuts_from_the_whole() {
        assert_eq!(Range::Between(2, 99).of_whole(10), part(2, 10, "bytes 2-9/10"));
        assert_eq!(Range::From(9).of_whole(10), part(9, 10, "bytes 9-9/10"));
        assert_eq!(Range::Last(99).of_whole(10), part(0, 10, "bytes 0-9/10"));
        for range in [Range::From(10), Range::Between(10, 11), Range::Last(0)] {
            assert_eq!(range.of_whole(10), RangeResult::Unsatisfiable("bytes */10".into()));
        }
        assert_eq!(Range::Last(5).of_whole(0), RangeResult::Unsatisfiable("bytes */0".into()));
    }

    #[test]
    fn rfc_9111_section_3_3_cuts_from_a_part() {
        let stored = ContentRange { first: 4, last: 8, complete: 10 };
        assert_eq!(Range::Between(5, 6).of_part(stored, 5), part(1, 3, "bytes 5-6/10"));
        for range in [
            Range::Between(3, 5),
            Range::Between(8, 9),
            Range::Between(9, 9),
            Range::Between(20, 30),
            Range::From(5),
            Range::Last(1),
        ] {
            assert_eq!(range.of_part(stored, 5), RangeResult::NotHeld, "{range:?}");
        }
        let end = ContentRange { first: 5, last: 9, complete: 10 };
        assert_eq!(Range::From(8).of_part(end, 5), part(3, 5, "bytes 8-9/10"));
        assert_eq!(Range::Last(2).of_part(end, 5), part(3, 5, "bytes 8-9/10"));
        assert_eq!(Range::Last(6).of_part(end, 5), RangeResult::NotHeld);
        assert_eq!(Range::Last(0).of_part(end, 5), RangeResult::NotHeld);
    }

    #[test]
    fn a_part_that_names_another_number_of_bytes_is_taken_only_with_its_own_length() {
        let named = ContentRange { first: 4, last: 9, complete: 10 };
        assert!(named.fits(&headers(&[]), 6) && !named.fits(&headers(&[]), 5));
        assert!(named.fits(&headers(&[("content-length", "5")]), 5));
        assert!(!named.fits(&headers(&[("content-length", "6")]), 5));
        assert!(!named.fits(&headers(&[("content-length", "4")]), 4));
        assert_eq!(Range::Between(6, 8).of_part(named, 5), part(2, 5, "bytes 6-8/10"));
        assert_eq!(Range::Last(1).of_part(named, 5), part(4, 5, "bytes 9-9/10"));
    }

    #[test]
    fn rfc_9110_section_14_4_reads_where_a_part_belongs() {
        let read = |value: &str| ContentRange::read(&headers(&[("content-range", value)]));
        assert_eq!(read("bytes 4-8/10"), Some(ContentRange { first: 4, last: 8, complete: 10 }));
        for value in
            ["bytes */10", "bytes 4-8/*", "bytes 8-4/10", "bytes 4-10/10", "x 0-1/2", "4-8/10"]
        {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn rfc_9110_section_13_1_5_if_range_compares_strongly() {
        let earlier = "Sun, 06 Nov 1994 08:49:37 GMT";
        let later = "Sun, 06 Nov 1994 08:49:38 GMT";
        let response = headers(&[("etag", "\"a\""), ("last-modified", earlier), ("date", later)]);
        let holds = |value: &str| if_range_holds(&headers(&[("if-range", value)]), &response);
        assert!(holds("\"a\"") && holds(earlier) && if_range_holds(&headers(&[]), &response));
        assert!(!holds("W/\"a\"") && !holds("\"b\"") && !holds(later) && !holds("foo"));
        let weak = headers(&[("etag", "W/\"a\""), ("last-modified", earlier), ("date", earlier)]);
        for value in ["W/\"a\"", "\"a\"", earlier] {
            assert!(!if_range_holds(&headers(&[("if-range", value)]), &weak), "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_lies_in_what_is_stored(
            (first, last, count) in (0_u64..40, 0_u64..40, 0_u64..40),
            (start, length, more) in (0_u64..20, 1_u64..20, 0_u64..20),
        ) {
            let stored = ContentRange { first: start, last: start + length - 1, complete: start + length + more };
            let body: Vec<u64> = (start..start + length).collect();
            for range in [Range::From(first), Range::Between(first, first + last), Range::Last(count)] {
                let whole: Vec<u64> = (0..stored.complete).collect();
                let expected = match range.of_whole(whole.len()) {
                    RangeResult::PartialContent(part) => Some(whole[part.start..part.end].to_vec()),
                    _ => None,
                };
                if let RangeResult::PartialContent(part) = range.of_part(stored, body.len()) {
                    prop_assert_eq!(Some(body[part.start..part.end].to_vec()), expected);
                }
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".*") {
            let _ = (read(&text), ContentRange::read(&headers(&[("content-range", text.as_str())])));
        }
    }
}
