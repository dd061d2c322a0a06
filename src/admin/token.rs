//! Who may use admin routes: requests with `Authorization: Bearer <token>` (RFC 6750 §2.1), where the token
//! is one of `ADMIN_TOKENS`.

use crate::http::Headers;
use crate::key::DigestBuilder;
use subtle::ConstantTimeEq;

/// Whether a request may use admin routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No token is configured: there are no admin routes.
    Closed,
    /// The token is missing or wrong.
    Denied,
    /// The token is right.
    Granted,
}

/// Compares a request's token with the configured ones, which are separated by commas. The digests are
/// compared, in constant time, so that the time it takes reveals neither bytes nor lengths of tokens.
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

/// The configured tokens, one by one.
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
