//! The cookie with the token of a client's own write, for clients that cannot send headers: forms,
//! images, links. Its name contains the service, since several services may share a host.

use crate::http::{Headers, Request};

/// The name of the cookie in earlier versions. Today `-` and the service follow. Such cookies are
/// removed from the request before anything else sees it.
const NAME: &str = "evergraph-purge";

/// Seconds that a cookie lives beyond `max_lag`, which cover the way to the client and back. After
/// `max_lag` every isolate knows the purge.
const SLACK_SECONDS: u64 = 5;

/// Removes the cookies of all services from a request, and returns the tokens of this service. A
/// token under the old name may belong to any service.
pub fn take_purge_cookies(service: &str, headers: &mut Headers) -> Vec<String> {
    if !headers.get_all("cookie").any(|cookies| cookies.contains(NAME)) {
        return Vec::new();
    }
    let (mut tokens, mut others) = (Vec::new(), Vec::new());
    for cookies in headers.get_all("cookie") {
        let mut kept = Vec::new();
        for pair in cookies.split(';') {
            let cookie = pair.split_once('=').map(|(name, token)| (service_of(name), token));
            match cookie {
                Some((Some(of), token)) if of.is_empty() || of == service => {
                    tokens.push(token.trim().to_owned());
                }
                Some((Some(_), _)) => {}
                _ => kept.push(pair),
            }
        }
        let kept = kept.join(";").trim_start().to_owned();
        if !kept.is_empty() {
            others.push(kept);
        }
    }
    // A header with bytes that are not UTF-8 cannot be rewritten.
    if headers.is_unreadable("cookie") {
        return tokens;
    }
    headers.remove("cookie");
    for cookies in others {
        headers.append("cookie", cookies);
    }
    tokens
}

/// The `Set-Cookie` value for the token of a write (RFC 6265 §4.1). A service's name consists of
/// letters, digits, `-` and `_`, all of which are allowed in a cookie's name.
pub fn purge_cookie(service: &str, token: &str, max_lag: u64, request: &Request) -> String {
    let seconds = max_lag.saturating_add(SLACK_SECONDS);
    let secure = if request.url.scheme == "https" { "; Secure" } else { "" };
    let attributes = format!("Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    format!("{NAME}-{service}={token}; {attributes}")
}

/// Whether a `Set-Cookie` value is the purge cookie of this service.
pub fn is_purge_cookie(service: &str, cookie: &str) -> bool {
    cookie.split_once('=').is_some_and(|(name, _)| service_of(name) == Some(service))
}

/// The service that a purge cookie belongs to: empty under the old name, `None` if it is no purge
/// cookie.
fn service_of(name: &str) -> Option<&str> {
    match name.trim().strip_prefix(NAME)? {
        "" => Some(""),
        service => service.strip_prefix('-'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Url};

    fn taken(cookies: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut headers: Headers = cookies.iter().map(|cookie| ("cookie", *cookie)).collect();
        let found = take_purge_cookies("shop", &mut headers);
        (found, headers.get_all("cookie").map(str::to_owned).collect())
    }

    #[test]
    fn others_stay_as_they_came() {
        let own = |tokens: &[&str], kept: &[&str]| {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            (owned(tokens), owned(kept))
        };
        for other in ["a=1;  b=evergraph-purge-shop", "evergraph-purges=1", "evergraph-purge-shop"]
        {
            assert_eq!(taken(&[other]), own(&[], &[other]));
        }
        assert_eq!(taken(&["evergraph-purge-shop=x"]), own(&["x"], &[]));
        assert_eq!(taken(&["evergraph-purge-shop=x; a=1;b=2"]), own(&["x"], &["a=1;b=2"]));
        assert_eq!(taken(&["a=1; evergraph-purge-shop=x; b=2"]), own(&["x"], &["a=1; b=2"]));
        assert_eq!(taken(&["a=1; evergraph-purge-shop="]), own(&[""], &["a=1"]));
        let two = taken(&["evergraph-purge-shop=x; a=1", "evergraph-purge-shop=y"]);
        assert_eq!(two, own(&["x", "y"], &["a=1"]));
    }

    #[test]
    fn the_old_name_counts_and_another_services_does_not() {
        let cookies = ["evergraph-purge=7; evergraph-purge-shop-2=x; evergraph-purge-=y; a=1"];
        assert_eq!(taken(&cookies), (vec!["7".into(), "y".into()], vec!["a=1".into()]));
        assert_eq!(taken(&["evergraph-purge-sho=x"]), (vec![], vec![]));
    }

    #[test]
    fn lives_a_little_longer_than_the_lag() {
        let cookie = |url: &str| {
            let url = Url::parse(url).unwrap();
            let headers = Headers::new();
            purge_cookie("shop", "x", 5, &Request { method: Method::parse("PUT"), url, headers })
        };
        let plain = "evergraph-purge-shop=x; Path=/; Max-Age=10; HttpOnly; SameSite=Lax";
        assert_eq!(cookie("http://h/"), plain);
        assert_eq!(cookie("https://h/"), format!("{plain}; Secure"));
        assert!(is_purge_cookie("shop", plain) && !is_purge_cookie("sho", plain));
        assert!(!is_purge_cookie("shop", "a=evergraph-purge-shop"));
    }
}
