//! Request headers that are meant for Evergraph itself.

use super::purge_cookie::take_purge_cookies;
use super::purge_token::MOST_TOKENS;
use crate::admin::{Access, TokenForm, access, has_token, is_purge_method};
use crate::http::{Headers, Request};
use crate::key::DigestBuilder;

/// The admin token of a request that is not for the admin routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenCheck {
    /// There is none, or nothing that a request could be granted by one.
    Absent,
    /// It is not an admin token.
    Wrong,
    /// It is an admin token, of any role.
    Right,
}

/// Checks the token of a request with `Evergraph-Debug: 1`, which asks for the entry's key and tags. The
/// token is sent as `Authorization: Bearer`; in any other form it is the client's own.
pub fn check_debug_token(
    request: &Request,
    admin_tokens: impl FnOnce() -> Option<String>,
) -> TokenCheck {
    match request.headers.get("evergraph-debug") {
        Some("1") => check_token(&request.headers, TokenForm::Bearer, admin_tokens),
        _ => TokenCheck::Absent,
    }
}

/// Checks the token of a request that purges by its method.
pub fn check_purge_token(
    request: &Request,
    admin_tokens: impl FnOnce() -> Option<String>,
) -> TokenCheck {
    match is_purge_method(&request.method) {
        true => check_token(&request.headers, TokenForm::FastlyKey, admin_tokens),
        false => TokenCheck::Absent,
    }
}

fn check_token(
    headers: &Headers,
    form: TokenForm,
    admin_tokens: impl FnOnce() -> Option<String>,
) -> TokenCheck {
    if !has_token(headers, form) {
        return TokenCheck::Absent;
    }
    match access(admin_tokens().as_deref(), headers, form) {
        Access::Granted(_) => TokenCheck::Right,
        Access::Denied => TokenCheck::Wrong,
        Access::Closed => TokenCheck::Absent,
    }
}

/// Puts a stand-in in the place of a request's admin token: text of the same length that opens nothing. The
/// same token has the same stand-in, and who does not know the salt cannot tell it in advance.
pub fn replace_token(headers: &mut Headers, salt: u64, admin_tokens: &str) {
    // In this order, as where a token is looked for.
    let names = ["authorization", "fastly-key"];
    let Some(name) = names.into_iter().find(|name| headers.contains(name)) else { return };
    let value = headers.get(name).unwrap_or_default().trim();
    // Only `Authorization` has a scheme.
    let scheme = value.find(' ').filter(|_| name == "authorization");
    let (scheme, token) = value.split_at(scheme.map_or(0, |space| space + 1));
    let salted = DigestBuilder::new("stand-in").part(&salt.to_le_bytes());
    let digest = salted.part(admin_tokens.as_bytes()).part(token.as_bytes()).finish().to_hex();
    let stand_in = digest.chars().cycle().take(token.len());
    let value: String = scheme.chars().chain(stand_in).collect();
    headers.set(name, value);
}

/// Removes from a request what is meant for Evergraph alone. Returns the tokens of the client's own
/// writes, from `Evergraph-Purge` and from cookies. `Evergraph-Purge` itself is removed later, by
/// `forwarded_headers`. The admin token of a debug request is removed as well: it is not meant for the
/// origin and does not identify the client.
pub fn take_evergraph_headers(
    request: &mut Request,
    service: &str,
    debug: TokenCheck,
) -> Vec<String> {
    if debug == TokenCheck::Right {
        request.headers.remove("authorization");
    }
    request.headers.remove("evergraph-debug");
    let sent = request.headers.get_all("evergraph-purge").flat_map(|tokens| tokens.split(','));
    // One token more than are used is enough to show that there are too many.
    let sent = sent.take(MOST_TOKENS + 1).map(|token| token.trim().to_owned());
    let mut purge_tokens: Vec<String> = sent.collect();
    purge_tokens.extend(take_purge_cookies(service, &mut request.headers));
    purge_tokens
}
