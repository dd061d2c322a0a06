//! A token in compact form (RFC 7515 §7.1), and what makes it good beside its signature.

use super::claims::selected;
use super::json::object;
use crate::config::{Algorithm, Jwt};
use crate::http::from_base64url;
use crate::limits;
use crate::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A token as it is written. Nothing of it is to be believed before its signature was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Token<'a> {
    /// What its header says that it is signed with.
    pub algorithm: Algorithm,
    /// Which of the issuer's keys it says that it is signed with (RFC 7515 §4.1.4).
    pub key_id: Option<String>,
    /// What is signed.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
    claims: Map<String, Value>,
}

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// It is no token, or a part of it is not what it has to be.
    Malformed,
    /// It is signed by an algorithm that is not configured, or not at all.
    Algorithm,
    /// It says that who does not understand an extension must not accept it (RFC 7515 §4.1.11).
    Critical,
    /// It has expired, or does not say when it does.
    Expired,
    /// It is not valid yet.
    NotYet,
    /// Somebody else issued it.
    Issuer,
    /// It is for somebody else.
    Audience,
}

impl<'a> Token<'a> {
    /// Reads a token.
    pub fn read(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > limits::TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let part = |text: &str| from_base64url(text).and_then(|bytes| object(&bytes));
        let header = part(header).ok_or(TokenError::Malformed)?;
        let claims = part(claims).ok_or(TokenError::Malformed)?;
        let signature = from_base64url(signature).ok_or(TokenError::Malformed)?;
        if header.contains_key("crit") {
            return Err(TokenError::Critical);
        }
        let algorithm = header.get("alg").and_then(Value::as_str).ok_or(TokenError::Malformed)?;
        let algorithm = Algorithm::named(algorithm).ok_or(TokenError::Algorithm)?;
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(TokenError::Malformed),
        };
        // RFC 7518 §3.2 and §3.4. An RSA signature is as long as its key.
        let fits = match algorithm {
            Algorithm::Hs256 => signature.len() == 32,
            Algorithm::Es256 => signature.len() == 64,
            Algorithm::Rs256 => !signature.is_empty(),
        };
        if !fits {
            return Err(TokenError::Malformed);
        }
        Ok(Self { algorithm, key_id, signed, signature, claims })
    }

    /// Until when the token is good, if it is good now and its signature is.
    pub fn check(&self, jwt: &Jwt, now: Timestamp) -> Result<Timestamp, TokenError> {
        if !jwt.algorithms.contains(&self.algorithm) {
            return Err(TokenError::Algorithm);
        }
        let leeway = jwt.leeway as f64;
        let until = self.time("exp")?.ok_or(TokenError::Expired)? + leeway;
        let now = now.as_millis() as f64 / 1000.0;
        if now >= until {
            return Err(TokenError::Expired);
        }
        // A token of the future is one of a clock that is wrong, or of somebody who makes them up.
        for since in ["nbf", "iat"] {
            if self.time(since)?.is_some_and(|since| since - leeway > now) {
                return Err(TokenError::NotYet);
            }
        }
        let said = |claim: &str| self.claims.get(claim);
        if let Some(issuer) = &jwt.issuer
            && said("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(TokenError::Issuer);
        }
        if let Some(audience) = &jwt.audience
            && !said("aud").is_some_and(|said| names(said, audience))
        {
            return Err(TokenError::Audience);
        }
        // The cast stops at the largest number.
        Ok(Timestamp::from_millis((until * 1000.0) as u64))
    }

    /// The claims of those paths that the token has.
    pub fn claims<'p>(&self, paths: impl Iterator<Item = &'p str>) -> BTreeMap<String, Value> {
        selected(&self.claims, paths)
    }

    /// A NumericDate (RFC 7519 §2): seconds since 1970, with or without a fraction.
    fn time(&self, claim: &str) -> Result<Option<f64>, TokenError> {
        match self.claims.get(claim) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or(TokenError::Malformed),
        }
    }
}

/// Whether `aud` names somebody, alone or among others (RFC 7519 §4.1.3).
fn names(said: &Value, audience: &str) -> bool {
    match said {
        Value::String(one) => one == audience,
        Value::Array(several) => {
            several.iter().all(Value::is_string) && several.iter().any(|one| one == audience)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
