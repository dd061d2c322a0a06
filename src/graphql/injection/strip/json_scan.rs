//! Finds the ends of JSON tokens in a chunk.

pub(super) fn space_end(chunk: &[u8], mut at: usize) -> usize {
    while matches!(chunk.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// `true` for the characters of numbers and of `true`, `false` and `null`.
pub(super) fn is_scalar(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.')
}

/// The end of a number or word. `None` if the chunk ends first.
pub(super) fn scalar_end(chunk: &[u8], at: usize) -> Option<usize> {
    let rest = chunk.get(at..)?;
    rest.iter().position(|byte| !is_scalar(*byte)).map(|length| at + length)
}

/// The offset after a string's closing quote. `None` if the chunk ends first. `escaped` is `true`,
/// on entry and on return, if the bytes so far end in a backslash whose character is still to come.
pub(super) fn string_end(chunk: &[u8], mut at: usize, escaped: &mut bool) -> Option<usize> {
    if std::mem::take(escaped) {
        at += 1;
    }
    loop {
        let rest = chunk.get(at..)?;
        at += plain_length(rest);
        match chunk.get(at)? {
            b'"' => return Some(at + 1),
            _ if at + 1 == chunk.len() => {
                *escaped = true;
                return None;
            }
            _ => at += 2,
        }
    }
}

/// The number of bytes before the first quote or backslash. It looks at eight bytes at a time,
/// because most of a response is strings.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    // The lowest high bit marks the first zero byte. Bits above it may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut passed = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
        if found != 0 {
            return passed + (found.trailing_zeros() / 8) as usize;
        }
        passed += 8;
    }
    passed + rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len())
}
