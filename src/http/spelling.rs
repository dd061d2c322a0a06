//! Other spellings of a path: servers differ in how often they decode a path, and in whether they
//! merge slashes, drop parameters and ignore case.
//!
//! In scope: paths that may leave their apparent folder ([`climbs`]), and the form that all
//! spellings of a path have in common ([`folded_path`]). Not in scope: keys, which keep spellings
//! apart ([`Url::comparable_path`](super::url::Url::comparable_path)).

use super::url::percent_decoded;

/// How often a path may be decoded altogether, by proxies and the server behind them.
const MOST_DECODINGS: usize = 3;

/// Whether a path contains a parent segment, a backslash or a NUL, as it is or decoded up to three
/// times.
///
/// A parent segment is recognized despite `;parameters`, white space and control characters, and in
/// front of an escaped `?` or `#`, since some servers drop what follows these.
pub fn climbs(path: &str) -> bool {
    decodings(path).any(|path| {
        let is_parent = |segment: &[u8]| {
            let end = segment.iter().position(|byte| matches!(byte, b'?' | b'#'));
            let segment = segment.get(..end.unwrap_or(segment.len())).unwrap_or_default();
            dots(without_parameters(segment)) == Some(2)
        };
        path.iter().any(|byte| matches!(byte, b'\\' | 0))
            || path.split(|byte| *byte == b'/').any(is_parent)
    })
}

/// The path without anything that some servers remove: decoded, with slashes merged and dot
/// segments resolved, without `;parameters`, without a trailing slash, and without anything after a
/// NUL, `?` or `#`. Case is kept. Example: `/API//Ab%2FC;x` becomes `/API/Ab/C`.
pub fn plain_path(path: &str) -> String {
    let decoded = decodings(path).last().unwrap_or_default();
    let end = decoded.iter().position(|byte| matches!(byte, 0 | b'?' | b'#'));
    let path = decoded.get(..end.unwrap_or(decoded.len())).unwrap_or_default();
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        let mut name = without_parameters(segment).trim_ascii().to_vec();
        name.retain(|byte| !byte.is_ascii_control());
        match dots(&name) {
            Some(0 | 1) => {}
            Some(2) => drop(segments.pop()),
            _ => segments.push(name),
        }
    }
    format!("/{}", String::from_utf8_lossy(&segments.join(&b'/')))
}

/// The form that all spellings of a path have in common: [`plain_path`] in lower case. Paths that
/// an origin distinguishes may share it, so it is used for purging and for bypassing the cache,
/// never for keys.
pub fn folded_path(path: &str) -> String {
    plain_path(path).to_lowercase()
}

/// Whether all servers agree on what a path means: it is its own [`plain_path`], except for escapes
/// that every server decodes once, and a trailing slash.
pub fn is_plain(path: &str) -> bool {
    let (decoded, plain) = (percent_decoded(path.as_bytes()), plain_path(path));
    let is_same = match decoded.strip_prefix(plain.as_bytes()) {
        Some(b"/") => plain != "/",
        rest => rest == Some(b""),
    };
    is_same && !path.to_ascii_lowercase().contains("%2f")
}

fn without_parameters(segment: &[u8]) -> &[u8] {
    segment.split(|byte| *byte == b';').next().unwrap_or_default()
}

/// The number of dots in a segment that contains nothing else but white space and control
/// characters. `None` for any other segment.
fn dots(segment: &[u8]) -> Option<usize> {
    let seen = || segment.iter().filter(|byte| !byte.is_ascii_control() && **byte != b' ');
    seen().all(|byte| *byte == b'.').then(|| seen().count())
}

/// The path as it is, decoded once, decoded twice, and so on, as long as decoding changes it.
fn decodings(path: &str) -> impl Iterator<Item = Vec<u8>> {
    let next = |path: &Vec<u8>| path.contains(&b'%').then(|| percent_decoded(path));
    std::iter::successors(Some(path.as_bytes().to_vec()), move |path| {
        next(path).filter(|decoded| decoded != path)
    })
    .take(1 + MOST_DECODINGS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_parent_segment_is_seen_in_every_spelling() {
        for parent in [
            "..",
            "%2e%2e",
            "%2E.",
            ".%2e",
            "%252e%252e",
            "%25252e.",
            "%25%32%65.",
            "..;",
            "..;x=1",
            "..%3bx",
            "..%20",
            ".%09.",
            "%2e%2e%0d",
            "%00",
            "x%2500y",
            "%5c",
            "\\",
            "..%5c",
            "%255cx",
            "..%3f",
            "%2e%2e%23x",
            "..%253fx",
            "..;x%3f",
        ] {
            for path in [
                format!("/api/catalog/{parent}"),
                format!("/api/catalog/{parent}/account/me"),
                format!("/api/catalog/{parent}%2faccount"),
                format!("/api/catalog%252f{parent}%252Faccount"),
                format!("/{parent}/api"),
                format!("/api%2f{parent}"),
            ] {
                assert!(climbs(&path), "{path}");
            }
        }
    }

    #[test]
    fn nothing_else_climbs() {
        for path in [
            "/",
            "/api/products/42",
            "/a/...",
            "/a/..b",
            "/a/b..",
            "/a/.",
            "/.well-known/x",
            "/a%2fb",
            "/a/%2e/b",
            "/a;b=..",
            "/a;..",
            "/a/%2525252e%2525252e/b",
            "/a/b.c;x",
            "/a/%zz%2",
            "/a/.%2eb",
            "//a//b",
            "/gid:%2F%2Fshop%2F42",
            "/a%20b",
            "/%C3%A9",
        ] {
            assert!(!climbs(path), "{path}");
        }
    }

    #[test]
    fn spellings_fold_to_one() {
        for path in [
            "/api/products/42",
            "/API/Products/42",
            "//api/products/42",
            "/api//products///42/",
            "/api/products/42%2f",
            "/api%2fproducts%2F42",
            "/api%252fproducts/42",
            "/api/products/42;x=1",
            "/api;v=1/products;x/42",
            "/%61pi/products/%34%32",
            "/api/./products/%2e/42",
            "/api/x/..%2fproducts/42",
            "/api/x/..;/products/42",
            "\\api\\products%5c42",
            "/api/products/42%00.json",
            "/api/products/42%3Fx",
            "/api/products/42%23",
            "/api/products/42%20",
            "/api/products/4%0a2",
            "/../api/products/42",
        ] {
            assert_eq!(folded_path(path), "/api/products/42", "{path}");
        }
        assert_eq!(plain_path("/API//Ab%2FC;x"), "/API/Ab/C");
        assert_eq!(
            (folded_path("/"), folded_path("//"), folded_path("/..")),
            ("/".into(), "/".into(), "/".into())
        );
        assert_eq!(folded_path("/%C3%89/%ff"), "/é/\u{fffd}");
        assert_ne!(folded_path("/api/products/4"), folded_path("/api/products/42"));
        assert_ne!(folded_path("/api/products"), folded_path("/api/products/42"));
    }

    #[test]
    fn only_agreed_spellings_are_plain() {
        for path in ["/", "/api/products/42", "/API/x/", "/caf%C3%A9/%7Ea", "/a%20b/c"] {
            assert!(is_plain(path), "{path}");
        }
        for path in
            ["//", "/a//b", "/a%2fb", "/a;x", "/a/%2e/b", "/a/%2525", "/a/%00", "/a/..%5c", "/a%20"]
        {
            assert!(!is_plain(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_breaks_it(path in ".{0,60}") {
            prop_assert!(folded_path(&path).starts_with('/'));
            let _ = (climbs(&path), is_plain(&path));
        }

        #[test]
        fn one_more_encoding_changes_nothing(path in "/[a-c./;%]{0,12}") {
            let encoded: String = path.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(folded_path(&encoded), folded_path(&path));
            prop_assert_eq!(climbs(&encoded), climbs(&path));
        }

        #[test]
        fn a_folded_path_climbs_nowhere_and_folding_it_leads_no_further(path in "/(\\.|%2[eEfF]|%25|2e|/|;|a|%5c|A|%0[09]| |é){0,12}") {
            let folded = folded_path(&path);
            prop_assert!(folded.starts_with('/') && !folded.contains("//"));
            let last = folded.rsplit('/').next().unwrap();
            prop_assert!(![".", ".."].contains(&last), "{}", folded);
            if !folded.contains('%') {
                prop_assert!(!climbs(&folded), "{}", folded);
                prop_assert_eq!(folded_path(&folded), folded);
            }
        }
    }
}
