//! What a request's token proves. A token that cannot be verified proves nothing, and its request
//! is passed through.
//!
//! In scope: the order of things, what an isolate remembers of tokens and keys. Not in scope: what
//! makes a token good (`jwt`) and where it is (`engine`).

use super::context::Context;
use super::handle::Service;
use super::runtime::{FetchedText, Runtime};
use crate::config::{Algorithm, Config, Jwt};
use crate::engine::{Bypass, Plan, SentToken, claim_paths, has_unreadable_key_header, sent_token};
use crate::jwt::{Claims, KeySet, Published, Step, Token};
use crate::key::{Digest, DigestBuilder};
use crate::limits;
use crate::time::Timestamp;
use lru::LruCache;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How often a request looks whether another one has got the keys.
const POLL_MILLIS: u64 = 20;

/// The least bytes of a secret (RFC 7518 §3.2). Who has a token can guess a shorter one.
const SECRET_BYTES: usize = 32;

/// What an isolate knows of tokens: hashes of those that were good, and the issuer's keys.
pub(super) struct Tokens {
    good: RefCell<LruCache<Digest, Good>>,
    published: RefCell<Published>,
    secret_reported: Cell<bool>,
}

/// The claims of a token that was good, which a scope goes by.
struct Good {
    claims: Rc<BTreeMap<String, Value>>,
    until: Timestamp,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            good: RefCell::new(LruCache::unbounded()),
            published: RefCell::default(),
            secret_reported: Cell::default(),
        }
    }
}

impl Tokens {
    fn recall(&self, token: &Digest, now: Timestamp) -> Option<Claims> {
        let mut good = self.good.borrow_mut();
        let known = good.get(token)?;
        if now < known.until {
            return Some(Claims::Verified(known.claims.clone()));
        }
        good.pop(token);
        None
    }

    fn remember(&self, token: Digest, good: Good) {
        let mut known = self.good.borrow_mut();
        known.put(token, good);
        while known.len() > limits::GOOD_TOKENS {
            known.pop_lru();
        }
    }
}

impl<W: Runtime> Service<W> {
    /// Plans a read. Only a plan that depends on claims has the request's token verified.
    pub(super) async fn planned(
        &self,
        config: &Config,
        context: &Context<W>,
        plan: impl Fn(&Claims) -> Result<Plan, Bypass>,
    ) -> Result<Plan, Bypass> {
        if has_unreadable_key_header(config, &context.request.headers) {
            return Err(Bypass::HeaderBytes);
        }
        match plan(&Claims::NotAsked) {
            Err(Bypass::JwtUnverified) => plan(&self.claims(config, context).await),
            planned => planned,
        }
    }

    async fn claims(&self, config: &Config, context: &Context<W>) -> Claims {
        let Some(jwt) = &config.jwt else { return Claims::NoToken };
        let text = match sent_token(&jwt.place, &context.request.headers) {
            SentToken::Nothing => return Claims::NoToken,
            SentToken::Several => return Claims::Unverified,
            SentToken::Token(text) => text,
        };
        let name = DigestBuilder::new("jwt").part(text.as_bytes()).finish();
        if let Some(claims) = self.isolate.tokens.recall(&name, self.runtime.now()) {
            return claims;
        }
        match self.verified(config, jwt, text).await {
            Some(good) => {
                let claims = Claims::Verified(good.claims.clone());
                self.isolate.tokens.remember(name, good);
                claims
            }
            None => Claims::Unverified,
        }
    }

    async fn verified(&self, config: &Config, jwt: &Jwt, text: &str) -> Option<Good> {
        let token = Token::read(text).ok()?;
        let expires = token.check(jwt, self.runtime.now()).ok()?;
        let (key, known_until) = match token.algorithm {
            Algorithm::Hs256 => (self.secret()?, expires),
            Algorithm::Rs256 | Algorithm::Es256 => self.published_key(jwt, &token).await?,
        };
        let verifying = self.runtime.verify(token.algorithm, &key, token.signed, &token.signature);
        match verifying.await {
            Ok(true) => {
                let claims = Rc::new(token.claims(claim_paths(config)));
                Some(Good { claims, until: expires.min(known_until) })
            }
            Ok(false) => None,
            Err(fault) => {
                self.report_failure("jwt-key", &fault);
                None
            }
        }
    }

    fn secret(&self) -> Option<String> {
        let secret = self.runtime.jwt_secret().filter(|secret| secret.len() >= SECRET_BYTES);
        if secret.is_none() && !self.isolate.tokens.secret_reported.replace(true) {
            let fault = format!("JWT_SECRET is not set, or has fewer than {SECRET_BYTES} bytes");
            self.report_failure("jwt-key", &fault);
        }
        secret
    }

    /// The issuer's key of a token, and until when it needs no second look.
    async fn published_key(&self, jwt: &Jwt, token: &Token<'_>) -> Option<(String, Timestamp)> {
        let url = jwt.jwks.as_deref()?;
        let key = |keys: &KeySet| {
            let found = keys.find(token.algorithm, token.key_id.as_deref());
            found.map(|key| key.text.clone())
        };
        // Who asks for this one may be cut off; then another one asks, and not for ever.
        let patience = 2 * Published::ASKING_MILLIS / POLL_MILLIS;
        for _ in 0..patience {
            let now = self.runtime.now();
            let step = self.isolate.tokens.published.borrow().step(now, |set| key(set).is_some());
            match step {
                Step::Use(keys, until) => return Some((key(&keys)?, until)),
                Step::Fail => return None,
                Step::Wait => self.runtime.sleep(POLL_MILLIS).await,
                Step::Ask => self.ask_for_keys(url).await,
            }
        }
        None
    }

    async fn ask_for_keys(&self, url: &str) {
        let tokens = &self.isolate.tokens;
        let asked_at = self.runtime.now();
        tokens.published.borrow_mut().asking(asked_at);
        let fetching =
            self.runtime.fetch_text(url, limits::KEY_SET_BYTES, Published::ASKING_MILLIS);
        let fetched = fetching.await.and_then(|FetchedText { cache_control, text }| {
            let keys = KeySet::parse(&text).map_err(|fault| format!("the key set: {fault}"))?;
            Ok((cache_control, keys))
        });
        match fetched {
            Ok((cache_control, keys)) => {
                let mut published = tokens.published.borrow_mut();
                if published.answered(asked_at, &cache_control, keys) {
                    // What a key proved that is withdrawn is to be proved again.
                    tokens.good.borrow_mut().clear();
                }
            }
            Err(fault) => {
                tokens.published.borrow_mut().failed(asked_at, self.runtime.now());
                self.report_failure("jwks", &fault);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn token(n: usize) -> Digest {
        DigestBuilder::new("test").part(&n.to_le_bytes()).finish()
    }

    #[test]
    fn a_good_token_is_remembered_until_it_expires() {
        let tokens = Tokens::default();
        let claims = Rc::new([("sub".to_owned(), Value::from("alice"))].into());
        tokens.remember(token(1), Good { claims, until: at(10) });
        let Some(Claims::Verified(claims)) = tokens.recall(&token(1), at(9)) else { panic!() };
        assert_eq!(claims["sub"], "alice");
        assert_eq!(tokens.recall(&token(2), at(9)), None);
        assert_eq!(tokens.recall(&token(1), at(10)), None);
        assert_eq!(tokens.recall(&token(1), at(9)), None, "it was dropped");
    }

    #[test]
    fn the_tokens_used_least_are_forgotten() {
        let tokens = Tokens::default();
        for n in 0..=limits::GOOD_TOKENS {
            tokens.remember(token(n), Good { claims: Rc::default(), until: at(10) });
            assert!(tokens.recall(&token(0), at(0)).is_some());
        }
        assert_eq!(tokens.recall(&token(1), at(0)), None);
        assert_eq!(tokens.good.borrow().len(), limits::GOOD_TOKENS);
    }
}
