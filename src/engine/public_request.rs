//! Whether a read says nothing about who is asking, so that it may be listed among the popular requests.

use super::identity::Credentials;
use super::plan::Plan;
use super::signals::{SignalCheck, SignalSet};
use crate::config::Config;
use crate::http::{Headers, Request, fields};
use crate::jwt::Claims;

/// Whether a read identifies nobody: it has no signal, each of its scopes is shared by all clients, and so is
/// the value of each header in its key. A header that `vary` names may be anything, such as `X-Api-Key`, so
/// only those count that are known to be [shared by many](fields::SHARED_BY_MANY). Every other header must be
/// neutral or ignored. This is stricter than planning where the origin's `Vary` decides: there, other headers
/// are no signals.
pub fn is_public(config: &Config, plan: &Plan, request: &Request) -> bool {
    let credentials = Credentials { headers: &request.headers, claims: &Claims::NotChecked };
    let (keyed, signal_set) = (plan.keyed_headers.as_slice(), SignalSet::All);
    let check = SignalCheck { config, credentials, types: &[], keyed, signal_set };
    let is_for_all = |name: &String| config.scope(name).is_some_and(|scope| scope.by.is_empty());
    let is_shared = |name: &String| {
        fields::SHARED_BY_MANY.contains(&name.as_str()) || !request.headers.contains(name)
    };
    plan.scopes.iter().all(is_for_all)
        && plan.keyed_headers.iter().all(is_shared)
        && check.uncovered().is_empty()
}

/// The headers of a request on which the key of its plan depends.
pub fn key_headers(plan: &Plan, headers: &Headers) -> Vec<(String, String)> {
    let is_kept = |name: &str| {
        matches!(name, "accept" | "content-type") || plan.keyed_headers.iter().any(|of| of == name)
    };
    let kept = headers.iter().filter(|(name, _)| is_kept(name));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::engine::plan_rest;
    use crate::http::{Method, Url};
    use proptest::prelude::*;
    use serde_json::json;

    /// A service in which other types have headers of their own in the key.
    fn config() -> Config {
        parse(&json!({
            "vary": ["store", "accept-language"],
            "ignore_cookies": ["theme"],
            "ignore_headers": ["x-build", "x-ignored"],
            "jwt": { "algorithms": ["HS256"], "header": "x-token" },
            "types": {
                "page": { "match": ["rest:/p"], "ttl": 9, "scope": "all" },
                "mine": { "match": ["rest:/m"], "ttl": 9, "scope": "user" },
                "priced": {
                    "match": ["rest:/v"], "ttl": 9, "vary": ["x-api-key", "x-ignored", "x-token"],
                },
                "free": { "match": ["rest:/o"], "ttl": "origin", "vary": ["x-region", "cf-ipcountry"] },
            },
            "scopes": { "all": { "by": [] }, "user": { "by": ["header:x-user"] } },
        }))
        .unwrap()
    }

    /// The plan of a read, if it is looked up.
    fn planned(config: &Config, path: &str, fields: &[(&str, &str)]) -> Option<(Plan, Request)> {
        let url = Url::parse(&format!("https://shop.example{path}")).unwrap();
        let headers: Headers = fields.iter().copied().collect();
        let request = Request { method: Method::Get, url, headers };
        let plan = plan_rest(config, &request, &Claims::NotChecked).ok()?;
        Some((plan, request))
    }

    #[test]
    fn who_says_anything_about_himself_is_not_public() {
        let config = config();
        let read = |path: &str, fields: &[(&str, &str)]| {
            planned(&config, path, fields)
                .is_some_and(|(plan, request)| is_public(&config, &plan, &request))
        };
        let neutral = ("accept", "text/html");
        assert!(read("/p", &[neutral, ("accept-language", "de"), ("cookie", "theme=dark")]));
        assert!(!read("/p", &[("cookie", "sid=1")]), "although the scope is for all");
        assert!(!read("/p", &[("authorization", "Bearer x")]));
        assert!(!read("/p", &[("x-user", "7")]));
        assert!(!read("/m", &[]));
        assert!(!read("/p", &[("x-api-key", "7")]), "which is in the key of others");
        assert!(!read("/o", &[("x-api-key", "7")]), "although the origin's Vary decides");
    }

    #[test]
    fn a_header_in_the_key_may_be_a_credential() {
        let config = config();
        let read = |path: &str, fields: &[(&str, &str)]| {
            let (plan, request) = planned(&config, path, fields).unwrap();
            is_public(&config, &plan, &request)
        };
        assert!(read("/v", &[]) && read("/o", &[]), "it is not sent");
        assert!(read("/o", &[("cf-ipcountry", "DE")]));
        for field in [("x-api-key", "7"), ("x-ignored", "7"), ("x-token", "e30.e30.x")] {
            assert!(!read("/v", &[field]), "{field:?}");
        }
        assert!(!read("/o", &[("x-region", "eu")]) && !read("/p", &[("store", "de")]));
    }

    proptest! {
        /// Whatever headers a request has: of one that is public, each is neutral or ignored, and only those of
        /// its key are kept whose values many clients share.
        #[test]
        fn nothing_but_the_key_is_kept(
            path in prop::sample::select(vec!["/p", "/m", "/v", "/o", "/x"]),
            names in prop::sample::subsequence(vec![
                "accept", "accept-language", "user-agent", "content-type", "store", "x-build",
                "x-ignored", "x-region", "x-token", "x-user", "x-api-key", "from", "cf-connecting-ip",
                "cf-ipcountry",
            ], 0..6),
        ) {
            let config = config();
            let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, "7")).collect();
            let Some((plan, request)) = planned(&config, path, &fields) else { return Ok(()) };
            if !is_public(&config, &plan, &request) {
                return Ok(());
            }
            let is_ignored = |name: &str| name == "x-build" || (name == "x-ignored" && path != "/v");
            let is_known = |name: &&str| crate::http::is_neutral(name) || is_ignored(name);
            prop_assert!(names.iter().all(is_known), "{names:?}");
            for (name, _) in key_headers(&plan, &request.headers) {
                let of_all = ["accept", "content-type", "accept-language"].contains(&name.as_str());
                prop_assert!(of_all || (path == "/o" && name == "cf-ipcountry"), "{name}");
            }
        }
    }
}
