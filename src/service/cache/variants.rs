//! Variants: the responses of one key that differ by the request fields in `Vary` (RFC 9111 §4.1).
//!
//! The first variant is stored under the key itself, and tells by its `Vary` where others are: under
//! the key with a digest of those fields, as in `shop/rest/product/….1f0c9a7be2d35548`.

use crate::http::Request;
use crate::policy::variant;
use crate::service::tiers::CachedEntry;

/// The key of the variant that a request selects. `None` if a field in `names` has bytes that are not
/// text, so that variants cannot be told apart.
pub fn variant_key(key: &str, names: &[String], request: &Request) -> Option<String> {
    let variant = variant(names, &request.headers)?;
    Some(format!("{key}.{}", variant.to_short_hex()))
}

/// `true` if the entry is the variant that a request selects.
pub fn is_selected(cached: &CachedEntry, request: &Request) -> bool {
    let meta = &cached.entry.meta;
    variant(&meta.vary, &request.headers).is_some_and(|selected| selected.to_hex() == meta.variant)
}
