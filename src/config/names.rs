//! Validation of single names and tags in the configuration.

use super::section::{Faults, Section};
use crate::http::is_token;
use crate::order;
use crate::tag::Tag;

/// A name that becomes a segment of keys.
pub(super) fn name(faults: &Faults, path: &str, text: &str) -> String {
    let plain = text.bytes().all(|b| matches!(b, b'_' | b'-') || b.is_ascii_alphanumeric());
    if text.is_empty() || text.len() > 64 || !plain {
        let message = format!("expected 1 to 64 letters, digits, \"-\" or \"_\", found {text:?}");
        faults.add(path, message);
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

/// A glob that matches GraphQL names.
pub(super) fn glob_name(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| matches!(b, b'_' | b'*') || b.is_ascii_alphanumeric());
    if text.is_empty() || !plain {
        return Err(format!("expected a GraphQL name, \"*\" allowed, found {text:?}"));
    }
    Ok(text.to_owned())
}

/// The name of a response header that holds tags, in lower case. Such a header does not reach the
/// client, so headers that clients or caches rely on are refused.
pub(super) fn tag_header(text: &str) -> Result<String, String> {
    let name = header_token(text)?;
    // `*` is a valid character of header names, but here it would be meant as a glob.
    if name.contains('*') {
        return Err(format!("expected the name of a header, found {text:?}"));
    }
    if crate::http::fields::STANDARD_IN_RESPONSES.contains(&name.as_str()) {
        return Err(format!("expected a header that holds nothing but tags, found {text:?}"));
    }
    Ok(name)
}

/// A list of names of request headers that belong to keys, in lower case, sorted and without
/// duplicates.
pub(super) fn header_names(section: &Section<'_>, key: &'static str) -> Vec<String> {
    let mut names = section.list(key, header_name);
    order::sort(&mut names);
    names.dedup();
    names
}

/// A header's name (RFC 9110 §5.1: field-name = token), in lower case.
fn header_token(text: &str) -> Result<String, String> {
    let fault = || format!("expected the name of a header, found {text:?}");
    is_token(text).then(|| text.to_ascii_lowercase()).ok_or_else(fault)
}

fn header_name(text: &str) -> Result<String, String> {
    let name = header_token(text)?;
    if matches!(name.as_str(), "cookie" | "authorization") {
        return Err(format!(
            "{name} may identify the user, so it needs a scope: list it in a scope's \"by\", and name the scope in a type's \"scope\""
        ));
    }
    Ok(name)
}

/// A glob that matches names of request headers that are not signals, in lower case.
pub(super) fn header_glob(text: &str) -> Result<String, String> {
    let name = header_token(text)?;
    match name.as_str() {
        "cookie" => Err(
            "cookie contains several signals: list cookies in \"ignore_cookies\"".to_owned()
        ),
        "authorization" => Err(
            "authorization may identify the user; if responses are the same for everyone, define a scope with \"by\" = []"
                .to_owned(),
        ),
        _ => Ok(name),
    }
}

/// A tag.
pub(super) fn parse_tag(text: &str) -> Result<Tag, String> {
    Tag::parse(text).map_err(|fault| format!("{fault}, found {text:?}"))
}

/// What log lines show of an address: its host. The rest may be secret, as are a name and password before it.
pub fn shown_host(url: &str) -> &str {
    let rest = url.split_once("//").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    // What is no port may be a password with a slash.
    match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => {
            match port.bytes().all(|b| b.is_ascii_digit()) {
                true => host,
                false => name,
            }
        }
        _ => host,
    }
}

/// Whether nobody between can read or replace what is sent to and from an address. Plain HTTP is allowed only
/// to the machine itself.
pub fn is_trustworthy(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let plain = |host: &str| !host.is_empty() && !host.contains([' ', '@', '\\']);
    if let Some(rest) = url.strip_prefix("https://") {
        return plain(&host(rest));
    }
    let Some(host) = url.strip_prefix("http://").map(host) else { return false };
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    plain(&host) && ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}
