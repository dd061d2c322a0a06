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
}
