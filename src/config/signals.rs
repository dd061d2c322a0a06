//! What of a request may say who is asking, as far as the configuration names it: `scopes`,
//! `ignore_cookies`, `ignore_headers` and `vary`.

use super::kinds::{Config, Identity, Scope, SignalPattern};
use super::section::Section;
use super::words::name;
use crate::http::glob;

/// Reads `scopes`.
pub(super) fn scopes(root: &Section<'_>) -> Vec<Scope> {
    let has_tokens = root.has("jwt");
    root.entries("scopes")
        .into_iter()
        .map(|(scope_name, value)| {
            let path = format!("scopes.{scope_name}");
            if scope_name == "public" {
                root.faults().add(&path, "this name is Evergraph's own; choose another");
            }
            name(root, &path, scope_name);
            let section = Section::new(path, Some(value), root.faults());
            if section.value("by").is_none() {
                section
                    .faults()
                    .add(&section.path_of("by"), "a scope says what tells people apart");
            }
            let by = section.list("by", |text| parse_identity(text, has_tokens));
            let ignore = section.list("ignore", parse_signal_pattern);
            section.report_unknown();
            Scope { name: scope_name.to_owned(), by, ignore }
        })
        .collect()
}

fn parse_identity(text: &str, has_tokens: bool) -> Result<Identity, String> {
    match text.split_once(':') {
        Some(("header", header)) if !header.is_empty() => {
            Ok(Identity::Header(header.to_ascii_lowercase()))
        }
        Some(("cookie", cookie)) if !cookie.is_empty() => Ok(Identity::Cookie(cookie.to_owned())),
        Some(("jwt", claim)) if claim.split('.').all(|name| !name.is_empty()) => {
            let without =
                format!("{text:?} needs the table jwt, which says how tokens are verified");
            has_tokens.then(|| Identity::Claim(claim.to_owned())).ok_or(without)
        }
        _ => Err(format!(
            "expected \"header:<name>\", \"cookie:<name>\" or \"jwt:<claim>\", found {text:?}"
        )),
    }
}

fn parse_signal_pattern(text: &str) -> Result<SignalPattern, String> {
    match text.split_once(':') {
        Some(("header", header)) if !header.is_empty() => {
            Ok(SignalPattern::Header(header.to_ascii_lowercase()))
        }
        Some(("cookie", cookie)) if !cookie.is_empty() => {
            Ok(SignalPattern::Cookie(cookie.to_owned()))
        }
        _ => Err(format!(
            "expected \"header:<name>\" or \"cookie:<name>\", \"*\" allowed, found {text:?}"
        )),
    }
}

impl Config {
    /// Whether `ignore_cookies` names a cookie. A pattern with `*` does not name the cookies by
    /// which a scope goes.
    pub fn ignores_cookie(&self, cookie: &str) -> bool {
        self.ignore_cookies.iter().any(|pattern| {
            names(pattern, cookie, || self.scopes.iter().any(|one| one.resembles_cookie(cookie)))
        })
    }

    /// Whether `ignore_headers` names a header. A pattern with `*` does not name the headers by
    /// which a scope goes.
    pub fn ignores_header(&self, header: &str) -> bool {
        self.ignore_headers.iter().any(|pattern| {
            names(pattern, header, || self.scopes.iter().any(|one| one.resembles_header(header)))
        })
    }

    /// Whether a request header is in some key: a scope goes by it, or `vary` names it.
    pub fn keys_by_header(&self, header: &str) -> bool {
        let of_types = self.types.iter().chain([&self.default_type]).flat_map(|one| &one.vary);
        let by = |scope: &Scope| {
            scope.by.iter().any(|by| matches!(by, Identity::Header(name) if name == header))
        };
        self.vary.iter().chain(of_types).any(|name| name == header) || self.scopes.iter().any(by)
    }
}

impl Scope {
    /// Whether `ignore` names a cookie. A pattern with `*` does not name the scope's own.
    pub fn ignores_cookie(&self, cookie: &str) -> bool {
        self.ignore.iter().any(|one| {
            matches!(one, SignalPattern::Cookie(pattern)
                if names(pattern, cookie, || self.resembles_cookie(cookie)))
        })
    }

    /// Whether `ignore` names a header. A pattern with `*` does not name the scope's own.
    pub fn ignores_header(&self, header: &str) -> bool {
        self.ignore.iter().any(|one| {
            matches!(one, SignalPattern::Header(pattern)
                if names(pattern, header, || self.resembles_header(header)))
        })
    }

    fn resembles_cookie(&self, cookie: &str) -> bool {
        self.by.iter().any(|by| matches!(by, Identity::Cookie(name) if resembles(cookie, name)))
    }

    fn resembles_header(&self, header: &str) -> bool {
        self.by.iter().any(|by| matches!(by, Identity::Header(name) if resembles(header, name)))
    }
}

/// Whether a pattern names something; one with `*` only where it is not `reserved`.
fn names(pattern: &str, name: &str, reserved: impl FnOnce() -> bool) -> bool {
    pattern == name || (pattern.contains('*') && glob(pattern, name) && !reserved())
}

/// Whether an origin may take one name for the other: PHP decodes the names of cookies and writes
/// `_` for `.`, CGI writes `_` for the `-` of headers, and some compare without case.
fn resembles(sent: &str, name: &str) -> bool {
    let plain = |text: &str| {
        let bytes = text.bytes().filter(u8::is_ascii_alphanumeric);
        bytes.map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>()
    };
    sent.contains('%') || plain(sent) == plain(name)
}

#[cfg(test)]
mod tests;
