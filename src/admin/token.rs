//! Checks `Authorization: Bearer <token>` against `ADMIN_TOKENS` (RFC 6750 §2.1).

use crate::http::Headers;
use crate::key::DigestBuilder;
use subtle::ConstantTimeEq;

/// Whether a request may use the admin routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No token is configured, so there are no admin routes.
    Closed,
    /// The token is missing or wrong.
    Denied,
    /// The token is valid.
    Granted,
}

/// Checks a request's token against the configured tokens, which are separated by commas. Digests
/// are compared in constant time, so that timing reveals neither a token's bytes nor its length.
pub fn access(configured: Option<&str>, headers: &Headers) -> Access {
    let tokens: Vec<&str> = configured_tokens(configured).collect();
    if tokens.is_empty() {
        return Access::Closed;
    }
    let Some(given) = bearer(headers) else { return Access::Denied };
    let digest = |token: &str| DigestBuilder::new("token").part(token.as_bytes()).finish();
    let given = digest(given);
    let mut found = subtle::Choice::from(0);
    for token in tokens {
        found |= digest(token).as_bytes().ct_eq(given.as_bytes());
    }
    if bool::from(found) { Access::Granted } else { Access::Denied }
}

/// The configured tokens.
pub fn configured_tokens(configured: Option<&str>) -> impl Iterator<Item = &str> {
    configured.unwrap_or_default().split(',').map(str::trim).filter(|token| !token.is_empty())
}

fn bearer(headers: &Headers) -> Option<&str> {
    let (scheme, token) = headers.get("authorization")?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(configured: Option<&str>, authorization: &str) -> Access {
        access(configured, &[("authorization", authorization)].into_iter().collect())
    }

    #[test]
    fn only_a_configured_token_opens() {
        let tokens = Some("one, two,");
        assert_eq!(given(tokens, "Bearer one"), Access::Granted);
        assert_eq!(given(tokens, "bearer  two "), Access::Granted);
        for wrong in ["Bearer", "Bearer ", "Bearer three", "Bearer one,", "Basic one", "one", ""] {
            assert_eq!(given(tokens, wrong), Access::Denied, "{wrong:?}");
        }
        assert_eq!(access(tokens, &Headers::new()), Access::Denied);
    }

    #[test]
    fn without_tokens_there_is_nothing_to_open() {
        for none in [None, Some(""), Some(" , ")] {
            assert_eq!(given(none, "Bearer "), Access::Closed);
        }
    }
}
