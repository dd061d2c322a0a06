//! Finds the end of a JSON string without looking at each byte: most of a JSON text is strings.

/// The index after the closing quote of a string whose contents start at `from`. The text's length
/// if the string does not end.
pub fn string_end(json: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = json.get(at..) {
        at += plain_length(rest);
        match json.get(at) {
            Some(b'"') => return at + 1,
            // A backslash and what it escapes.
            Some(b'\\') => at += 2,
            // A control character may not be there. Whoever reads the string will say so.
            Some(_) => at += 1,
            None => break,
        }
    }
    json.len()
}

/// The number of bytes before the first that ends a plain run of a string: a quote, a backslash or a control
/// character, which may not be there (RFC 8259 §7). It looks at eight bytes at a time.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    // The lowest high bit marks the first byte that is zero, or less than a space. Bits above it may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let controls = |word: u64| word.wrapping_sub(SPACES) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut passed = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES) | controls(word);
        if found & HIGHS != 0 {
            return passed + ((found & HIGHS).trailing_zeros() / 8) as usize;
        }
        passed += 8;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    passed + rest.iter().position(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_string_ends_with_its_closing_quote() {
        for (rest, end) in [
            ("\"", 1),
            ("a\":1", 2),
            ("a\\\"b\",\"", 5),
            ("\\\\\",", 3),
            ("0123456789abcdef\\\"\"", 19),
            ("", 0),
            ("open", 4),
            ("open\\", 5),
            ("open\\\"", 6),
            ("a\n\"", 3),
        ] {
            assert_eq!(string_end(rest.as_bytes(), 0), end, "{rest}");
            assert_eq!(string_end(format!("{{\"{rest}").as_bytes(), 2), end + 2, "{rest}");
        }
    }

    proptest! {
        #[test]
        fn plain_length_is_that_before_the_first_special_byte(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(b'!'), Just(b'#'), Just(b'"'), Just(b'\\'), Just(b']'), Just(b' '), Just(b'\n')],
                0..40,
            )
        ) {
            let special = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
            prop_assert_eq!(plain_length(&bytes), special.unwrap_or(bytes.len()));
        }
    }
}
