//! Cookies in requests (RFC 6265 §4.2.1).

use super::headers::Headers;

/// The names and values of a request's cookies, in order.
pub fn cookie_pairs(headers: &Headers) -> Vec<(&str, &str)> {
    headers
        .get_all("cookie")
        .flat_map(|value| value.split(';'))
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(name, value)| !name.is_empty() || !value.is_empty())
        .collect()
}
