//! Who is asking, as far as the configuration says that it matters.

use super::bypass::Bypass;
use crate::config::{Config, Identity, Scope};
use crate::http::{Headers, cookie_pairs};
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

/// Resolves the scopes of a request's cache types. Whether they cover what the request says of who
/// is asking is for [`super::signals`] to say.
pub(super) fn sharers(
    config: &Config,
    scopes: &[String],
    asker: Asker<'_>,
) -> Result<Sharers, Bypass> {
    let scopes = certain(config, scopes, asker)?;
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

/// Whether the request's token shows a claim by which a scope goes.
pub(super) fn shows_claim(scope: &Scope, asker: Asker<'_>) -> bool {
    let mut claims = scope.by.iter().filter(|by| matches!(by, Identity::Claim(_)));
    claims.any(|claim| value(claim, asker).is_some())
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
mod tests;
