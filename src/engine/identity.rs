//! Resolves scopes: which values of a request decide with whom it shares entries.

use super::bypass::Bypass;
use crate::config::{Config, Identity, Scope};
use crate::http::{Headers, cookie_pairs};
use crate::jwt::Claims;
use crate::key::{Digest, DigestBuilder};
use crate::tag::{Tag, TagSet};
use serde_json::Value;

/// What a request's scopes contribute to a key and its tags.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScopeKey {
    /// The scope segment of the key: `public`, or the scopes' names with short hashes.
    pub segment: String,
    /// Differs for any two clients that must not share an entry.
    pub digest: Digest,
    /// The tags that purge the entries of these scope values.
    pub tags: TagSet,
}

/// The parts of a request that identify the client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credentials<'a> {
    pub headers: &'a Headers,
    pub claims: &'a Claims,
}

/// Resolves the scopes of a request's cache types. Whether they cover all signals of the request is
/// decided in [`super::signals`].
pub(super) fn scope_key(
    config: &Config,
    scopes: &[String],
    credentials: Credentials<'_>,
) -> Result<ScopeKey, Bypass> {
    let scopes = resolved_scopes(config, scopes, credentials)?;
    let mut segments = Vec::new();
    let mut tags = TagSet::new();
    for scope in &scopes {
        segments.push(format!(
            "{}-{}",
            scope.name,
            scope_digest(scope, credentials).to_short_hex()
        ));
        let values = scope.by.iter().flat_map(|identity| values(identity, credentials));
        tags.extend(values.map(|value| Tag::of_scope(&scope.name, &value)));
    }
    let digest = scopes_digest(&scopes, credentials);
    // A scope's name has at most 64 bytes. With many scopes, the segment shows as much as fits into
    // a key.
    let segment = match segments.join("+") {
        none if none.is_empty() => "public".to_owned(),
        long if long.len() > 170 => long.get(..170).unwrap_or_default().to_owned(),
        some => some,
    };
    Ok(ScopeKey { segment, digest, tags })
}

/// Whether the verified token has a claim that the scope depends on.
pub(super) fn has_scope_claim(scope: &Scope, credentials: Credentials<'_>) -> bool {
    let mut claims = scope.by.iter().filter(|by| matches!(by, Identity::Claim(_)));
    claims.any(|claim| value(claim, credentials).is_some())
}

/// The request's values for these scopes, as one digest.
pub(super) fn scope_values_digest(
    config: &Config,
    scopes: &[String],
    credentials: Credentials<'_>,
) -> Result<Digest, Bypass> {
    Ok(scopes_digest(&resolved_scopes(config, scopes, credentials)?, credentials))
}

/// The scopes of these names, unless one depends on a claim and the claims are not verified.
fn resolved_scopes<'a>(
    config: &'a Config,
    scopes: &[String],
    credentials: Credentials<'_>,
) -> Result<Vec<&'a Scope>, Bypass> {
    let scopes: Vec<&Scope> = scopes.iter().filter_map(|name| config.scope(name)).collect();
    let by_claim = |scope: &&Scope| scope.by.iter().any(|by| matches!(by, Identity::Claim(_)));
    match credentials.claims.are_known() || !scopes.iter().any(by_claim) {
        true => Ok(scopes),
        false => Err(Bypass::JwtUnverified),
    }
}

fn scopes_digest(scopes: &[&Scope], credentials: Credentials<'_>) -> Digest {
    let digest = DigestBuilder::new("scopes");
    let add = |digest: DigestBuilder, scope: &&Scope| {
        digest.part(scope.name.as_bytes()).part(scope_digest(scope, credentials).as_bytes())
    };
    scopes.iter().fold(digest, add).finish()
}

/// The tags of scope values that a response ends: it sets or clears a cookie that a scope depends
/// on, and the request had a different value. Example: a logout that clears `session` purges what
/// was stored for that session.
pub fn scope_tags_changed_by(config: &Config, request: &Headers, response: &Headers) -> TagSet {
    if !response.contains("set-cookie") {
        return TagSet::new();
    }
    let sent = cookie_pairs(request);
    let changed = |name: &str| {
        let before = sent.iter().find(|(sent, _)| *sent == name).map(|(_, value)| *value);
        before.is_some()
            && response
                .get_all("set-cookie")
                .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
                .any(|(set, value)| set.trim() == name && Some(value.trim()) != before)
    };
    // Only cookies matter here, so claims need not be verified.
    let sent_by = Credentials { headers: request, claims: &Claims::NotChecked };
    let by_scope = config.scopes.iter().map(|scope| (scope, scope.by.iter()));
    by_scope
        .flat_map(|(scope, by)| by.map(move |identity| (scope, identity)))
        .filter(|(_, by)| matches!(by, Identity::Cookie(name) if changed(name)))
        .flat_map(|(scope, by)| values(by, sent_by).into_iter().map(move |value| (scope, value)))
        .map(|(scope, value)| Tag::of_scope(&scope.name, &value))
        .collect()
}

fn value(identity: &Identity, credentials: Credentials<'_>) -> Option<String> {
    match identity {
        // As JSON, so that the string "7" and the number 7 differ.
        Identity::Claim(path) => credentials.claims.get(path).map(Value::to_string),
        // Servers disagree about which of two cookies of the same name counts, so both do.
        Identity::Header(_) | Identity::Cookie(_) => {
            let values = values(identity, credentials);
            (!values.is_empty()).then(|| values.join(";"))
        }
    }
}

/// The request's values for an identity as a user would write them: one value, or one for each
/// cookie of that name.
fn values(identity: &Identity, credentials: Credentials<'_>) -> Vec<String> {
    match identity {
        Identity::Header(name) => credentials.headers.joined(name).into_iter().collect(),
        Identity::Cookie(name) => {
            let pairs = cookie_pairs(credentials.headers).into_iter();
            pairs.filter(|(sent, _)| sent == name).map(|(_, value)| value.to_owned()).collect()
        }
        Identity::Claim(path) => {
            let text = |claim: &Value| claim.as_str().map(str::to_owned);
            let claim = credentials.claims.get(path);
            claim
                .map(|claim| text(claim).unwrap_or_else(|| claim.to_string()))
                .into_iter()
                .collect()
        }
    }
}

fn scope_digest(scope: &Scope, credentials: Credentials<'_>) -> Digest {
    let digest = DigestBuilder::new("scope").part(scope.name.as_bytes());
    let values = scope.by.iter().map(|identity| value(identity, credentials));
    values.fold(digest, |digest, value| digest.optional(value.as_deref())).finish()
}

#[cfg(test)]
mod tests;
