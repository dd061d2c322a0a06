//! Administrators who are signed in by Cloudflare Access.
//!
//! In scope: who a verified token of Access stands for. Not in scope: verifying it (`token_verifier.rs`).

use crate::admin::{Administrator, Credential};
use crate::config::{CloudflareAccess, Role};
use crate::engine::{SentToken, sent_token};
use crate::http::Headers;
use crate::service::runtime::Runtime;
use crate::service::token_verifier::TokenVerifier;

/// The longest name, in characters.
const NAME_CHARS: usize = 100;
/// The claim of people.
const EMAIL: &str = "email";
/// The claim of service tokens.
const COMMON_NAME: &str = "common_name";

/// Verifies the tokens of Cloudflare Access.
pub struct AccessTokens {
    verifier: TokenVerifier,
    role: Role,
    admins: Vec<String>,
}

impl AccessTokens {
    /// Nothing is verified yet.
    pub fn new(access: &CloudflareAccess) -> Self {
        let CloudflareAccess { jwt, role, admins } = access.clone();
        let verifier = TokenVerifier::new(jwt, [EMAIL, COMMON_NAME].into_iter());
        Self { verifier, role, admins }
    }

    /// Who a request's token stands for, if it is valid.
    pub async fn administrator<R: Runtime>(
        &self,
        runtime: &R,
        headers: &Headers,
    ) -> Option<Administrator> {
        let SentToken::Token(text) = sent_token(&self.verifier.jwt().place, headers) else {
            return None;
        };
        let claims = self.verifier.claims(runtime, text).await?;
        let claim = |name: &str| claims.get(name)?.as_str().filter(|text| !text.is_empty());
        let email = claim(EMAIL);
        let is_admin = email.is_some_and(|email| self.admins.contains(&email.to_ascii_lowercase()));
        let name = email.or_else(|| claim(COMMON_NAME)).unwrap_or("access");
        Some(Administrator {
            name: printable(name),
            role: if is_admin { Role::Admin } else { self.role },
            credential: Credential::CloudflareAccess,
        })
    }
}

/// The text in at most so many characters, all of which can be printed.
fn printable(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { '?' } else { letter };
    text.chars().take(NAME_CHARS).map(shown).collect()
}
