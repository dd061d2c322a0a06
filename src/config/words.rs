//! Single words of the configuration.

use super::section::Section;
use crate::tag::Tag;

/// A name that becomes a segment of keys.
pub(super) fn name(root: &Section<'_>, path: &str, text: &str) -> String {
    let plain = text.bytes().all(|b| matches!(b, b'_' | b'-') || b.is_ascii_alphanumeric());
    if text.is_empty() || text.len() > 64 || !plain {
        root.faults()
            .add(path, format!("expected 1 to 64 letters, digits, \"-\" or \"_\", found {text:?}"));
    }
    text.to_owned()
}

/// The name of a GraphQL type or field.
pub(super) fn graphql_name(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    if text.is_empty() || !plain || text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("expected the name of a GraphQL type, found {text:?}"));
    }
    Ok(text.to_owned())
}

/// A glob over GraphQL names.
pub(super) fn glob_name(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| matches!(b, b'_' | b'*') || b.is_ascii_alphanumeric());
    if text.is_empty() || !plain {
        return Err(format!("expected a GraphQL name, \"*\" allowed, found {text:?}"));
    }
    Ok(text.to_owned())
}

/// A response header that holds tags, in lower case. It does not reach the client, so it is none
/// that clients or caches rely on.
pub(super) fn tag_header(text: &str) -> Result<String, String> {
    const OF_HTTP: [&str; 14] = [
        "age",
        "cache-control",
        "cdn-cache-control",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "location",
        "set-cookie",
        "vary",
    ];
    let name = text.to_ascii_lowercase();
    let plain = name.bytes().all(|b| matches!(b, b'_' | b'-') || b.is_ascii_alphanumeric());
    if name.is_empty() || !plain {
        return Err(format!("expected the name of a header, found {text:?}"));
    }
    if OF_HTTP.contains(&name.as_str()) {
        return Err(format!("expected a header that holds nothing but tags, found {text:?}"));
    }
    Ok(name)
}

/// A tag as it stands.
pub(super) fn parse_tag(text: &str) -> Result<Tag, String> {
    Tag::parse(text).map_err(|fault| format!("{fault}, found {text:?}"))
}
