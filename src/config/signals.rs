//! Which signals of a request the configuration covers or ignores: `scopes`, `ignore_cookies`,
//! `ignore_headers` and `vary`. A signal is a part of a request that may say who is asking.

use super::root::Config;
use super::scopes::{Identity, Scope, SignalPattern};
use crate::http::glob;

impl Config {
    /// Whether `ignore_cookies` names a cookie. A pattern with `*` does not include the cookies that
    /// scopes are based on.
    pub fn ignores_cookie(&self, cookie: &str) -> bool {
        self.ignore_cookies.iter().any(|pattern| {
            names(pattern, cookie, || self.scopes.iter().any(|one| one.resembles_cookie(cookie)))
        })
    }

    /// Whether `ignore_headers` names a header. A pattern with `*` does not include the headers that
    /// scopes are based on.
    pub fn ignores_header(&self, header: &str) -> bool {
        self.ignore_headers.iter().any(|pattern| {
            names(pattern, header, || self.scopes.iter().any(|one| one.resembles_header(header)))
        })
    }

    /// Whether a request header is part of any key: a scope is based on it, or `vary` names it.
    pub fn keys_by_header(&self, header: &str) -> bool {
        let of_types = self.types.iter().chain([&self.default_type]).flat_map(|one| &one.vary);
        let by = |scope: &Scope| {
            scope.by.iter().any(|by| matches!(by, Identity::Header(name) if name == header))
        };
        self.vary.iter().chain(of_types).any(|name| name == header) || self.scopes.iter().any(by)
    }
}

impl Scope {
    /// Whether `ignore` names a cookie. A pattern with `*` does not include the scope's own cookies.
    pub fn ignores_cookie(&self, cookie: &str) -> bool {
        self.ignore.iter().any(|one| {
            matches!(one, SignalPattern::Cookie(pattern)
                if names(pattern, cookie, || self.resembles_cookie(cookie)))
        })
    }

    /// Whether `ignore` names a header. A pattern with `*` does not include the scope's own headers.
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

/// Whether a pattern includes a name. A pattern with `*` does not include `reserved` names.
fn names(pattern: &str, name: &str, reserved: impl FnOnce() -> bool) -> bool {
    pattern == name || (pattern.contains('*') && glob(pattern, name) && !reserved())
}

/// Whether an origin may take one name for the other. PHP decodes the names of cookies and replaces
/// `.` by `_`, CGI replaces `-` in headers by `_`, and some servers compare without case.
fn resembles(sent: &str, name: &str) -> bool {
    let plain = |text: &str| {
        let bytes = text.bytes().filter(u8::is_ascii_alphanumeric);
        bytes.map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>()
    };
    sent.contains('%') || plain(sent) == plain(name)
}

#[cfg(test)]
mod tests;
