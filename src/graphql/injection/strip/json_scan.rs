//! Where the tokens of a JSON text end, in a chunk of it.

pub(super) fn space_end(chunk: &[u8], mut at: usize) -> usize {
    while matches!(chunk.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// What numbers and words are made of.
pub(super) fn is_scalar(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'-' | b'.')
}

/// Where a number or word ends, if it does.
pub(super) fn scalar_end(chunk: &[u8], at: usize) -> Option<usize> {
    let rest = chunk.get(at..)?;
    rest.iter().position(|byte| !is_scalar(*byte)).map(|length| at + length)
}

/// After the quote that ends a string, if it ends. `escaped` says, before and after, whether a
/// backslash is without the character that it escapes.
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

/// How many bytes come before the first quote or backslash. Eight at a time: most of an answer is
/// read here and nowhere else.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    // The lowest high bit is that of the first byte that is zero; those above it may be wrong.
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
