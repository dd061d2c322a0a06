//! Signals: the parts of a request that may identify the client or change the response, and whether
//! the configuration covers them.
//!
//! A request is passed to the origin if it has a signal that one of its cache types does not cover,
//! because the response might depend on it. docs/signals.md explains this to users.

use super::bypass::Bypass;
use super::identity::{Credentials, has_scope_claim};
use super::signal_name::SignalName;
use crate::config::{CacheType, Config, Identity, Scope, TokenPlace};
use crate::http::{is_neutral, is_token};

/// A part of a request that may identify the client or change the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal<'h> {
    /// A header, by its name in lower case.
    Header(&'h str),
    /// A cookie, by its name.
    Cookie(&'h str),
    /// What follows a comma or a space instead of `;`. Some servers read it as a cookie of that
    /// name, others as part of the cookie before it (RFC 6265 §4.2.1).
    MisplacedCookie(&'h str),
}

/// Which signals are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalSet {
    /// All signals.
    All,
    /// Those that RFC 9111 knows: `Authorization`, cookies, and the header or cookie of the token.
    /// For other headers the origin's `Vary` decides.
    Standard,
}

/// The check whether a request's cache types cover its signals.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignalCheck<'a> {
    pub config: &'a Config,
    pub credentials: Credentials<'a>,
    /// The cache types. Each must cover every signal; if there are none, nothing is covered.
    pub types: &'a [&'a CacheType],
    /// The names of the headers whose values are part of the key.
    pub keyed: &'a [String],
    pub signal_set: SignalSet,
}

impl<'a> SignalCheck<'a> {
    /// The signals that at least one of the cache types does not cover.
    pub fn uncovered(&self) -> Vec<Signal<'a>> {
        self.signals().filter(|signal| !self.covers(*signal)).collect()
    }

    /// The signals of the request.
    pub fn signals(&self) -> impl Iterator<Item = Signal<'a>> {
        let names = self.credentials.headers.iter().map(|(name, _)| name);
        let of_headers = names.filter(|name| self.is_signal(name)).map(Signal::Header);
        of_headers.chain(self.cookies())
    }

    fn is_signal(&self, header: &str) -> bool {
        if header == "cookie" || self.keyed.iter().any(|name| name == header) {
            return false;
        }
        let is_standard = header == "authorization" || self.token_header() == Some(header);
        is_standard
            || (self.signal_set == SignalSet::All
                && !is_neutral(header)
                && !self.config.ignores_header(header))
    }

    fn cookies(&self) -> impl Iterator<Item = Signal<'a>> {
        self.sent_cookies().filter(|signal| match signal {
            Signal::Cookie(name) | Signal::MisplacedCookie(name) => {
                self.token_cookie() == Some(name) || !self.config.ignores_cookie(name)
            }
            Signal::Header(_) => true,
        })
    }

    /// All cookies of the request, whether they are signals or not.
    pub fn sent_cookies(&self) -> impl Iterator<Item = Signal<'a>> {
        let lines = self.credentials.headers.get_all("cookie");
        let pairs = lines.flat_map(|line| line.split(';')).map(str::trim);
        pairs.filter(|pair| !pair.is_empty()).flat_map(cookies_of_pair)
    }

    fn covers(&self, signal: Signal<'_>) -> bool {
        !self.types.is_empty()
            && self.types.iter().all(|one| self.covering_scope(one, signal).is_some())
    }

    /// The scope of a cache type, if it covers a signal.
    pub fn covering_scope(&self, one: &CacheType, signal: Signal<'_>) -> Option<&'a Scope> {
        let scope = one.scope.as_ref().and_then(|name| self.config.scope(name));
        scope.filter(|scope| self.scope_covers(scope, signal))
    }

    /// Whether a scope depends on a signal, ignores it, or is shared by all clients (`by = []`).
    fn scope_covers(&self, scope: &Scope, signal: Signal<'_>) -> bool {
        if scope.by.is_empty() {
            return true;
        }
        let goes_by = |identity: Identity| scope.by.contains(&identity);
        match signal {
            Signal::Header(name) => {
                goes_by(Identity::Header(name.to_owned()))
                    || scope.ignores_header(name)
                    || (self.token_header() == Some(name)
                        && has_scope_claim(scope, self.credentials))
            }
            Signal::Cookie(name) => {
                goes_by(Identity::Cookie(name.to_owned()))
                    || scope.ignores_cookie(name)
                    || (self.token_cookie() == Some(name)
                        && has_scope_claim(scope, self.credentials))
            }
            // It is not known whether the origin reads it as a cookie, so no key can depend on it.
            Signal::MisplacedCookie(name) => scope.ignores_cookie(name),
        }
    }

    /// The header in which the token is.
    pub fn token_header(&self) -> Option<&str> {
        match &self.config.jwt.as_ref()?.place {
            TokenPlace::Header(name) => Some(name),
            TokenPlace::Cookie(_) => None,
        }
    }

    fn token_cookie(&self) -> Option<&str> {
        match &self.config.jwt.as_ref()?.place {
            TokenPlace::Header(_) => None,
            TokenPlace::Cookie(name) => Some(name),
        }
    }
}

/// The cookie in a pair, followed by the cookies that servers see which also split at commas and
/// spaces. A pair without `=` is the value of a cookie without a name.
fn cookies_of_pair(pair: &str) -> impl Iterator<Item = Signal<'_>> {
    let name = pair.split_once('=').map_or("", |(name, _)| name);
    let pieces = pair.split(|c: char| c == ',' || c.is_ascii_whitespace()).skip(1);
    let misplaced = pieces.filter_map(|piece| piece.split_once('=')).map(|(name, _)| name);
    // RFC 6265 §4.1.1: cookie-name = token.
    std::iter::once(Signal::Cookie(name.trim()))
        .chain(misplaced.filter(|name| is_token(name)).map(Signal::MisplacedCookie))
}

impl Signal<'_> {
    /// The reason to bypass the cache if this signal is not covered.
    pub fn bypass(self, config: &Config) -> Bypass {
        let token = config.jwt.as_ref().map(|jwt| &jwt.place);
        match self {
            Self::Header("authorization") => Bypass::AuthorizationWithoutScope,
            Self::Header(name) if token == Some(&TokenPlace::Header(name.to_owned())) => {
                Bypass::AuthorizationWithoutScope
            }
            Self::Header(name) => Bypass::HeaderWithoutScope(SignalName::new(name)),
            Self::Cookie(name) => Bypass::CookieWithoutScope(SignalName::new(name)),
            Self::MisplacedCookie(name) => Bypass::CookieSeparator(SignalName::new(name)),
        }
    }
}

#[cfg(test)]
mod tests;
