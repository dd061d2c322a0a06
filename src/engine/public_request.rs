//! Whether a read says nothing about who is asking, so that it may be listed among the popular requests.

use super::identity::Credentials;
use super::plan::Plan;
use super::signals::{SignalCheck, SignalSet};
use crate::config::Config;
use crate::http::{Headers, Request};
use crate::jwt::Claims;

/// Whether a read identifies nobody: it has no signal, and each of its scopes is shared by all clients. Every
/// header must be neutral, ignored, or part of the key. This is stricter than planning where the origin's `Vary`
/// decides: there, other headers are no signals.
pub fn is_public(config: &Config, plan: &Plan, request: &Request) -> bool {
    let credentials = Credentials { headers: &request.headers, claims: &Claims::NotChecked };
    let (keyed, signal_set) = (plan.keyed_headers.as_slice(), SignalSet::All);
    let check = SignalCheck { config, credentials, types: &[], keyed, signal_set };
    let is_for_all = |name: &String| config.scope(name).is_some_and(|scope| scope.by.is_empty());
    // These say who is asking even if the key depends on them.
    let mut identifying = ["authorization"].into_iter().chain(check.token_header());
    plan.scopes.iter().all(is_for_all)
        && !identifying.any(|name| request.headers.contains(name))
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
            "vary": ["store"],
            "ignore_cookies": ["theme"],
            "ignore_headers": ["x-build"],
            "jwt": { "algorithms": ["HS256"], "header": "x-token" },
            "types": {
                "page": { "match": ["rest:/p"], "ttl": 9, "scope": "all" },
                "mine": { "match": ["rest:/m"], "ttl": 9, "scope": "user" },
                "priced": { "match": ["rest:/v"], "ttl": 9, "vary": ["x-group", "x-token"] },
                "free": { "match": ["rest:/o"], "ttl": "origin", "vary": ["x-region"] },
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
        assert!(read("/p", &[("accept", "text/html"), ("store", "de"), ("cookie", "theme=dark")]));
        assert!(!read("/p", &[("cookie", "sid=1")]), "although the scope is for all");
        assert!(!read("/p", &[("authorization", "Bearer x")]));
        assert!(!read("/p", &[("x-user", "7")]));
        assert!(!read("/m", &[]));
        assert!(read("/v", &[("x-group", "7")]), "which is in its key");
        assert!(!read("/p", &[("x-group", "7")]), "which is in the key of others");
        assert!(!read("/o", &[("x-group", "7")]), "although the origin's Vary decides");
        assert!(read("/o", &[("x-region", "eu")]));
        assert!(!read("/v", &[("x-token", "e30.e30.x")]), "although it is in its key");
    }

    proptest! {
        /// Whatever headers a request has: of one that is public, each is in its key, neutral or ignored, and
        /// only those in its key are kept.
        #[test]
        fn nothing_but_the_key_is_kept(
            path in prop::sample::select(vec!["/p", "/m", "/v", "/o", "/x"]),
            names in prop::sample::subsequence(vec![
                "accept", "accept-language", "user-agent", "content-type", "store", "x-build",
                "x-group", "x-region", "x-token", "x-user", "x-api-key", "from", "cf-connecting-ip",
            ], 0..6),
        ) {
            let config = config();
            let fields: Vec<(&str, &str)> = names.iter().map(|name| (*name, "7")).collect();
            let Some((plan, request)) = planned(&config, path, &fields) else { return Ok(()) };
            let is_keyed = |name: &str| match path {
                "/v" => matches!(name, "store" | "x-group" | "x-token"),
                "/o" => matches!(name, "store" | "x-region"),
                _ => name == "store",
            };
            let is_known = |name: &str| {
                is_keyed(name) || crate::http::is_neutral(name) || name == "x-build"
            };
            if is_public(&config, &plan, &request) {
                prop_assert!(names.iter().all(|name| is_known(name) && *name != "x-token"));
            }
            for (name, _) in key_headers(&plan, &request.headers) {
                prop_assert!(is_keyed(&name) || name == "accept" || name == "content-type");
            }
        }
    }
}
