//! Warnings of `POST explain`: what is allowed, and unwise.

use crate::http::Headers;
use crate::policy::reasons;

reasons! {
    /// What is allowed, and unwise. Adding a variant adds it to the docs.
    pub enum Warning {
        BrowserKeepsCopy = "browser-keeps-copy",
            "clients may keep a copy of the response for more than a minute, or, without `max-age`, for as long as they like. No purge reaches that copy: `s-maxage` is for shared caches alone",
            "set `client_ttl` on the cache type (0 makes browsers ask each time), or `max-age=0` at the origin";
        TypeNeverMatched = "type-never-matched",
            "a cache type of the configuration has matched none of the last requests, though there were many. Requests that pass through count too, and those that were made before the last change of the types do not. A request that could not be read matches none. There is no such warning for a type that only a response shows (`graphql:Product`), and none if more types are in use than [the statistics keep](statistics.md#names)",
            "check its `match`: [what each form matches](configuration.md#cache-types); and by `GET stats?by=reason` whether its requests can be read";
        PurgesEverything = "purges-everything",
            "nothing in the mutation's name says what it changes, and no rule does. Unless its response names entities, it purges everything of the service",
            "add a [rule](configuration.md#mutations) for its field, with `[]` if it changes nothing that is cached";
        SignalBypassesMost = "signal-bypasses-most",
            "most requests pass through, because they have one header or cookie that no scope covers",
            "cover the signal by a `scope`, or say that it changes no response: `ignore_cookies`, `ignore_headers` ([signals](signals.md))";
    }
}

/// For how many seconds clients may keep a copy without a warning.
const TOLERATED_SECONDS: u64 = 60;

/// How clients may keep a copy of a response with these headers past a purge; `None` if they do not, or
/// only briefly.
pub fn browser_keeps_copy(headers: &Headers) -> Option<String> {
    let directives: Vec<String> =
        headers.members("cache-control").map(str::to_ascii_lowercase).collect();
    let has = |name: &str| directives.iter().any(|one| one == name);
    if has("no-store") || has("no-cache") {
        return None;
    }
    let seconds = |name: &str| {
        let of = |one: &String| one.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok();
        directives.iter().find_map(of)
    };
    match (seconds("max-age"), seconds("s-maxage")) {
        (Some(age), _) if age > TOLERATED_SECONDS => {
            Some(format!("clients keep the response for {age} s (max-age), whatever is purged"))
        }
        (Some(_), _) => None,
        (None, Some(_)) => Some(
            "the response has s-maxage and no max-age: browsers keep it for as long as they like"
                .to_owned(),
        ),
        (None, None) if headers.contains("expires") || headers.contains("last-modified") => Some(
            "the response has no max-age: browsers go by Expires, or guess from Last-Modified"
                .to_owned(),
        ),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_keep_what_does_not_say_for_how_long() {
        let last_modified = ("last-modified", "Mon, 02 Nov 2026 08:00:00 GMT");
        for (fields, warns) in [
            (&[("cache-control", "s-maxage=600")][..], true),
            (&[("cache-control", "public, S-MaxAge=600")], true),
            (&[("cache-control", "s-maxage=600, max-age=0")], false),
            (&[("cache-control", "max-age=0, must-revalidate")], false),
            (&[("cache-control", "max-age=60")], false),
            (&[("cache-control", "max-age=61")], true),
            (&[("cache-control", "s-maxage=600, no-cache")], false),
            (&[("cache-control", "no-store")], false),
            (&[("expires", "Mon, 02 Nov 2037 08:00:00 GMT")], true),
            (&[("cache-control", "public"), last_modified], true),
            (&[last_modified], true),
            (&[("content-type", "application/json")], false),
            (&[], false),
        ] {
            let headers: Headers = fields.iter().copied().collect();
            assert_eq!(browser_keeps_copy(&headers).is_some(), warns, "{fields:?}");
        }
    }
}
