//! A token in compact form (RFC 7515 §7.1), and the validation of everything but its signature.

use super::claims::selected;
use super::json::object;
use crate::config::{Algorithm, Jwt};
use crate::http::from_base64url;
use crate::limits;
use crate::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A parsed token. Nothing in it can be trusted before its signature is verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Token<'a> {
    /// The algorithm that the header states.
    pub algorithm: Algorithm,
    /// The ID of the key that the header states (RFC 7515 §4.1.4).
    pub key_id: Option<String>,
    /// The signed part of the text.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
    claims: Map<String, Value>,
}

/// Why a token is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// It is not a token, or a part of it is malformed.
    Malformed,
    /// It is not signed, or its algorithm is not configured.
    Algorithm,
    /// It requires an extension that Evergraph does not support (`crit`, RFC 7515 §4.1.11).
    Critical,
    /// It has expired, or has no expiration time.
    Expired,
    /// It is not valid yet.
    NotYet,
    /// It has a different issuer.
    Issuer,
    /// It has a different audience.
    Audience,
}

impl<'a> Token<'a> {
    /// Parses a token.
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
        // RFC 7518 §3.2 and §3.4. The length of an RSA signature depends on the key.
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

    /// Validates the claims. Returns until when the token is valid, provided that its signature is.
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
        // A token from the future was issued by a clock that is wrong, or was forged.
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
        // The cast saturates.
        Ok(Timestamp::from_millis((until * 1000.0) as u64))
    }

    /// The claims at these paths.
    pub fn claims<'p>(&self, paths: impl Iterator<Item = &'p str>) -> BTreeMap<String, Value> {
        selected(&self.claims, paths)
    }

    /// Parses a NumericDate (RFC 7519 §2): seconds since 1970, possibly with a fraction.
    fn time(&self, claim: &str) -> Result<Option<f64>, TokenError> {
        match self.claims.get(claim) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or(TokenError::Malformed),
        }
    }
}

/// Whether `aud` contains the audience, alone or in a list (RFC 7519 §4.1.3).
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
