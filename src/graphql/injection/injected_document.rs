//! The document that the origin gets: the client's, with fields inserted.
//!
//! In scope: the insertions, and mapping positions in the result back to the client's text for the
//! `locations` of errors (§7.1.2). Not in scope: which fields are inserted, and taking them out of
//! the response.

use super::reserved_keys::KEY_PREFIX;
use crate::graphql::document::lexer;
use crate::limits::Amounts;

/// A document with insertions, and the mapping of its positions back to the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedDocument {
    text: String,
    insertions: Vec<Insertion>,
    /// The offset at which each line of `text` begins (§2.1.3).
    lines: Vec<usize>,
    /// The offset at which each token of `text` begins, and the end of the text. Empty if the text
    /// is ASCII, where units of columns do not differ.
    tokens: Vec<usize>,
}

/// The position of an insertion in the injected text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Insertion {
    start: usize,
    end: usize,
    follows_brace: bool,
}

/// The unit in which a server counts columns, which the specification leaves open.
#[derive(Debug, Clone, Copy)]
enum Unit {
    /// UTF-16 code units: a character beyond U+FFFF counts as two.
    Utf16,
    /// Unicode code points.
    CodePoint,
    /// Bytes of UTF-8.
    Byte,
}

impl InjectedDocument {
    /// Inserts each text into the source at its byte offset.
    ///
    /// `None` if offsets are not in order or inside a character, or if positions could not be
    /// mapped back: if an insertion is not ASCII, contains a line terminator, or separates CR from
    /// LF.
    pub fn new(source: &str, insertions: &[(usize, String)]) -> Option<Self> {
        let inserted: usize = insertions.iter().map(|(_, inserted)| inserted.len()).sum();
        let mut text = String::with_capacity(source.len() + inserted);
        let mut places = Vec::with_capacity(insertions.len());
        let mut done = 0;
        for (offset, inserted) in insertions {
            let before = offset.checked_sub(1).and_then(|at| source.as_bytes().get(at));
            let parts_line_end =
                before == Some(&b'\r') && source.as_bytes().get(*offset) == Some(&b'\n');
            if !inserted.is_ascii() || inserted.contains(['\n', '\r']) || parts_line_end {
                return None;
            }
            text.push_str(source.get(done..*offset)?);
            let start = text.len();
            text.push_str(inserted);
            places.push(Insertion { start, end: text.len(), follows_brace: before == Some(&b'{') });
            done = *offset;
        }
        text.push_str(source.get(done..)?);
        let lines = line_starts(&text);
        let tokens = if text.is_ascii() { Vec::new() } else { token_starts(&text) };
        Some(Self { text, insertions: places, lines, tokens })
    }

    /// The document with its insertions.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// `true` if fields other than `__typename` were inserted. Those can fail.
    pub fn adds_key_fields(&self) -> bool {
        self.text.contains(KEY_PREFIX)
    }

    /// Maps a line and column of the text to the source. Both count from 1, columns in the server's
    /// own unit.
    ///
    /// Units differ only after a character beyond ASCII. Servers report where a token begins, so
    /// the unit is the first of UTF-16 code units, code points and bytes by which a token begins at
    /// the position. If there is none, it is the first by which the position exists.
    ///
    /// A position inside an insertion is mapped to the `{` before it: an error in a field that the
    /// client did not write concerns the selection set it is in. A position that the text does not
    /// have is returned unchanged.
    pub fn position_in_source(&self, line: u64, column: u64) -> (u64, u64) {
        let shift = self.columns_inserted_before(line, column).unwrap_or_default();
        (line, column.saturating_sub(shift))
    }

    /// The distance by which insertions moved the position to the right. Lines never move.
    fn columns_inserted_before(&self, line: u64, column: u64) -> Option<u64> {
        let line = usize::try_from(line.checked_sub(1)?).ok()?;
        let column = usize::try_from(column.checked_sub(1)?).ok()?;
        let start = *self.lines.get(line)?;
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text.get(start..end)?.trim_end_matches(['\n', '\r']);
        let at = start + self.offset_in_line(start, content, column)?;
        let first = self.insertions.partition_point(|insertion| insertion.start < start);
        let moved_by = |insertion: &Insertion| {
            if insertion.end <= at {
                insertion.end - insertion.start
            } else {
                at - insertion.start + usize::from(insertion.follows_brace)
            }
        };
        let before = self.insertions.iter().skip(first).take_while(|found| found.start <= at);
        u64::try_from(before.map(moved_by).sum::<usize>()).ok()
    }

    fn offset_in_line(&self, start: usize, content: &str, column: usize) -> Option<usize> {
        if content.as_bytes().get(..column).is_some_and(<[u8]>::is_ascii) {
            return Some(column);
        }
        let offsets = [Unit::Utf16, Unit::CodePoint, Unit::Byte]
            .into_iter()
            .filter_map(|unit| unit.offset(content, column));
        let begins_token = |offset: &usize| self.tokens.binary_search(&(start + offset)).is_ok();
        offsets.clone().find(begins_token).or_else(|| offsets.clone().next())
    }
}

impl Unit {
    /// The offset in the line after this number of units. `None` if it is inside a character or
    /// beyond the end.
    fn offset(self, content: &str, units: usize) -> Option<usize> {
        let length: fn(char) -> usize = match self {
            Self::Utf16 => char::len_utf16,
            Self::CodePoint => |_| 1,
            Self::Byte => char::len_utf8,
        };
        let mut passed = 0;
        for (offset, character) in content.char_indices() {
            if passed >= units {
                return (passed == units).then_some(offset);
            }
            passed += length(character);
        }
        (passed == units).then_some(content.len())
    }
}

/// The offsets at which lines begin (§2.1.3 LineTerminator): after LF, CR LF, or CR alone.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}

/// The offsets at which tokens begin, and the end of the text, which servers report for a document
/// that ends too early. Only the end if the text cannot be lexed.
fn token_starts(text: &str) -> Vec<usize> {
    let tokens =
        lexer::tokens(text, &Amounts::most(), &mut Amounts::ZERO.clone()).unwrap_or_default();
    let starts = tokens
        .iter()
        .filter_map(|token| token.text.as_ptr().addr().checked_sub(text.as_ptr().addr()));
    starts.chain(std::iter::once(text.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(source: &str) -> Result<Vec<lexer::Token<'_>>, lexer::LexError> {
        lexer::tokens(source, &Amounts::most(), &mut Amounts::ZERO.clone())
    }
    use proptest::prelude::*;

    const INSERTED: &str = "evergraph__typename:__typename ";

    /// The source with something after each of its braces that no string or comment holds.
    fn injected(source: &str) -> InjectedDocument {
        let braces = lex(source).unwrap();
        let insertions: Vec<(usize, String)> = braces
            .iter()
            .filter(|token| token.is(b'{'))
            .map(|token| (offset_of(source, token.text) + 1, INSERTED.to_owned()))
            .collect();
        InjectedDocument::new(source, &insertions).unwrap()
    }

    fn offset_of(source: &str, part: &str) -> usize {
        part.as_ptr().addr() - source.as_ptr().addr()
    }

    /// Line and column as a server that counts so says them.
    fn position(text: &str, offset: usize, length: fn(&str) -> usize) -> (u64, u64) {
        let (before, _) = text.split_at(offset);
        let unified = before.replace("\r\n", "\n").replace('\r', "\n");
        let line = unified.matches('\n').count() + 1;
        let column = length(before.rsplit(['\n', '\r']).next().unwrap()) + 1;
        (u64::try_from(line).unwrap(), u64::try_from(column).unwrap())
    }

    const UTF_16: fn(&str) -> usize = |text| text.encode_utf16().count();
    const CODE_POINTS: fn(&str) -> usize = |text| text.chars().count();
    const BYTES: fn(&str) -> usize = str::len;

    #[test]
    fn text_has_the_insertions_at_their_offsets() {
        let at = |offset, text: &str| (offset, text.to_owned());
        let made =
            InjectedDocument::new("{é{b}}", &[at(1, "x "), at(4, "y "), at(4, "z ")]).unwrap();
        assert_eq!(made.text(), "{x é{y z b}}");
        assert_eq!(InjectedDocument::new("{a}", &[]).unwrap().text(), "{a}");
    }

    #[test]
    fn refuses_what_cannot_be_counted_back() {
        for (source, insertions) in [
            ("{a{b}}", &[(3, "x "), (1, "y ")][..]),
            ("{é}", &[(2, "x ")]),
            ("{a}", &[(4, "x ")]),
            ("{a}", &[(1, "é ")]),
            ("{a}", &[(1, "x\n")]),
            ("{a}", &[(1, "x\r")]),
            ("{\r\na}", &[(2, "x ")]),
        ] {
            let insertions: Vec<_> =
                insertions.iter().map(|(offset, text)| (*offset, (*text).to_owned())).collect();
            assert_eq!(
                InjectedDocument::new(source, &insertions),
                None,
                "{source:?} {insertions:?}"
            );
        }
    }

    #[test]
    fn positions_move_back_by_what_was_inserted_before_them_on_their_line() {
        let made = injected("{ a { b }\r\n c { d }\r e\n}");
        // `{evergraph__typename:__typename  a {evergraph__typename:__typename  b }`
        for (found, expected) in [
            ((1, 1), (1, 1)),
            ((1, 34), (1, 3)),
            ((1, 36), (1, 5)),
            ((1, 69), (1, 7)),
            ((1, 72), (1, 10)), // where the line ends
            ((2, 2), (2, 2)),
            ((2, 37), (2, 6)),
            ((3, 2), (3, 2)),
            ((4, 1), (4, 1)),
            ((4, 2), (4, 2)), // where the text ends
        ] {
            assert_eq!(made.position_in_source(found.0, found.1), expected, "{found:?}");
        }
    }

    #[test]
    fn positions_inside_an_insertion_become_the_brace_before_it() {
        let made = injected("{\n  a { b }\n}");
        for column in [7, 8, 26, 36] {
            assert_eq!(made.position_in_source(2, column), (2, 5), "{column}");
        }
        assert_eq!(made.position_in_source(1, 2), (1, 1));
        let twice = [(3, "x ".to_owned()), (3, "y ".to_owned())];
        let made = InjectedDocument::new("{a{b}}", &twice).unwrap();
        let columns: Vec<u64> =
            (1..=9).map(|column| made.position_in_source(1, column).1).collect();
        assert_eq!(columns, [1, 2, 3, 3, 3, 3, 3, 4, 5]);
    }

    #[test]
    fn positions_beyond_the_text_stay() {
        // One after where the line ends.
        assert_eq!(injected("{ a }\n{").position_in_source(1, 37), (1, 6));
        assert_eq!(injected("{ a }\n{").position_in_source(1, 38), (1, 38));
        for source in ["{ a }\n{", "{ a }#é\n{"] {
            let made = injected(source);
            for place in
                [(0, 5), (1, 0), (0, 0), (1, 60), (3, 1), (2, 40), (u64::MAX, 1), (1, u64::MAX)]
            {
                assert_eq!(made.position_in_source(place.0, place.1), place, "{source:?}");
            }
        }
    }

    #[test]
    fn the_unit_is_that_in_which_a_token_begins() {
        let source = "{ a(x: \"é😀😀\") { bcd efg } }";
        let made = injected(source);
        for name in ["bcd", "efg", "}"] {
            for unit in [UTF_16, CODE_POINTS, BYTES] {
                let (line, column) = position(made.text(), made.text().find(name).unwrap(), unit);
                let expected = position(source, source.find(name).unwrap(), unit);
                assert_eq!(made.position_in_source(line, column), expected, "{name}");
            }
        }
        // Inside a token in every unit: in the middle of `efg` for UTF-16, so that is chosen.
        let place = position(made.text(), made.text().find("fg").unwrap(), UTF_16);
        let expected = position(source, source.find("fg").unwrap(), UTF_16);
        assert_eq!(made.position_in_source(place.0, place.1), expected);
        // No position in UTF-16, as it is within a surrogate pair.
        let inside = position(made.text(), made.text().find("😀").unwrap(), UTF_16);
        let expected = (1, inside.1 + 1 - u64::try_from(INSERTED.len()).unwrap());
        assert_eq!(made.position_in_source(1, inside.1 + 1), expected);
    }

    #[test]
    fn code_points_are_found_where_they_lead_to_a_token_and_utf_16_does_not() {
        // In the second UTF-16 would lead to before what was inserted, and so move it less.
        for (text, name) in [("😀é".to_owned(), "def"), ("😀".repeat(40), "abc")] {
            let source = format!("{{ a(x: \"{text}\") {{ abc def }} }}");
            let made = injected(&source);
            let (line, column) =
                position(made.text(), made.text().find(name).unwrap(), CODE_POINTS);
            let expected = position(&source, source.find(name).unwrap(), CODE_POINTS);
            assert_eq!(made.position_in_source(line, column), expected);
        }
    }

    #[test]
    fn where_no_token_begins_the_first_unit_counts_in_which_it_is_a_position() {
        let source = format!("{{ a(x: \"{}\") {{ b }} }}", "😀".repeat(60));
        let made = injected(&source);
        // In the name of what was inserted after the second brace: by UTF-16 it is that brace.
        let inside = made.text().rfind("graph__").unwrap();
        let (line, column) = position(made.text(), inside, UTF_16);
        let brace = position(&source, source.rfind("{ b").unwrap(), UTF_16);
        assert_eq!(made.position_in_source(line, column), brace);
        // Between the halves of a character there is no position by UTF-16; by code points it is
        // so many characters after the beginning.
        let (line, column) = position(made.text(), made.text().find('😀').unwrap(), UTF_16);
        let shift = u64::try_from(INSERTED.len()).unwrap();
        assert_eq!(made.position_in_source(line, column + 21), (1, column + 21 - shift));
    }

    fn documents() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("{"),
            Just("{ "),
            Just("}"),
            Just("a "),
            Just("bc:d"),
            Just("(x:\"é😀{\")"),
            Just("\"\"\"é\n{\"\"\""),
            Just("# {é😀"),
            Just("\n"),
            Just("\r\n"),
            Just("\r"),
            Just("\u{FEFF}"),
            Just(" "),
        ];
        proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn every_token_is_found_again(source in documents()) {
            // A comment may have swallowed the beginning of a string.
            prop_assume!(lex(&source).is_ok());
            let made = injected(&source);
            let mut shift = 0;
            for token in lex(&source).unwrap() {
                let offset = offset_of(&source, token.text);
                let mut units = vec![UTF_16];
                if source.is_ascii() {
                    units.extend([CODE_POINTS, BYTES]);
                }
                for unit in units {
                    let (line, column) = position(made.text(), offset + shift, unit);
                    let expected = position(&source, offset, unit);
                    prop_assert_eq!(made.position_in_source(line, column), expected);
                    if token.is(b'{') {
                        let (line, column) = position(made.text(), offset + shift + 1, unit);
                        prop_assert_eq!(made.position_in_source(line, column), expected);
                    }
                }
                if token.is(b'{') {
                    shift += INSERTED.len();
                }
            }
        }

        #[test]
        fn columns_never_grow(source in documents(), line in 0_u64..6, column in 0_u64..200) {
            prop_assume!(lex(&source).is_ok());
            let found = injected(&source).position_in_source(line, column);
            prop_assert_eq!(found.0, line);
            prop_assert!(found.1 <= column && (found.1 > 0 || column == 0));
        }
    }
}
