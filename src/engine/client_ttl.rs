//! `Cache-Control` as the client receives it, where a cache type's `client_ttl` replaces the
//! origin's.

use crate::http::Headers;
use crate::policy::ResponseDirectives;
use crate::time::Ttl;

/// Replaces `Cache-Control` by the configured `client_ttl`. No purge reaches a browser's own cache,
/// so a browser should keep a response only for as long as the configuration allows.
pub fn set_client_ttl(headers: &mut Headers, client_ttl: Option<Ttl>) {
    let Some(ttl) = client_ttl else { return };
    headers.remove("expires");
    let value = match ttl.as_seconds() {
        0 => "max-age=0, must-revalidate".to_owned(),
        seconds => format!("max-age={seconds}"),
    };
    headers.set("cache-control", value);
}

/// Applies `client_ttl` to a response that is not stored. Its lifetime is only ever shortened:
/// `no-store` stays, `private` stays private, and a `client_ttl` other than 0 has no effect.
pub fn shorten_for_client(headers: &mut Headers, client_ttl: Option<Ttl>) {
    let mut for_clients = headers.clone();
    for_clients.retain(|name| name == "cache-control");
    let directives = ResponseDirectives::read(&for_clients);
    if client_ttl.is_some_and(Ttl::is_zero) && !directives.no_store {
        set_client_ttl(headers, client_ttl);
        if directives.private {
            headers.set("cache-control", "private, max-age=0, must-revalidate");
        }
    }
}

/// Applies `client_ttl` to the headers of a stored response, which another deployment may have stored.
/// Here too a client's lifetime is only ever shortened. `None` if nothing changes.
pub(super) fn shorter_for_client(headers: &Headers, client_ttl: Option<Ttl>) -> Option<Headers> {
    let ttl = client_ttl?;
    let directives: Vec<String> =
        headers.members("cache-control").map(str::to_ascii_lowercase).collect();
    let has = |name: &str| directives.iter().any(|one| one == name);
    // `s-maxage` is not for clients.
    let max_age = directives.iter().filter_map(|one| one.strip_prefix("max-age=")?.parse().ok());
    let is_shorter = max_age.min().is_some_and(|seconds: u64| seconds <= ttl.as_seconds());
    if is_shorter || has("no-store") || has("no-cache") {
        return None;
    }
    let mut shorter = headers.clone();
    set_client_ttl(&mut shorter, client_ttl);
    if has("private") {
        let value = shorter.get("cache-control").map(|value| format!("private, {value}"));
        value.into_iter().for_each(|value| shorter.set("cache-control", value));
    }
    Some(shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_stored_is_shortened_for_the_client_and_never_opened() {
        let after = |value: &str, seconds| {
            let mut headers: Headers = [("cache-control", value)].into_iter().collect();
            shorten_for_client(&mut headers, Some(Ttl::from_seconds(seconds)));
            headers.get("cache-control").unwrap_or_default().to_owned()
        };
        assert_eq!(after("max-age=300", 0), "max-age=0, must-revalidate");
        assert_eq!(after("max-age=9, private", 0), "private, max-age=0, must-revalidate");
        for (value, seconds) in [("max-age=5", 300), ("private", 300), ("no-store", 0)] {
            assert_eq!(after(value, seconds), value);
        }
    }

    #[test]
    fn what_is_stored_is_shortened_for_the_client_and_never_extended() {
        let after = |fields: &[(&str, &str)], seconds| {
            let headers: Headers = fields.iter().copied().collect();
            let shorter = shorter_for_client(&headers, Some(Ttl::from_seconds(seconds)));
            shorter.map(|headers| {
                assert!(!headers.contains("expires"));
                headers.get("cache-control").unwrap_or_default().to_owned()
            })
        };
        let expires = ("expires", "Thu, 01 Jan 2026 00:00:00 GMT");
        for (before, seconds, value) in [
            ("max-age=600", 60, "max-age=60"),
            ("max-age=600", 0, "max-age=0, must-revalidate"),
            ("Max-Age=600, s-maxage=10", 60, "max-age=60"),
            ("public", 60, "max-age=60"),
            ("private, max-age=600", 60, "private, max-age=60"),
        ] {
            let fields = [("cache-control", before), expires];
            assert_eq!(after(&fields, seconds).as_deref(), Some(value), "{before}");
        }
        assert_eq!(after(&[expires], 60).as_deref(), Some("max-age=60"));
        for before in ["max-age=60", "max-age=5", "no-store", "no-cache, max-age=600"] {
            assert_eq!(after(&[("cache-control", before)], 60), None, "{before}");
        }
    }
}
