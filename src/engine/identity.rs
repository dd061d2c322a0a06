//! Who is asking, as far as the configuration says that it matters.

use super::Bypass;
use crate::config::{Config, Identity, Scope, TokenPlace};
use crate::http::Headers;
use crate::jwt::Claims;
use crate::key::{Digest, DigestBuilder};
use crate::tag::{Tag, TagSet};
use serde_json::Value;

/// Who shares an entry, as a key and its tags say it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sharers {
    /// The scope segment of the key.
    pub segment: String,
    /// Tells every two groups apart.
    pub digest: Digest,
    /// By which the group's entries are purged.
    pub tags: TagSet,
}

/// What a request says of who is asking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub headers: &'a Headers,
    pub claims: &'a Claims,
}

/// Resolves the scopes of a request's cache types.
///
/// A request that says who is asking, by `Authorization`, by its token or by a cookie that is not
/// ignored, is not cached unless a scope is resolved by something that it sends: what nobody
/// declared could decide the answer.
///
/// Those of `named` scopes were named for this very query or path. The others are of types that
/// are only in it, and say nothing of what else is: they resolve who is asking only where they go
/// by all that the request says of it.
pub(super) fn sharers(
    config: &Config,
    scopes: &[String],
    named: &[String],
    asker: Asker<'_>,
) -> Result<Sharers, Bypass> {
    let scopes = certain(config, scopes, asker)?;
    let resolved = scopes.iter().filter(|scope| named.contains(&scope.name)).any(|scope| {
        scope.by.is_empty() || scope.by.iter().any(|identity| value(identity, asker).is_some())
    });
    if !resolved && let Some(bypass) = undeclared_identity(config, &scopes, asker.headers) {
        return Err(bypass);
    }
    let mut segments = Vec::new();
    let mut tags = TagSet::new();
    for scope in &scopes {
        segments.push(format!("{}-{}", scope.name, value_digest(scope, asker).to_short_hex()));
        let values = scope.by.iter().flat_map(|identity| values(identity, asker));
        tags.extend(values.map(|value| Tag::of_scope(&scope.name, &value)));
    }
    let digest = all_digests(&scopes, asker);
    // A scope's name has at most 64 bytes; many of them show as many as a key can hold.
    let segment = match segments.join("+") {
        none if none.is_empty() => "public".to_owned(),
        long if long.len() > 170 => long.get(..170).unwrap_or_default().to_owned(),
        some => some,
    };
    Ok(Sharers { segment, digest, tags })
}

/// The values that a request has for these scopes, as one digest.
pub(super) fn value_digests(
    config: &Config,
    scopes: &[String],
    asker: Asker<'_>,
) -> Result<Digest, Bypass> {
    Ok(all_digests(&certain(config, scopes, asker)?, asker))
}

/// The scopes of those names, if it is certain what the request has for them.
fn certain<'a>(
    config: &'a Config,
    scopes: &[String],
    asker: Asker<'_>,
) -> Result<Vec<&'a Scope>, Bypass> {
    let scopes: Vec<&Scope> = scopes.iter().filter_map(|name| config.scope(name)).collect();
    let by_claim = |scope: &&Scope| scope.by.iter().any(|by| matches!(by, Identity::Claim(_)));
    match asker.claims.are_known() || !scopes.iter().any(by_claim) {
        true => Ok(scopes),
        false => Err(Bypass::JwtUnverified),
    }
}

fn all_digests(scopes: &[&Scope], asker: Asker<'_>) -> Digest {
    let digest = DigestBuilder::new("scopes");
    let add = |digest: DigestBuilder, scope: &&Scope| {
        digest.part(scope.name.as_bytes()).part(value_digest(scope, asker).as_bytes())
    };
    scopes.iter().fold(digest, add).finish()
}

/// The tags of the scopes that an answer ends: it sets or clears a cookie by which they tell
/// people apart, and the request came with another value.
pub fn scope_tags_changed_by(config: &Config, request: &Headers, answer: &Headers) -> TagSet {
    if !answer.contains("set-cookie") {
        return TagSet::new();
    }
    let sent = cookie_pairs(request);
    let changed = |name: &str| {
        let before = sent.iter().find(|(sent, _)| *sent == name).map(|(_, value)| *value);
        before.is_some()
            && answer
                .get_all("set-cookie")
                .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
                .any(|(set, value)| set.trim() == name && Some(value.trim()) != before)
    };
    // Only cookies count here.
    let sent_by = Asker { headers: request, claims: &Claims::NotAsked };
    let by_scope = config.scopes.iter().map(|scope| (scope, scope.by.iter()));
    by_scope
        .flat_map(|(scope, by)| by.map(move |identity| (scope, identity)))
        .filter(|(_, by)| matches!(by, Identity::Cookie(name) if changed(name)))
        .flat_map(|(scope, by)| values(by, sent_by).into_iter().map(move |value| (scope, value)))
        .map(|(scope, value)| Tag::of_scope(&scope.name, &value))
        .collect()
}

/// The cookies of a request (RFC 6265 §4.2.1).
pub fn cookie_pairs(headers: &Headers) -> Vec<(&str, &str)> {
    headers
        .get_all("cookie")
        .flat_map(|value| value.split(';'))
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(name, value)| !name.is_empty() || !value.is_empty())
        .collect()
}

/// The first thing by which a request says who is asking and by which none of the scopes goes. A
/// claim is only a part of a token.
fn undeclared_identity(config: &Config, scopes: &[&Scope], headers: &Headers) -> Option<Bypass> {
    let goes_by = |one: Identity| scopes.iter().any(|scope| scope.by.contains(&one));
    let token = config.jwt.as_ref().map(|jwt| &jwt.place);
    let mut signs = vec!["authorization"];
    if let Some(TokenPlace::Header(name)) = token {
        signs.push(name);
    }
    let undeclared =
        |name: &&str| headers.contains(name) && !goes_by(Identity::Header((*name).into()));
    if signs.iter().any(undeclared) {
        return Some(Bypass::AuthorizationWithoutScope);
    }
    let is_token = |sent: &str| matches!(token, Some(TokenPlace::Cookie(name)) if name == sent);
    let tells = |sent: &str| !config.ignores_cookie(sent) || is_token(sent);
    let undeclared = |name: &str| tells(name) && !goes_by(Identity::Cookie(name.to_owned()));
    let told = cookie_pairs(headers).iter().any(|(name, _)| undeclared(name));
    told.then_some(Bypass::CookieWithoutScope)
}

fn value(identity: &Identity, asker: Asker<'_>) -> Option<String> {
    match identity {
        // As JSON, in which the text "7" and the number 7 differ.
        Identity::Claim(path) => asker.claims.get(path).map(Value::to_string),
        // Of two cookies of one name servers disagree which counts; so both do.
        Identity::Header(_) | Identity::Cookie(_) => {
            let values = values(identity, asker);
            (!values.is_empty()).then(|| values.join(";"))
        }
    }
}

/// What a request has for an identity, as people would write it: one value, or one for each cookie
/// of the name.
fn values(identity: &Identity, asker: Asker<'_>) -> Vec<String> {
    match identity {
        Identity::Header(name) => asker.headers.joined(name).into_iter().collect(),
        Identity::Cookie(name) => {
            let pairs = cookie_pairs(asker.headers).into_iter();
            pairs.filter(|(sent, _)| sent == name).map(|(_, value)| value.to_owned()).collect()
        }
        Identity::Claim(path) => {
            let text = |claim: &Value| claim.as_str().map(str::to_owned);
            let claim = asker.claims.get(path);
            claim
                .map(|claim| text(claim).unwrap_or_else(|| claim.to_string()))
                .into_iter()
                .collect()
        }
    }
}

fn value_digest(scope: &Scope, asker: Asker<'_>) -> Digest {
    let digest = DigestBuilder::new("scope").part(scope.name.as_bytes());
    let values = scope.by.iter().map(|identity| value(identity, asker));
    values.fold(digest, |digest, value| digest.optional(value.as_deref())).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config() -> Config {
        crate::config::parse(&json!({
            "ignore_cookies": ["_ga*"],
            "scopes": {
                "user": { "by": ["header:authorization", "cookie:session"] },
                "everyone": { "by": [] },
            },
        }))
        .unwrap()
    }

    fn of(scopes: &[&str], fields: &[(&str, &str)]) -> Result<Sharers, Bypass> {
        let scopes: Vec<_> = scopes.iter().map(|s| (*s).to_owned()).collect();
        let headers = fields.iter().copied().collect();
        sharers(&config(), &scopes, &scopes, Asker { headers: &headers, claims: &Claims::NotAsked })
    }

    fn config_with_tokens(place: &str, name: &str) -> Config {
        let mut value = json!({
            "ignore_cookies": ["token"],
            "scopes": {
                "user": { "by": ["jwt:sub"] },
                "tenant": { "by": ["header:x-tenant", "jwt:tenant"] },
                "everyone": { "by": [] },
            },
            "jwt": { "algorithms": ["HS256"] },
        });
        value["jwt"][place] = json!(name);
        crate::config::parse(&value).unwrap()
    }

    fn verified(claims: serde_json::Value) -> Claims {
        let claims = claims.as_object().unwrap().clone();
        Claims::Verified(std::rc::Rc::new(claims.into_iter().collect()))
    }

    #[test]
    fn who_is_not_declared_is_not_cached() {
        assert_eq!(of(&[], &[]).unwrap().segment, "public");
        assert_eq!(of(&[], &[("cookie", "_ga=1; _gat=2")]).unwrap().segment, "public");
        assert_eq!(of(&[], &[("authorization", "x")]), Err(Bypass::AuthorizationWithoutScope));
        assert_eq!(of(&[], &[("cookie", "_ga=1; a=2")]), Err(Bypass::CookieWithoutScope));
        assert_eq!(of(&["user"], &[("cookie", "a=2")]), Err(Bypass::CookieWithoutScope));
        assert!(of(&["everyone"], &[("authorization", "x")]).is_ok());
    }

    #[test]
    fn a_type_within_a_query_says_nothing_of_the_rest() {
        let of = |scopes: &[&str], fields: &[(&str, &str)]| {
            let scopes: Vec<_> = scopes.iter().map(|s| (*s).to_owned()).collect();
            let headers = fields.iter().copied().collect();
            sharers(&config(), &scopes, &[], Asker { headers: &headers, claims: &Claims::NotAsked })
        };
        // Products are everyone's; the cart that they are in is not.
        let bypass = Err(Bypass::AuthorizationWithoutScope);
        assert_eq!(of(&["everyone"], &[("authorization", "x")]), bypass);
        assert!(of(&["user"], &[("authorization", "x")]).is_ok());
        assert!(of(&["user", "everyone"], &[("authorization", "x")]).is_ok());
        let both = [("authorization", "x"), ("cookie", "other=1")];
        assert!(of(&["user"], &both).is_err());
        assert!(of(&["everyone"], &[]).is_ok());
    }

    #[test]
    fn each_value_has_its_own_group() {
        let values: [&[(&str, &str)]; 6] = [
            &[],
            &[("authorization", "a")],
            &[("authorization", "b")],
            &[("cookie", "session=a")],
            &[("cookie", "session=a; session=b")],
            &[("authorization", "a"), ("cookie", "session=a")],
        ];
        for (n, one) in values.iter().enumerate() {
            for other in values.iter().skip(n + 1) {
                let (one, other) = (of(&["user"], one).unwrap(), of(&["user"], other).unwrap());
                assert_ne!(one.digest, other.digest);
            }
        }
        let with_others = of(&["user"], &[("cookie", "x=1; session=a; y=2")]).unwrap();
        assert_eq!(with_others, of(&["user"], &[("cookie", "session=a")]).unwrap());
    }

    #[test]
    fn a_group_has_a_tag_for_each_of_its_values() {
        let tags = |fields: &[(&str, &str)]| of(&["user"], fields).unwrap().tags;
        let tagged = |values: &[&str]| values.iter().map(|v| Tag::of_scope("user", v)).collect();
        assert_eq!(tags(&[]), TagSet::new());
        assert_eq!(tags(&[("authorization", "a"), ("cookie", "session=b")]), tagged(&["a", "b"]));
        assert_eq!(tags(&[("cookie", "session=a; session=b")]), tagged(&["a", "b"]));
        assert_ne!(Tag::of_scope("user", "a"), Tag::of_scope("other", "a"));
    }

    #[test]
    fn a_changed_cookie_ends_the_old_values_entries() {
        let changed = |request: &str, answer: &str| {
            scope_tags_changed_by(
                &config(),
                &[("cookie", request)].into_iter().collect(),
                &[("set-cookie", answer)].into_iter().collect(),
            )
        };
        let old = of(&["user"], &[("cookie", "session=a")]).unwrap().tags;
        assert_eq!(changed("session=a", "session=b; Path=/"), old);
        assert_eq!(changed("session=a", "session=; Max-Age=0"), old);
        assert!(changed("session=a", "session=a; Path=/").is_empty());
        assert!(changed("session=a", "other=b").is_empty());
        assert!(changed("x=1", "session=b").is_empty());
    }

    #[test]
    fn a_claim_that_is_not_certain_is_not_guessed() {
        let config = config_with_tokens("header", "authorization");
        for claims in [Claims::NotAsked, Claims::Unverified] {
            let headers = [("x-tenant", "a")].into_iter().collect();
            let asker = Asker { headers: &headers, claims: &claims };
            let of =
                |scope: &str| sharers(&config, &[scope.to_owned()], &[scope.to_owned()], asker);
            assert_eq!(of("user"), Err(Bypass::JwtUnverified));
            assert_eq!(of("tenant"), Err(Bypass::JwtUnverified), "whatever else resolves it");
            assert!(of("everyone").is_ok());
            let digest = value_digests(&config, &["user".to_owned()], asker);
            assert_eq!(digest, Err(Bypass::JwtUnverified));
        }
    }

    #[test]
    fn a_claim_is_a_value_whatever_token_it_is_of() {
        let config = config_with_tokens("header", "authorization");
        let of = |claims: serde_json::Value, token: &str| {
            let headers = [("authorization", token)].into_iter().collect();
            let claims = verified(claims);
            sharers(
                &config,
                &["user".into()],
                &["user".into()],
                Asker { headers: &headers, claims: &claims },
            )
        };
        let alice = of(json!({ "sub": "alice" }), "one").unwrap();
        assert_eq!(alice, of(json!({ "sub": "alice", "tenant": 1 }), "two").unwrap());
        assert!(alice.tags.contains(Tag::of_scope("user", "alice").as_str()));
        assert_ne!(alice.digest, of(json!({ "sub": "bob" }), "one").unwrap().digest);
        assert_eq!(of(json!({}), "one"), Err(Bypass::AuthorizationWithoutScope));
        let (number, text) = (of(json!({ "sub": 7 }), "x"), of(json!({ "sub": "7" }), "x"));
        let (number, text) = (number.unwrap(), text.unwrap());
        assert!(number.digest != text.digest && number.tags == text.tags);
        let list = of(json!({ "sub": ["a", { "y": 1, "x": null }] }), "x").unwrap();
        let canonical = Tag::of_scope("user", "[\"a\",{\"x\":null,\"y\":1}]");
        assert!(list.tags.contains(canonical.as_str()));
    }

    #[test]
    fn a_token_says_who_is_asking_wherever_it_is() {
        for (place, name, field, bypass) in [
            ("header", "x-token", ("x-token", "t"), Bypass::AuthorizationWithoutScope),
            ("cookie", "token", ("cookie", "token=t"), Bypass::CookieWithoutScope),
        ] {
            let config = config_with_tokens(place, name);
            let headers = [field].into_iter().collect();
            let claims = verified(json!({}));
            let asker = Asker { headers: &headers, claims: &claims };
            for scopes in [vec![], vec!["user".to_owned()]] {
                assert_eq!(sharers(&config, &scopes, &scopes, asker), Err(bypass));
            }
            assert!(
                sharers(&config, &["everyone".to_owned()], &["everyone".to_owned()], asker).is_ok()
            );
        }
    }
}
