//! Who may use admin routes: requests with `Authorization: Bearer <token>` (RFC 6750 §2.1), where the token
//! is one of `ADMIN_TOKENS`. Some routes accept a further form, for clients of other caches.
//!
//! In scope: what an entry of `ADMIN_TOKENS` means, and comparing a request's token with them. Not in
//! scope: which route accepts which form (`route.rs`), Cloudflare Access, and limits for failed attempts
//! (`service/admin`).

use crate::config::Role;
use crate::http::Headers;
use crate::key::DigestBuilder;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The longest name of a token, in characters.
const NAME_CHARS: usize = 32;

/// Whether a request may use admin routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Nothing is configured that opens them: there are no admin routes.
    Closed,
    /// The credentials are missing or wrong.
    Denied,
    /// The credentials are right, and belong to this administrator.
    Granted(Administrator),
}

/// An administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The name in log lines and in the audit: that of the token, or an e-mail address.
    pub name: String,
    /// What the administrator may do.
    pub role: Role,
    /// What proved it.
    pub credential: Credential,
}

/// What proved who an administrator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// One of `ADMIN_TOKENS`. Browsers do not send it by themselves.
    Token,
    /// A token of Cloudflare Access. Browsers send it by themselves, as a cookie.
    CloudflareAccess,
}

/// How a request may send an admin token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenForm {
    /// `Authorization: Bearer <token>`, and in no other way.
    Bearer,
    /// That, or `Authorization: <token>`, as clients of Apollo Router send it.
    WithoutScheme,
    /// That of [`TokenForm::Bearer`], or `Fastly-Key: <token>` without any `Authorization`.
    FastlyKey,
}

impl TokenForm {
    /// The token of a request, if it has one in this form. It may be wrong.
    fn token(self, headers: &Headers) -> Option<&str> {
        let Some(authorization) = headers.get("authorization") else {
            let key = headers.get("fastly-key").filter(|_| self == Self::FastlyKey);
            return key.map(str::trim);
        };
        match authorization.trim().split_once(' ') {
            Some((scheme, token)) => scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()),
            None => Some(authorization.trim()).filter(|_| self == Self::WithoutScheme),
        }
    }
}

/// An entry of `ADMIN_TOKENS`: `token`, or `name:role:token`.
///
/// ```
/// use evergraph::admin::{Role, admin_tokens};
///
/// let tokens: Vec<_> = admin_tokens(Some("0f3c…, ci:purge:91be…")).collect();
/// let ci = tokens[1].as_ref().unwrap();
/// assert_eq!((ci.name.as_str(), ci.role, ci.secret), ("ci", Role::Purge, "91be…"));
/// assert_eq!(tokens[0].as_ref().unwrap().name, "token-1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminToken<'a> {
    /// Its name. `token-1` by its position, if the entry has none.
    pub name: String,
    /// Its role. `admin`, if the entry has none.
    pub role: Role,
    /// What a request has to send.
    pub secret: &'a str,
}

/// An entry of `ADMIN_TOKENS` that opens nothing, by its position from 1. Its text is not repeated, since it
/// may contain a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusableEntry(pub usize);

/// The entries of `ADMIN_TOKENS`, which are separated by commas.
///
/// A token in a header has no colon (`b64token`, RFC 6750 §2.1). So an entry with one always has the long
/// form. If its name or role is not valid, it opens nothing: neither a part of it nor the whole text may
/// become a token of another role than was meant.
pub fn admin_tokens(
    configured: Option<&str>,
) -> impl Iterator<Item = Result<AdminToken<'_>, UnusableEntry>> {
    let entries = configured.unwrap_or_default().split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty()).enumerate().map(|(index, entry)| {
        let position = index + 1;
        if !entry.contains(':') {
            let name = format!("token-{position}");
            return Ok(AdminToken { name, role: Role::Admin, secret: entry });
        }
        long_form(entry).ok_or(UnusableEntry(position))
    })
}

fn long_form(entry: &str) -> Option<AdminToken<'_>> {
    let (name, rest) = entry.split_once(':')?;
    let (role, secret) = rest.split_once(':')?;
    let is_named = !name.is_empty()
        && name.len() <= NAME_CHARS
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    let is_complete = is_named && !secret.is_empty() && !secret.contains(':');
    let role = Role::parse(role).filter(|_| is_complete)?;
    Some(AdminToken { name: name.to_owned(), role, secret })
}

/// Compares a request's token with the configured ones. The digests are compared, all of them and in
/// constant time, so that the time it takes reveals neither bytes nor lengths of tokens. A token that is
/// configured twice has the lower role.
pub fn access(configured: Option<&str>, headers: &Headers, form: TokenForm) -> Access {
    let entries: Vec<_> = admin_tokens(configured).collect();
    if entries.is_empty() {
        return Access::Closed;
    }
    let Some(given) = form.token(headers) else { return Access::Denied };
    let digest = |token: &str| DigestBuilder::new("token").part(token.as_bytes()).finish();
    let given = digest(given);
    let tokens: Vec<_> = entries.into_iter().flatten().collect();
    // The best match so far: its role's rank and its index. No branch depends on a comparison.
    let (mut rank, mut found) = (u32::MAX, u32::MAX);
    for (index, token) in (0..).zip(&tokens) {
        let is_given = digest(token.secret).as_bytes().ct_eq(given.as_bytes());
        let is_lower = Choice::from(u8::from((token.role as u32) < rank));
        rank.conditional_assign(&(token.role as u32), is_given & is_lower);
        found.conditional_assign(&index, is_given & is_lower);
    }
    match tokens.into_iter().nth(found as usize) {
        Some(AdminToken { name, role, .. }) => {
            Access::Granted(Administrator { name, role, credential: Credential::Token })
        }
        None => Access::Denied,
    }
}

/// Whether a request sends an admin token in this form, right or wrong.
pub fn has_token(headers: &Headers, form: TokenForm) -> bool {
    form.token(headers).is_some()
}

#[cfg(test)]
mod tests;
