//! The keys that an issuer publishes (JWK Set, RFC 7517 §5).

use crate::config::Algorithm;
use crate::http::from_base64url;
use crate::limits;
use serde_json::{Map, Value, json};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its ID (`kid`), if it has one.
    pub id: Option<String>,
    /// The algorithm that it may be used with.
    pub algorithm: Algorithm,
    /// Its public part as a JWK, without any other published member.
    pub text: String,
}

/// The usable keys of an issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Parses a JWK Set. Keys of an unknown kind or for another use are left out, as §5 demands.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let set: Value = serde_json::from_slice(text.as_bytes()).map_err(|_| "not JSON")?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("no list \"keys\"")?;
        if keys.len() > limits::KEYS {
            return Err("too many keys");
        }
        Ok(Self(keys.iter().filter_map(|key| read(key.as_object()?)).collect()))
    }

    /// Finds the key of a token: the one that the token names, or if the token or the key has no
    /// ID, the only key for the algorithm. `None` if several could be meant.
    pub fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&Key> {
        let fitting = || self.0.iter().filter(move |key| key.algorithm == algorithm);
        let named = |key: &&Key| key.id.as_deref() == id;
        match id {
            Some(_) if fitting().any(|key| named(&key)) => only(fitting().filter(named)),
            Some(_) => only(fitting()).filter(|key| key.id.is_none()),
            None => only(fitting()),
        }
    }
}

/// The only distinct key, even if it is repeated.
fn only<'a>(mut keys: impl Iterator<Item = &'a Key>) -> Option<&'a Key> {
    let first = keys.next()?;
    keys.all(|key| key == first).then_some(first)
}

fn read(key: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let (algorithm, public) = match text("kty")? {
        // RFC 7518 §6.3.1; §3.3 requires 2,048 bits.
        "RSA" => {
            let (n, e) = (text("n")?, text("e")?);
            let bits = bits(&from_base64url(n)?);
            (bits >= 2_048 && from_base64url(e).is_some())
                .then(|| (Algorithm::Rs256, json!({ "kty": "RSA", "n": n, "e": e })))?
        }
        // RFC 7518 §6.2.1: the coordinates include leading zeros.
        "EC" => {
            let (x, y) = (text("x")?, text("y")?);
            let fits = text("crv")? == "P-256" && [x, y].iter().all(|at| has_bytes(at, 32));
            let public = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
            fits.then_some((Algorithm::Es256, public))?
        }
        _ => return None,
    };
    let says = |name: &str, wanted: &str| key.get(name).is_none_or(|said| said == wanted);
    let may_verify = key.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"))
    });
    if !says("use", "sig") || !says("alg", algorithm.as_str()) || !may_verify {
        return None;
    }
    let id = match key.get("kid") {
        None => None,
        Some(id) => Some(id.as_str()?.to_owned()),
    };
    Some(Key { id, algorithm, text: public.to_string() })
}

fn bits(bytes: &[u8]) -> usize {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros).map_or(0, |first| (bytes.len() - zeros) * 8 - first.leading_zeros() as usize)
}

fn has_bytes(text: &str, count: usize) -> bool {
    from_base64url(text).is_some_and(|bytes| bytes.len() == count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::to_base64url;

    fn rsa(more: Value) -> Value {
        let key = json!({ "kty": "RSA", "n": to_base64url(&[0xc5; 256]), "e": "AQAB" });
        merged(key, more)
    }

    fn ec(more: Value) -> Value {
        let key = json!({ "kty": "EC", "crv": "P-256", "x": to_base64url(&[1; 32]), "y": to_base64url(&[2; 32]) });
        merged(key, more)
    }

    fn merged(mut key: Value, more: Value) -> Value {
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn set(keys: &[Value]) -> KeySet {
        KeySet::parse(&json!({ "keys": keys }).to_string()).unwrap()
    }

    #[test]
    fn a_key_is_read_without_what_is_not_public() {
        let keys = set(&[rsa(json!({ "kid": "a", "d": "secret", "x5c": ["x"] }))]);
        let key = keys.find(Algorithm::Rs256, Some("a")).unwrap();
        assert!(key.text.contains("\"kty\":\"RSA\"") && !key.text.contains("secret"));
        assert!(
            set(&[ec(json!({ "use": "sig", "alg": "ES256", "key_ops": ["verify"] }))])
                .find(Algorithm::Es256, None)
                .is_some()
        );
    }

    #[test]
    fn what_is_for_something_else_is_left_out() {
        let none = KeySet::default();
        for key in [
            rsa(json!({ "use": "enc" })),
            rsa(json!({ "use": 1 })),
            rsa(json!({ "alg": "RS512" })),
            rsa(json!({ "alg": "HS256" })),
            rsa(json!({ "alg": "ES256" })),
            rsa(json!({ "key_ops": ["sign"] })),
            rsa(json!({ "kid": 7 })),
            rsa(json!({ "n": to_base64url(&[0xc5; 255]) })),
            rsa(json!({ "n": to_base64url(&[[0].as_slice(), &[0x7f; 256]].concat()) })),
            rsa(json!({ "n": "=" })),
            rsa(json!({ "e": null })),
            ec(json!({ "crv": "P-384" })),
            ec(json!({ "alg": "RS256" })),
            ec(json!({ "x": to_base64url(&[1; 31]) })),
            json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }),
            json!({}),
            json!("RSA"),
        ] {
            assert_eq!(set(std::slice::from_ref(&key)), none, "{key}");
        }
    }

    #[test]
    fn a_token_has_the_key_that_it_names_or_the_only_one() {
        let other = json!({ "kid": "b", "e": "Aw" });
        let keys = set(&[rsa(json!({ "kid": "a" })), rsa(other), ec(json!({}))]);
        let id = |algorithm, id| keys.find(algorithm, id).map(|key| key.id.as_deref());
        assert_eq!(id(Algorithm::Rs256, Some("a")), Some(Some("a")));
        assert_eq!(id(Algorithm::Rs256, Some("c")), None);
        assert_eq!(id(Algorithm::Rs256, None), None);
        assert_eq!(id(Algorithm::Es256, None), Some(None));
        assert_eq!(id(Algorithm::Es256, Some("a")), Some(None), "the only one, without a name");
        assert_eq!(id(Algorithm::Hs256, None), None);

        let single = set(&[rsa(json!({ "kid": "a" }))]);
        assert!(single.find(Algorithm::Rs256, None).is_some());
        assert!(single.find(Algorithm::Rs256, Some("b")).is_none());
        let nameless = set(&[rsa(json!({})), rsa(json!({ "e": "Aw" }))]);
        assert!(nameless.find(Algorithm::Rs256, Some("a")).is_none());
        let twice = set(&[rsa(json!({ "kid": "a" })), rsa(json!({ "kid": "a", "e": "Aw" }))]);
        assert!(twice.find(Algorithm::Rs256, Some("a")).is_none());
        let repeated = set(&[rsa(json!({ "kid": "a" })), rsa(json!({ "kid": "a" }))]);
        assert!(repeated.find(Algorithm::Rs256, Some("a")).is_some());
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for bad in ["", "{}", "[]", "{\"keys\":{}}", "<html>", "{\"keys\":[]"] {
            assert!(KeySet::parse(bad).is_err(), "{bad}");
        }
        let many = vec![json!({}); limits::KEYS + 1];
        assert!(KeySet::parse(&json!({ "keys": many }).to_string()).is_err());
    }
}
