//! What a request's JSON Web Token proves.
//!
//! A token that cannot be verified proves nothing: its request is passed through to the origin.
//!
//! In scope: when a token is verified, and what an isolate remembers of tokens and keys. Not in scope:
//! what makes a token valid (`jwt`), and where a request has it (`engine`).

use crate::config::{Algorithm, Config, Jwt};
use crate::engine::{Bypass, Plan, SentToken, claim_paths, has_unreadable_key_header, sent_token};
use crate::jwt::{Claims, KeyCache, KeyLookup, KeySet, Token};
use crate::key::{Digest, DigestBuilder};
use crate::limits;
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{FetchedText, Runtime};
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

/// What an isolate knows of tokens: the hashes of valid ones, and the issuer's keys.
pub struct Tokens {
    config: Rc<Config>,
    /// By the hash of the token.
    valid: RefCell<LruCache<Digest, ValidToken>>,
    published: RefCell<KeyCache>,
    has_reported_secret: Cell<bool>,
}

/// The claims of a valid token by which scopes go.
struct ValidToken {
    claims: Rc<BTreeMap<String, Value>>,
    /// When it has to be verified again.
    until: Timestamp,
}

impl Tokens {
    /// Nothing is known yet.
    pub fn new(config: Rc<Config>) -> Self {
        Self {
            config,
            valid: RefCell::new(LruCache::unbounded()),
            published: RefCell::default(),
            has_reported_secret: Cell::default(),
        }
    }

    /// Plans a read. The token is verified only if the plan depends on its claims.
    pub async fn plan_with_claims<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: impl Fn(&Claims) -> Result<Plan, Bypass>,
    ) -> Result<Plan, Bypass> {
        if has_unreadable_key_header(&self.config, &context.request.headers) {
            return Err(Bypass::HeaderBytes);
        }
        match plan(&Claims::NotChecked) {
            Err(Bypass::JwtUnverified) => plan(&self.claims(context).await),
            planned => planned,
        }
    }

    /// The verified claims of a request's token.
    async fn claims<R: Runtime>(&self, context: &Context<R>) -> Claims {
        let Some(jwt) = &self.config.jwt else { return Claims::NoToken };
        let text = match sent_token(&jwt.place, &context.request.headers) {
            SentToken::Nothing => return Claims::NoToken,
            SentToken::Several => return Claims::Unverified,
            SentToken::Token(text) => text,
        };
        let hash = DigestBuilder::new("jwt").part(text.as_bytes()).finish();
        if let Some(claims) = self.recall(&hash, context.runtime.now()) {
            return claims;
        }
        match self.verify(&context.runtime, jwt, text).await {
            Some(valid) => {
                let claims = Claims::Verified(valid.claims.clone());
                self.remember(hash, valid);
                claims
            }
            None => Claims::Unverified,
        }
    }

    fn recall(&self, hash: &Digest, now: Timestamp) -> Option<Claims> {
        let mut valid = self.valid.borrow_mut();
        let token = valid.get(hash)?;
        if now < token.until {
            return Some(Claims::Verified(token.claims.clone()));
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

    async fn verify<R: Runtime>(&self, runtime: &R, jwt: &Jwt, text: &str) -> Option<ValidToken> {
        let token = Token::read(text).ok()?;
        let expires = token.check(jwt, runtime.now()).ok()?;
        let (key, key_until) = match token.algorithm {
            Algorithm::Hs256 => (self.secret(runtime)?, expires),
            Algorithm::Rs256 | Algorithm::Es256 => self.published_key(runtime, jwt, &token).await?,
        };
        let verifying = runtime.verify(token.algorithm, &key, token.signed, &token.signature);
        match verifying.await {
            Ok(true) => {
                let claims = Rc::new(token.claims(claim_paths(&self.config)));
                Some(ValidToken { claims, until: expires.min(key_until) })
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
        jwt: &Jwt,
        token: &Token<'_>,
    ) -> Option<(String, Timestamp)> {
        let url = jwt.jwks.as_deref()?;
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

#[cfg(test)]
mod tests;
