//! Verifies JSON Web Tokens, and remembers in an isolate which ones were valid.
//!
//! In scope: signatures, the issuer's keys, and what an isolate remembers of both. Not in scope: what
//! makes a token valid (`jwt`), where a request has it (`engine`), and what follows from its claims
//! (`knowledge/tokens.rs` and `admin/access_tokens.rs`).

use super::report::report_failure;
use super::runtime::{FetchedText, Runtime};
use crate::config::{Algorithm, Jwt};
use crate::jwt::{KeyCache, KeyLookup, KeySet, Token};
use crate::key::{Digest, DigestBuilder};
use crate::limits;
use crate::time::Timestamp;
use lru::LruCache;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How often a request looks whether another one has fetched the issuer's keys.
const POLL_MILLIS: u64 = 20;

/// The shortest secret that is used, in bytes (RFC 7518 §3.2). A shorter one can be guessed by anybody
/// who has a token.
const SECRET_BYTES: usize = 32;

/// The claims of a valid token, by their paths.
pub(super) type VerifiedClaims = Rc<BTreeMap<String, Value>>;

/// Verifies the tokens of one issuer.
pub(super) struct TokenVerifier {
    jwt: Jwt,
    /// The paths of the claims that are of interest.
    claim_paths: Vec<String>,
    /// By the hash of the token.
    valid: RefCell<LruCache<Digest, ValidToken>>,
    published: RefCell<KeyCache>,
    has_reported_secret: Cell<bool>,
}

/// A token that was valid.
struct ValidToken {
    claims: VerifiedClaims,
    /// When it has to be verified again.
    until: Timestamp,
}

impl TokenVerifier {
    /// Nothing is known yet.
    pub fn new<'p>(jwt: Jwt, claim_paths: impl Iterator<Item = &'p str>) -> Self {
        Self {
            jwt,
            claim_paths: claim_paths.map(str::to_owned).collect(),
            valid: RefCell::new(LruCache::unbounded()),
            published: RefCell::default(),
            has_reported_secret: Cell::default(),
        }
    }

    /// How tokens are verified, and where requests have them.
    pub fn jwt(&self) -> &Jwt {
        &self.jwt
    }

    /// The claims of a token. `None` if it cannot be verified.
    pub async fn claims<R: Runtime>(&self, runtime: &R, text: &str) -> Option<VerifiedClaims> {
        let hash = hash_of(text);
        if let Some(claims) = self.recall(&hash, runtime.now()) {
            return Some(claims);
        }
        let valid = self.verify(runtime, text).await?;
        let claims = valid.claims.clone();
        self.remember(hash, valid);
        Some(claims)
    }

    /// The same for a request that is only explained: which tokens are remembered does not change.
    pub async fn claims_to_explain<R: Runtime>(
        &self,
        runtime: &R,
        text: &str,
    ) -> Option<VerifiedClaims> {
        if let Some(claims) = self.peek(&hash_of(text), runtime.now()) {
            return Some(claims);
        }
        Some(self.verify(runtime, text).await?.claims)
    }

    fn peek(&self, hash: &Digest, now: Timestamp) -> Option<VerifiedClaims> {
        let valid = self.valid.borrow();
        let token = valid.peek(hash).filter(|token| now < token.until)?;
        Some(token.claims.clone())
    }

    fn recall(&self, hash: &Digest, now: Timestamp) -> Option<VerifiedClaims> {
        let mut valid = self.valid.borrow_mut();
        let token = valid.get(hash)?;
        if now < token.until {
            return Some(token.claims.clone());
        }
        valid.pop(hash);
        None
    }

    fn remember(&self, hash: Digest, token: ValidToken) {
        let mut valid = self.valid.borrow_mut();
        valid.put(hash, token);
        while valid.len() > limits::VERIFIED_TOKENS {
            valid.pop_lru();
        }
    }

    async fn verify<R: Runtime>(&self, runtime: &R, text: &str) -> Option<ValidToken> {
        let token = Token::read(text).ok()?;
        let expires = token.check(&self.jwt, runtime.now()).ok()?;
        let (key, key_until) = match token.algorithm {
            Algorithm::Hs256 => (self.secret(runtime)?, expires),
            Algorithm::Rs256 | Algorithm::Es256 => self.published_key(runtime, &token).await?,
        };
        let verifying = runtime.verify(token.algorithm, &key, token.signed, &token.signature);
        match verifying.await {
            Ok(true) => {
                let claims = token.claims(self.claim_paths.iter().map(String::as_str));
                Some(ValidToken { claims: Rc::new(claims), until: expires.min(key_until) })
            }
            Ok(false) => None,
            Err(fault) => {
                report_failure(runtime, "jwt-key", &fault);
                None
            }
        }
    }

    fn secret<R: Runtime>(&self, runtime: &R) -> Option<String> {
        let secret = runtime.jwt_secret().filter(|secret| secret.len() >= SECRET_BYTES);
        if secret.is_none() && !self.has_reported_secret.replace(true) {
            let fault = format!("JWT_SECRET is not set, or has fewer than {SECRET_BYTES} bytes");
            report_failure(runtime, "jwt-key", &fault);
        }
        secret
    }

    /// The issuer's key of a token, and until when that is certain.
    async fn published_key<R: Runtime>(
        &self,
        runtime: &R,
        token: &Token<'_>,
    ) -> Option<(String, Timestamp)> {
        let url = self.jwt.jwks.as_deref()?;
        let key = |keys: &KeySet| {
            let found = keys.find(token.algorithm, token.key_id.as_deref());
            found.map(|key| key.text.clone())
        };
        // The request that fetches the keys may be cut off; then another one fetches them. This one
        // does not wait for ever.
        let patience = 2 * KeyCache::FETCH_MILLIS / POLL_MILLIS;
        for _ in 0..patience {
            let lookup = self.published.borrow().lookup(runtime.now(), |keys| key(keys).is_some());
            match lookup {
                KeyLookup::Use(keys, until) => return Some((key(&keys)?, until)),
                KeyLookup::Unavailable => return None,
                KeyLookup::Wait => runtime.sleep(POLL_MILLIS).await,
                KeyLookup::Fetch => self.fetch_keys(runtime, url).await,
            }
        }
        None
    }

    async fn fetch_keys<R: Runtime>(&self, runtime: &R, url: &str) {
        let asked_at = runtime.now();
        self.published.borrow_mut().begin_fetch(asked_at);
        let fetching = runtime.fetch_text(url, limits::KEY_SET_BYTES, KeyCache::FETCH_MILLIS);
        let fetched = fetching.await.and_then(|FetchedText { cache_control, text }| {
            let keys = KeySet::parse(&text).map_err(|fault| format!("the key set: {fault}"))?;
            Ok((cache_control, keys))
        });
        match fetched {
            Ok((cache_control, keys)) => {
                if self.published.borrow_mut().finish_fetch(asked_at, &cache_control, keys) {
                    // A key was withdrawn: what it proved has to be proved again.
                    self.valid.borrow_mut().clear();
                }
            }
            Err(fault) => {
                self.published.borrow_mut().fail_fetch(asked_at, runtime.now());
                report_failure(runtime, "jwks", &fault);
            }
        }
    }
}

fn hash_of(token: &str) -> Digest {
    DigestBuilder::new("jwt").part(token.as_bytes()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn digest(n: usize) -> Digest {
        DigestBuilder::new("test").part(&n.to_le_bytes()).finish()
    }

    fn verifier() -> TokenVerifier {
        let jwt = json!({ "jwt": { "algorithms": ["HS256"] } });
        let jwt = crate::config::parse(&jwt).unwrap().jwt.unwrap();
        TokenVerifier::new(jwt, ["sub"].into_iter())
    }

    #[test]
    fn a_valid_token_is_remembered_until_it_expires() {
        let tokens = verifier();
        let claims = Rc::new([("sub".to_owned(), Value::from("alice"))].into());
        tokens.remember(digest(1), ValidToken { claims, until: at(10) });
        assert_eq!(tokens.recall(&digest(1), at(9)).unwrap()["sub"], "alice");
        assert_eq!(tokens.recall(&digest(2), at(9)), None);
        assert_eq!(tokens.recall(&digest(1), at(10)), None);
        assert_eq!(tokens.recall(&digest(1), at(9)), None, "it was dropped");
    }

    #[test]
    fn the_tokens_used_least_are_forgotten() {
        let tokens = verifier();
        for n in 0..=limits::VERIFIED_TOKENS {
            tokens.remember(digest(n), ValidToken { claims: Rc::default(), until: at(10) });
            assert!(tokens.recall(&digest(0), at(0)).is_some());
        }
        assert_eq!(tokens.recall(&digest(1), at(0)), None);
        assert_eq!(tokens.valid.borrow().len(), limits::VERIFIED_TOKENS);
    }
}
