//! Content codings of request bodies (RFC 9110 §8.4.1): gzip and deflate, as clients send them.

use miniz_oxide::inflate::{decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};

/// The body without its coding; none where the coding is not known, the body is damaged, or it
/// holds more than `limit` bytes.
pub fn decoded_body(coding: &str, body: &[u8], limit: usize) -> Option<Vec<u8>> {
    match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => (body.len() <= limit).then(|| body.to_vec()),
        "gzip" | "x-gzip" => gunzipped(body, limit),
        "deflate" => decompress_to_vec_zlib_with_limit(body, limit).ok(),
        _ => None,
    }
}

/// A single gzip member (RFC 1952 §2.3).
fn gunzipped(body: &[u8], limit: usize) -> Option<Vec<u8>> {
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const HEADER_CHECK: u8 = 2;
    let flags = *body.strip_prefix(b"\x1f\x8b\x08")?.first()?;
    let mut rest = body.get(10..)?;
    if flags & EXTRA != 0 {
        let length = u16::from_le_bytes([*rest.first()?, *rest.get(1)?]);
        rest = rest.get(2 + usize::from(length)..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & HEADER_CHECK != 0 {
        rest = rest.get(2..)?;
    }
    // The trailer has a check and the length; a member that was cut off lacks them.
    let (deflated, trailer) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
    let plain = decompress_to_vec_with_limit(deflated, limit).ok()?;
    let length = trailer.get(4..)?;
    (length == (plain.len() as u32).to_le_bytes()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

    fn gzip(plain: &[u8], flags: u8, extra: &[u8]) -> Vec<u8> {
        let mut body = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
        body.extend(extra);
        body.extend(compress_to_vec(plain, 6));
        body.extend([0; 4]);
        body.extend((plain.len() as u32).to_le_bytes());
        body
    }

    #[test]
    fn undoes_what_clients_do() {
        let plain = b"{\"query\":\"{ a }\"}";
        let undone = |coding: &str, body: &[u8]| decoded_body(coding, body, 1_000);
        assert_eq!(undone("gzip", &gzip(plain, 0, b"")).unwrap(), plain);
        assert_eq!(undone("X-GZIP", &gzip(plain, 8 | 2, b"name\0..")).unwrap(), plain);
        assert_eq!(undone("gzip", &gzip(plain, 4 | 16, b"\x02\0ab\0")).unwrap(), plain);
        assert_eq!(undone("deflate", &compress_to_vec_zlib(plain, 6)).unwrap(), plain);
        assert_eq!(undone("identity", plain).unwrap(), plain);
    }

    #[test]
    fn refuses_what_is_damaged_unknown_or_large() {
        let large = vec![b'a'; 2_000];
        assert_eq!(decoded_body("gzip", &gzip(&large, 0, b""), 1_000), None);
        assert_eq!(decoded_body("br", b"x", 1_000), None);
        assert_eq!(decoded_body("gzip, gzip", b"x", 1_000), None);
        let whole = gzip(b"a plain text", 0, b"");
        for cut in 0..whole.len() {
            assert_eq!(decoded_body("gzip", &whole[..cut], 1_000), None, "{cut}");
        }
        assert_eq!(decoded_body("gzip", &gzip(b"x", 4, b"\xff\xff"), 1_000), None);
    }
}
