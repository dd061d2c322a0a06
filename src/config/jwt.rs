//! The section `jwt`: where tokens are, and how they are verified.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::names::is_trustworthy;
use super::section::Section;

/// `jwt`
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    /// Where a request has its token.
    pub place: TokenPlace,
    /// The algorithms that a token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Where the issuer publishes its keys, for the algorithms that have public keys.
    pub jwks: Option<String>,
    /// The required `iss`. `None`: not checked.
    pub issuer: Option<String>,
    /// The required `aud`. `None`: not checked.
    pub audience: Option<String>,
    /// By how many seconds the issuer's clock may differ.
    pub leeway: u64,
}

/// `jwt.header` or `jwt.cookie`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenPlace {
    /// A header, in lower case. Its value may begin with `Bearer`.
    Header(String),
    /// A cookie.
    Cookie(String),
}

/// `jwt.algorithms` (RFC 7518 §3.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256, by a secret.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, by a published key.
    Rs256,
    /// ECDSA on P-256 with SHA-256, by a published key.
    Es256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hs256, Self::Rs256, Self::Es256];

    /// The name of the algorithm in tokens and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of exactly that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Whether its keys are published. A published key must never serve as a secret.
    pub fn has_public_keys(self) -> bool {
        !matches!(self, Self::Hs256)
    }
}

const NAMED: ValueType = ValueType::Text(&forms::NOT_EMPTY);

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "header",
        value: NAMED,
        default: DefaultValue::Text("authorization"),
        doc: "The header that holds the token, with or without `Bearer`.",
    },
    Key {
        name: "cookie",
        value: NAMED,
        default: DefaultValue::None,
        doc: "The cookie that holds the token instead.",
    },
    Key {
        name: "algorithms",
        value: ValueType::NonEmptyList(&ValueType::Choice(&["HS256", "RS256", "ES256"])),
        default: DefaultValue::Required,
        doc: "The algorithms that tokens may be signed with.",
    },
    Key {
        name: "jwks",
        value: ValueType::Text(&forms::JWKS),
        default: DefaultValue::Described("required for RS256 and ES256"),
        doc: "The address of the issuer's keys (a JWK set).",
    },
    Key { name: "issuer", value: NAMED, default: DefaultValue::None, doc: "The required `iss`." },
    Key {
        name: "audience",
        value: NAMED,
        default: DefaultValue::None,
        doc: "The required `aud`, or one of several.",
    },
    Key {
        name: "leeway",
        value: ValueType::Number { unit: "seconds", least: 0, most: 300 },
        default: DefaultValue::Number(5),
        doc: "Seconds by which the issuer's clock may differ.",
    },
];

/// Reads the section, if there is one.
pub(super) fn jwt(root: &Section<'_>) -> Option<Jwt> {
    let value = root.value("jwt")?;
    let section = Section::new("jwt".to_owned(), KEYS, Some(value), root.faults());
    let algorithms = algorithms(&section);
    let jwt = Jwt {
        place: place(&section),
        jwks: jwks(&section, &algorithms),
        algorithms,
        issuer: named(&section, "issuer"),
        audience: named(&section, "audience"),
        leeway: section.number("leeway"),
    };
    section.report_unknown();
    Some(jwt)
}

fn place(section: &Section<'_>) -> TokenPlace {
    let header = section.text_or_default("header");
    require_name(section, "header", header);
    let Some(cookie) = named(section, "cookie") else {
        return TokenPlace::Header(header.to_ascii_lowercase());
    };
    if section.has("header") {
        // Given two tokens, the origin might use the other one.
        let message = "a token is in a header or in a cookie; set only one of these keys";
        section.fault("cookie", message);
    }
    TokenPlace::Cookie(cookie)
}

fn algorithms(section: &Section<'_>) -> Vec<Algorithm> {
    let expected = Algorithm::ALL.map(|one| format!("{:?}", one.as_str())).join(", ");
    let value = section.value("algorithms");
    if value.is_none_or(|value| value.as_array().is_some_and(Vec::is_empty)) {
        let message = format!("a token is signed with one of {expected}; list those that you use");
        section.fault("algorithms", message);
    }
    section.list("algorithms", |text| {
        Algorithm::named(text).ok_or_else(|| format!("expected one of {expected}, found {text:?}"))
    })
}

fn jwks(section: &Section<'_>, algorithms: &[Algorithm]) -> Option<String> {
    let public = algorithms.iter().any(|one| one.has_public_keys());
    let Some(url) = section.text("jwks") else {
        if public && !section.has("jwks") {
            section.fault("jwks", "RS256 and ES256 need the address of the issuer's keys");
        }
        return None;
    };
    // An attacker with other keys could sign any token.
    if !is_trustworthy(url) {
        let message = format!("expected an address that begins with \"https://\", found {url:?}");
        section.fault("jwks", message);
    } else if !public && !algorithms.is_empty() {
        section.fault("jwks", "none of the algorithms has published keys");
    }
    Some(url.to_owned())
}

fn named(section: &Section<'_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    require_name(section, key, text);
    Some(text.to_owned())
}

fn require_name(section: &Section<'_>, key: &str, text: &str) {
    if text.is_empty() {
        section.fault(key, "expected a name, found \"\"");
    }
}

#[cfg(test)]
mod tests;
