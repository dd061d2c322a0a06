//! The token in `Evergraph-Purge`: the record of the purge log that holds the purge of a client's
//! write.
//!
//! In scope: the token's text, its signature, and what several tokens say together. Not in scope:
//! how they are read from a request ([`super::purge_cookie`], [`super::evergraph_headers`]), and
//! what follows from them (`service`).
//!
//! ```text
//! token    = base64url(1 epoch:u64 seq:u64 mac)       (big-endian; 44 letters)
//! unsigned = base64url(0 epoch:u64 seq:u64)           (without a secret)
//! mac      = the first 16 bytes of HMAC-SHA-256(key, 1 epoch seq)
//! key      = HMAC-SHA-256(secret, digest of the domain and the log's ID)
//! ```

use crate::admin::{Role, admin_tokens};
use crate::http::{from_base64url, to_base64url};
use crate::key::{DigestBuilder, hmac_sha256};
use crate::purge::Mark;
use subtle::ConstantTimeEq;

const SIGNED: u8 = 1;
const UNSIGNED: u8 = 0;
const MAC_BYTES: usize = 16;
/// The length of a signed token.
const LETTERS: usize = 44;

/// A shorter secret is not used for signing, since it could be guessed offline from a signature.
const LEAST_SECRET_BYTES: usize = 16;

/// The number of tokens in one request that are verified.
pub(super) const MOST_TOKENS: usize = 4;

/// The keys of a service's tokens. The first key signs, and all keys verify, so that secrets can be
/// rotated.
#[derive(Debug, Default)]
pub struct PurgeKeys(Vec<Key>);

struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key")
    }
}

impl PurgeKeys {
    /// Derives the keys from `ADMIN_TOKENS` and the ID of the purge log. Because of the ID, tokens
    /// of another deployment with the same secret do not verify. Whoever knows a secret can make the log
    /// begin a new epoch, which empties the cache; so those of the role `read` sign nothing.
    pub fn new(configured: Option<&str>, log_id: &str) -> Self {
        let use_of_key = DigestBuilder::new("purge-token").part(log_id.as_bytes()).finish();
        let tokens = admin_tokens(configured).flatten().filter(|token| token.role >= Role::Purge);
        let secrets = tokens.map(|token| token.secret).filter(|s| s.len() >= LEAST_SECRET_BYTES);
        let keys = secrets.map(|secret| hmac_sha256(secret.as_bytes(), use_of_key.as_bytes()));
        Self(keys.map(Key).collect())
    }

    /// The token for a write whose purge is this record.
    pub fn sign(&self, record: Mark) -> String {
        match self.0.first() {
            Some(key) => {
                let payload = payload(SIGNED, record);
                to_base64url(&[payload.as_slice(), &mac(key, &payload)].concat())
            }
            None => to_base64url(&payload(UNSIGNED, record)),
        }
    }

    /// The record that a token names, if its signature is valid.
    pub fn verify(&self, token: &str) -> Option<Mark> {
        let bytes = from_base64url(Some(token).filter(|token| token.len() == LETTERS)?)?;
        let (payload, signature) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        let (version, numbers) = payload.split_first()?;
        let (epoch, seq) = numbers.split_first_chunk::<8>()?;
        let seq: &[u8; 8] = seq.try_into().ok()?;
        let mut genuine = subtle::Choice::from(0);
        for key in &self.0 {
            genuine |= mac(key, payload).as_slice().ct_eq(signature);
        }
        let record = Mark { epoch: u64::from_be_bytes(*epoch), seq: u64::from_be_bytes(*seq) };
        (*version == SIGNED && bool::from(genuine)).then_some(record)
    }
}

/// What the tokens of a request say about the client's own writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnWriteToken {
    /// The record of the write's purge; of several, the latest.
    Verified(Mark),
    /// It is not known which write: the token has no signature or a wrong one, is the plain number
    /// of earlier versions, or the tokens belong to different logs.
    Unverified,
}

impl OwnWriteToken {
    /// What the tokens of a request say together. `None` if there are none.
    pub fn of_tokens(tokens: &[String], keys: &PurgeKeys) -> Option<Self> {
        let (first, others) = tokens.split_first()?;
        if tokens.len() > MOST_TOKENS {
            return Some(Self::Unverified);
        }
        let mut last = keys.verify(first);
        for token in others.iter().filter(|token| *token != first) {
            let both = last.zip(keys.verify(token));
            last = both.filter(|(a, b)| a.epoch == b.epoch).map(|(a, b)| a.max(b));
        }
        Some(last.map_or(Self::Unverified, Self::Verified))
    }
}

fn payload(version: u8, record: Mark) -> Vec<u8> {
    [[version].as_slice(), &record.epoch.to_be_bytes(), &record.seq.to_be_bytes()].concat()
}

fn mac(key: &Key, payload: &[u8]) -> Vec<u8> {
    hmac_sha256(&key.0, payload).into_iter().take(MAC_BYTES).collect()
}

#[cfg(test)]
mod tests;
