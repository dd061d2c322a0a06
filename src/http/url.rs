//! Absolute URLs, split into their parts.
//!
//! In scope: URLs from the runtime, which the WHATWG parser has normalized (dot segments are
//! resolved). Not in scope: parsing what a person typed.

/// An absolute http or https URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// `http` or `https`.
    pub scheme: String,
    /// The host, and the port unless it is the scheme's default.
    pub host: String,
    /// The path as the origin sees it: with a leading slash and percent-encoded.
    pub path: String,
    /// The part after the question mark, if there is one.
    pub query: Option<String>,
}

impl Url {
    /// Splits an absolute URL. `None` if it is not absolute.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (before_query, query) = match rest.split_once('?') {
            Some((before, query)) => (before, Some(query.to_owned())),
            None => (rest, None),
        };
        let (host, path) = match before_query.find('/') {
            Some(at) => before_query.split_at(at),
            None => (before_query, "/"),
        };
        if host.is_empty() {
            return None;
        }
        Some(Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            query,
        })
    }

    /// Resolves a reference against this URL (RFC 3986 §5.2). `None` unless the result is an http
    /// or https URL.
    pub fn joined(&self, reference: &str) -> Option<Self> {
        let reference = reference.trim();
        let reference = reference.split('#').next().unwrap_or_default();
        let before_path = reference.split(['/', '?']).next().unwrap_or_default();
        if before_path.contains(':') {
            let known = ["http://", "https://"].iter().any(|scheme| reference.starts_with(scheme));
            return known.then(|| Self::parse(reference))?;
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme));
        }
        let (path, query) = match reference.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (reference, None),
        };
        let path = match path {
            "" => {
                let query = query.or_else(|| self.query.clone());
                return Some(Self { query, ..self.clone() });
            }
            absolute if absolute.starts_with('/') => absolute.to_owned(),
            relative => {
                let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{folder}/{relative}")
            }
        };
        Some(Self { path: without_dots(&path), query, ..self.clone() })
    }

    /// Scheme and host, as in `https://shop.example`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// Path and query, as in `/api/products?page=1`.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The path for comparison with patterns: percent-encoded unreserved characters are decoded,
    /// which RFC 3986 §6.2.2 defines as equivalent, and the hexadecimal digits of other escapes are
    /// in upper case. Encoded slashes stay encoded.
    pub fn comparable_path(&self) -> String {
        if !self.path.contains('%') {
            return self.path.clone();
        }
        let bytes = self.path.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match decoded_at(bytes, at).filter(|_| byte == b'%') {
                Some(plain) if is_unreserved(plain) => {
                    out.push(plain);
                    at += 3;
                }
                Some(other) => {
                    out.extend_from_slice(format!("%{other:02X}").as_bytes());
                    at += 3;
                }
                None => {
                    out.push(byte);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// A path without its dot segments (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    kept.pop();
                }
                // A path that ends in a dot segment names a folder.
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Parses a query string (`application/x-www-form-urlencoded`). `None` if its percent-encoding is
/// not UTF-8.
pub fn form_pairs(query: &str) -> Option<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((form_decoded(name)?, form_decoded(value)?))
        })
        .collect()
}

/// Encodes a text as a value in a query string.
pub fn form_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut out, byte| {
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Decodes a name or value of a query string. `None` if its percent-encoding is not UTF-8.
pub fn form_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, decoded_at(bytes, at)) {
            (b'%', Some(plain)) => {
                out.push(plain);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// Decodes a segment of a path. `None` if its percent-encoding is not UTF-8.
pub fn segment_decoded(text: &str) -> Option<String> {
    // A plus means a space in query strings only.
    form_decoded(&text.replace('+', "%2B"))
}

/// Decodes every escape once. A `%` that begins no escape is kept.
pub fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = decoded_at(bytes, at).filter(|_| byte == b'%');
        out.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

/// Whether all servers decode a piece of a query string in the same way. They differ about a plus,
/// which is a space in forms only, and about a `%` that begins no escape.
pub fn has_one_decoding(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'+' => false,
        b'%' => decoded_at(bytes, at).is_some(),
        _ => true,
    })
}

/// The byte of the escape whose `%` is at this index.
fn decoded_at(bytes: &[u8], at: usize) -> Option<u8> {
    let high = char::from(*bytes.get(at + 1)?).to_digit(16)?;
    let low = char::from(*bytes.get(at + 2)?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_a_url() {
        let url = Url::parse("https://a.example:8443/x/y?q=1&r=2").unwrap();
        assert_eq!(
            (url.origin().as_str(), url.target().as_str()),
            ("https://a.example:8443", "/x/y?q=1&r=2")
        );
        assert_eq!(Url::parse("https://a.example").unwrap().path, "/");
        assert_eq!(Url::parse("/x"), None);
    }

    #[test]
    fn joins_references() {
        let url = Url::parse("http://h:8080/a/b?x").unwrap();
        let joined = |reference: &str| {
            url.joined(reference).map(|url| format!("{}{}", url.origin(), url.target()))
        };
        for (reference, expected) in [
            ("c", Some("http://h:8080/a/c")),
            ("/c?y#z", Some("http://h:8080/c?y")),
            ("../../c", Some("http://h:8080/c")),
            ("..", Some("http://h:8080/")),
            ("./c/./d/..", Some("http://h:8080/a/c/")),
            ("?y", Some("http://h:8080/a/b?y")),
            ("", Some("http://h:8080/a/b?x")),
            ("//i/c", Some("http://i/c")),
            ("https://h/c", Some("https://h/c")),
            ("mailto:a@b", None),
            ("http://", None),
        ] {
            assert_eq!(joined(reference).as_deref(), expected, "{reference}");
        }
    }

    #[test]
    fn decodes_only_what_is_equivalent() {
        let url = Url::parse("http://h/api/%70roducts/a%2fb/%zz/%c3%A9").unwrap();
        assert_eq!(url.comparable_path(), "/api/products/a%2Fb/%zz/%C3%A9");
    }

    #[test]
    fn decodes_a_segment() {
        assert_eq!(segment_decoded("a%2Fb+c%3D%zz").as_deref(), Some("a/b+c=%zz"));
        assert_eq!(segment_decoded("%ff"), None);
    }

    #[test]
    fn a_plus_and_a_broken_escape_are_decoded_in_two_ways() {
        assert!(has_one_decoding("query=%7B%20a%20}&") && has_one_decoding(""));
        for text in ["a=b+c", "a=%zz", "a=%", "a=%4"] {
            assert!(!has_one_decoding(text), "{text}");
        }
    }

    #[test]
    fn reads_form_pairs() {
        let pairs = form_pairs("query=%7B+a+%7D&x").unwrap();
        assert_eq!(pairs, [("query".into(), "{ a }".into()), ("x".into(), String::new())]);
        assert_eq!(form_pairs("a=%ff"), None);
        let text = "{ a(b: \"é&=+%~\") }\n";
        let pairs = form_pairs(&format!("query={}", form_encoded(text))).unwrap();
        assert_eq!(pairs, [("query".into(), text.into())]);
    }
}
