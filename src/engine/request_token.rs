//! Finds the JSON Web Token of a request, and the claims that scopes depend on.

use crate::config::{Config, Identity, TokenPlace};
use crate::http::{Headers, cookie_pairs};

/// The token of a request, before it was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentToken<'a> {
    /// The request has no token.
    Nothing,
    /// A text that may be a token.
    Token(&'a str),
    /// There are several, and it is not known which of them the origin uses.
    Several,
}

/// Finds a request's token in the configured header or cookie. In a header, `Bearer` may precede it
/// (RFC 6750 §2.1).
pub fn sent_token<'a>(place: &'a TokenPlace, headers: &'a Headers) -> SentToken<'a> {
    let mut found: Vec<&str> = match place {
        TokenPlace::Header(name) => headers.get_all(name).map(without_scheme).collect(),
        TokenPlace::Cookie(name) => {
            let pairs = cookie_pairs(headers).into_iter();
            pairs.filter(|(sent, _)| sent == name).map(|(_, value)| value).collect()
        }
    };
    match (found.pop(), found.is_empty()) {
        (None, _) => SentToken::Nothing,
        (Some(token), true) => SentToken::Token(token),
        (Some(_), false) => SentToken::Several,
    }
}

/// The paths of all claims that scopes depend on.
pub fn claim_paths(config: &Config) -> impl Iterator<Item = &str> {
    config.scopes.iter().flat_map(|scope| &scope.by).filter_map(|identity| match identity {
        Identity::Claim(path) => Some(path.as_str()),
        Identity::Header(_) | Identity::Cookie(_) => None,
    })
}

fn without_scheme(value: &str) -> &str {
    match value.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_alone_where_it_is_configured() {
        let header = TokenPlace::Header("authorization".into());
        let cookie = TokenPlace::Cookie("token".into());
        for (place, name, value, sent) in [
            (&header, "authorization", "Bearer a.b.c", SentToken::Token("a.b.c")),
            (&header, "authorization", "bEARER   a.b.c ", SentToken::Token("a.b.c")),
            (&header, "authorization", "a.b.c", SentToken::Token("a.b.c")),
            (&header, "authorization", "Basic a.b.c", SentToken::Token("Basic a.b.c")),
            (&header, "authorization", "", SentToken::Token("")),
            (&header, "cookie", "token=a.b.c", SentToken::Nothing),
            (&cookie, "cookie", "x=1; token=a.b.c", SentToken::Token("a.b.c")),
            (&cookie, "cookie", "token=a.b.c; token=a.b.c", SentToken::Several),
            (&cookie, "cookie", "token=", SentToken::Token("")),
            (&cookie, "authorization", "Bearer a.b.c", SentToken::Nothing),
        ] {
            let headers = [(name, value)].into_iter().collect();
            assert_eq!(sent_token(place, &headers), sent, "{name}: {value}");
        }
        let twice = [("authorization", "a"), ("authorization", "b")].into_iter().collect();
        assert_eq!(sent_token(&header, &twice), SentToken::Several);
    }
}
