//! The number of a client's own write in a cookie, for clients that send no headers of their own:
//! forms, images, links.

use crate::http::{Headers, Request};
use crate::purge::Seq;

/// The cookie's name. Evergraph's own: neither the origin nor any decision sees it.
const NAME: &str = "evergraph-purge";

/// Seconds beyond `max_lag`, for the way to the client and back. Then all isolates know the purge.
const SLACK_SECONDS: u64 = 5;

/// Takes the cookie off a request. The largest number of those it has, where any is one.
pub fn take_purge_cookie(headers: &mut Headers) -> Option<Seq> {
    if !headers.get_all("cookie").any(|cookies| cookies.contains(NAME)) {
        return None;
    }
    let mut found = None;
    let mut others = Vec::new();
    for cookies in headers.get_all("cookie") {
        let mut kept = Vec::new();
        for pair in cookies.split(';') {
            match pair.split_once('=').filter(|(name, _)| name.trim() == NAME) {
                Some((_, value)) => found = found.max(value.trim().parse().ok()),
                None => kept.push(pair),
            }
        }
        let kept = kept.join(";").trim_start().to_owned();
        if !kept.is_empty() {
            others.push(kept);
        }
    }
    // What has bytes that are not UTF-8 cannot be written again.
    if headers.is_unreadable("cookie") {
        return found;
    }
    headers.remove("cookie");
    for cookies in others {
        headers.append("cookie", cookies);
    }
    found
}

/// The cookie with a write's number (RFC 6265 §4.1).
pub fn purge_cookie(seq: Seq, max_lag: u64, request: &Request) -> String {
    let seconds = max_lag.saturating_add(SLACK_SECONDS);
    let secure = if request.url.scheme == "https" { "; Secure" } else { "" };
    format!("{NAME}={seq}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Whether a `Set-Cookie` is that of a write's number.
pub fn is_purge_cookie(cookie: &str) -> bool {
    cookie.split_once('=').is_some_and(|(name, _)| name == NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Url};

    fn taken(cookies: &[&str]) -> (Option<Seq>, Vec<String>) {
        let mut headers: Headers = cookies.iter().map(|cookie| ("cookie", *cookie)).collect();
        let found = take_purge_cookie(&mut headers);
        (found, headers.get_all("cookie").map(str::to_owned).collect())
    }

    #[test]
    fn others_stay_as_they_came() {
        assert_eq!(
            taken(&["a=1;  b=evergraph-purge"]),
            (None, vec!["a=1;  b=evergraph-purge".into()])
        );
        assert_eq!(taken(&["evergraph-purge=7"]), (Some(7), vec![]));
        assert_eq!(taken(&["evergraph-purge=7; a=1;b=2"]), (Some(7), vec!["a=1;b=2".into()]));
        assert_eq!(taken(&["a=1; evergraph-purge=7; b=2"]), (Some(7), vec!["a=1; b=2".into()]));
        assert_eq!(taken(&["a=1; evergraph-purge=x"]), (None, vec!["a=1".into()]));
        let two = taken(&["evergraph-purge=9; a=1", "evergraph-purge=7"]);
        assert_eq!(two, (Some(9), vec!["a=1".into()]));
    }

    #[test]
    fn lives_a_little_longer_than_the_lag() {
        let cookie = |url: &str| {
            let url = Url::parse(url).unwrap();
            let headers = Headers::new();
            purge_cookie(3, 5, &Request { method: Method::parse("PUT"), url, headers })
        };
        let plain = "evergraph-purge=3; Path=/; Max-Age=10; HttpOnly; SameSite=Lax";
        assert_eq!(cookie("http://h/"), plain);
        assert_eq!(cookie("https://h/"), format!("{plain}; Secure"));
        assert!(is_purge_cookie(plain) && !is_purge_cookie("a=evergraph-purge"));
    }
}
