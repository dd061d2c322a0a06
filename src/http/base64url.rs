//! base64url without padding (RFC 7515 §2, RFC 4648 §5), in its canonical form only.

/// Decodes a text. `None` if it is malformed, or not the canonical form of its bytes.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut bits: u32 = 0;
        for letter in group {
            bits = bits << 6 | sextet(*letter)?;
        }
        // Two letters encode one byte, and three encode two. The remaining bits must be zero.
        let (count, left_over) = match group.len() {
            4 => (3, 0),
            3 => (2, 2),
            2 => (1, 4),
            _ => return None,
        };
        if bits & ((1 << left_over) - 1) != 0 {
            return None;
        }
        let [_, group @ ..] = (bits >> left_over << (8 * (3 - count))).to_be_bytes();
        bytes.extend(group.into_iter().take(count));
    }
    Some(bytes)
}

fn sextet(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Encodes bytes.
pub fn to_base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .chain(&[0; 3])
            .take(3)
            .fold(0_usize, |bits, b| bits << 8 | usize::from(*b));
        let letters = (0..=group.len()).filter_map(|n| LETTERS.get(bits >> (18 - 6 * n) & 63));
        text.extend(letters.map(|letter| char::from(*letter)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_examples_of_the_specification() {
        // RFC 7515 appendix C.
        assert_eq!(from_base64url("A-z_4ME"), Some(vec![3, 236, 255, 224, 193]));
        assert_eq!(from_base64url(""), Some(Vec::new()));
    }

    #[test]
    fn refuses_every_other_spelling() {
        for bad in
            ["A", "AA=", "AA==", "A+/4", "A-z_4MF", "AB", "AAB", "AA A", "AA\n", "é", "AAAAA"]
        {
            assert_eq!(from_base64url(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(from_base64url(&to_base64url(&bytes)), Some(bytes));
        }

        #[test]
        fn no_two_texts_are_the_same_bytes(text in "[A-Za-z0-9_-]{0,12}") {
            if let Some(bytes) = from_base64url(&text) {
                prop_assert_eq!(to_base64url(&bytes), text);
            }
        }
    }
}
