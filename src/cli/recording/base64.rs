//! Base64 as recordings hold binary bodies (RFC 4648 §4).

use crate::http::from_base64url;

/// Decodes a text, with or without padding and line breaks.
pub(super) fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    let letters = text.chars().filter(|letter| !letter.is_ascii_whitespace() && *letter != '=');
    let in_url = letters.map(|letter| match letter {
        '+' => '-',
        '/' => '_',
        other => other,
    });
    from_base64url(&in_url.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_padded_and_broken_lines() {
        assert_eq!(base64_decoded("aGk/\r\n+/8=").as_deref(), Some(b"hi?\xfb\xff".as_slice()));
        assert_eq!(base64_decoded(""), Some(Vec::new()));
        assert_eq!(base64_decoded("a"), None);
    }
}
