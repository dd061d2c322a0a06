//! Content codings (RFC 9110 §8.4.1): of request bodies, which Evergraph decodes, and of response
//! bodies, which the runtime may have decoded.

use super::headers::Headers;
use miniz_oxide::inflate::{decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};

/// Decodes a body. `None` if the coding is unknown, the body is damaged, or the result is larger
/// than `limit` bytes.
pub fn decoded_body(coding: &str, body: &[u8], limit: usize) -> Option<Vec<u8>> {
    match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => (body.len() <= limit).then(|| body.to_vec()),
        "gzip" | "x-gzip" => gunzipped(body, limit),
        "deflate" => decompress_to_vec_zlib_with_limit(body, limit).ok(),
        _ => None,
    }
}

/// The coding in which the runtime delivers a response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseCoding {
    /// The response had no coding.
    Plain,
    /// The runtime decodes this coding when it reads the body, and encodes it again when it sends a
    /// response with the same header. It does so for these exact header values only.
    DecodedByRuntime(&'static str),
    /// The body is in gzip, under a name that the runtime does not recognize, such as `GZIP`.
    Gzip,
    /// The body is delivered in the origin's coding.
    Coded,
}

impl ResponseCoding {
    /// The coding of a response. Codings are case-insensitive, and `identity` is no coding (RFC
    /// 9110 §8.4.1); but the runtime compares the exact value of the header.
    pub fn of(headers: &Headers) -> Self {
        let undone = ["gzip", "br"];
        let mut fields = headers.get_all("content-encoding").map(str::trim);
        if let (Some(only), None) = (fields.next(), fields.next())
            && let Some(name) = undone.into_iter().find(|name| *name == only)
        {
            return Self::DecodedByRuntime(name);
        }
        let is_coding = |coding: &&str| !coding.eq_ignore_ascii_case("identity");
        let mut codings = headers.members("content-encoding").filter(is_coding);
        match (codings.next(), codings.next()) {
            (None, _) => Self::Plain,
            (Some(one), None) if ["gzip", "x-gzip"].iter().any(|n| one.eq_ignore_ascii_case(n)) => {
                Self::Gzip
            }
            _ => Self::Coded,
        }
    }

    /// Whether the body is available without a coding.
    pub fn is_decoded(self) -> bool {
        matches!(self, Self::Plain | Self::DecodedByRuntime(_))
    }
}

/// Whether the client accepts a coding (RFC 9110 §12.5.3). `*` does not count: a response without
/// coding is always acceptable.
pub fn accepts_coding(request: &Headers, coding: &str) -> bool {
    request.members("accept-encoding").any(|member| {
        let mut parts = member.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let is_zero = weight.is_some_and(|weight| weight.trim().parse() == Ok(0.0_f32));
        name.strip_prefix("x-").unwrap_or(&name) == coding && !is_zero
    })
}

/// Decodes a single gzip member (RFC 1952 §2.3).
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
    // The trailer contains a checksum and the length. A truncated member lacks it.
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
    fn only_the_very_values_gzip_and_br_are_undone() {
        use ResponseCoding::{Coded, DecodedByRuntime, Gzip, Plain};
        let of = |fields: &[&str]| {
            ResponseCoding::of(&fields.iter().map(|value| ("content-encoding", *value)).collect())
        };
        for (fields, coding) in [
            (&[][..], Plain),
            (&["identity"], Plain),
            (&["", "Identity, identity"], Plain),
            (&["gzip"], DecodedByRuntime("gzip")),
            (&["br"], DecodedByRuntime("br")),
            (&["GZIP"], Gzip),
            (&["x-gzip"], Gzip),
            (&["gzip, identity"], Gzip),
            (&["identity", "gzip"], Gzip),
            (&["BR"], Coded),
            (&["br, gzip"], Coded),
            (&["gzip", "gzip"], Coded),
            (&["gzip,br"], Coded),
            (&["deflate"], Coded),
            (&["zstd"], Coded),
        ] {
            assert_eq!(of(fields), coding, "{fields:?}");
            assert_eq!(coding.is_decoded(), matches!(coding, Plain | DecodedByRuntime(_)));
        }
    }

    #[test]
    fn a_client_gets_only_codings_that_it_names() {
        let accepts = |value: &str| {
            let headers = [("accept-encoding", value)].into_iter().collect();
            accepts_coding(&headers, "gzip")
        };
        for yes in ["gzip", "br, GZIP;q=0.5", "x-gzip", "deflate,gzip ; q=1.0", "gzip;Q=0.001"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "gzip; q=0.000", "br", "*", "gzipped"] {
            assert!(!accepts(no), "{no}");
        }
        assert!(!accepts_coding(&Headers::new(), "gzip"));
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
