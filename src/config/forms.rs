//! The forms of strings in the configuration, as regular expressions for the JSON Schema.
//!
//! A form may match strings that the parser refuses, but must match every string that it accepts: an
//! editor must not underline what works. tests/e2e/configuration/schema.test.mjs compares the two.

use super::key::TextForm;

/// A form. The Worker has no use for it, so nothing of it is in the Wasm.
const fn form(pattern: &'static str, examples: &'static [&'static str]) -> TextForm {
    if cfg!(target_arch = "wasm32") {
        TextForm { pattern: "", examples: &[] }
    } else {
        TextForm { pattern, examples }
    }
}

/// A name that becomes a segment of keys, or the name of a cache type or scope.
pub(super) const NAME: TextForm = form("^[A-Za-z0-9_-]{1,64}$", &["shop", "product"]);

/// Scheme, host and port.
pub(super) const ORIGIN: TextForm =
    form("^https?://[^/?# ]+/*$", &["https://api.example.com", "http://127.0.0.1:4000"]);

/// A path pattern.
pub(super) const PATH: TextForm = form(
    r"^(?:/(?:\*\*|:[^/]+|(?!:)(?:(?!\*\*)[^/])*))+$",
    &["/api/products/:id", "/api/auth/**", "/graphql"],
);

/// A glob that matches names of cookies.
pub(super) const COOKIE_GLOB: TextForm = form("", &["csrftoken", "_ga*", "*"]);

/// A glob that matches names of request headers.
pub(super) const HEADER_GLOB: TextForm = form(HEADER.pattern, &["x-client-build", "x-app-*"]);

/// The name of a request header.
pub(super) const HEADER: TextForm =
    form("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", &["store", "accept-language"]);

/// The name of a response header that holds tags.
pub(super) const TAG_HEADER: TextForm = form("^[!#$%&'+.^_`|~0-9A-Za-z-]+$", &["x-graphql-keys"]);

/// The name of a GraphQL type or field.
pub(super) const GRAPHQL_NAME: TextForm = form("^[_A-Za-z][_0-9A-Za-z]*$", &["Product", "sku"]);

/// A glob that matches GraphQL names.
pub(super) const GRAPHQL_GLOB: TextForm = form("^[_*0-9A-Za-z]+$", &["publishCatalog", "track*"]);

/// What a cache type matches.
pub(super) const MATCH: TextForm = form(
    concat!(
        r"^(?:graphql:[_A-Za-z][_0-9A-Za-z]*",
        r"|graphql:Query\.[_*0-9A-Za-z]+(?:\s*\([\s\S]*\)\s*)?",
        r"|operation:[_*0-9A-Za-z]+",
        r"|rest:(?:/(?:\*\*|:[^/]+|(?!:)(?:(?!\*\*)[^/])*))+)$",
    ),
    &[
        "graphql:Product",
        "graphql:Query.products",
        "graphql:Query.search(kind: PRODUCT)",
        "operation:Catalog*",
        "rest:/api/products/**",
    ],
);

/// A tag.
pub(super) const TAG: TextForm = form(r"^[!-+\--~]{1,1024}$", &["Product", "type:product"]);

/// A tag with placeholders.
pub(super) const TAG_TEMPLATE: TextForm =
    form("", &["Product", "Product:{id}", "Product:{$.items[*].id}"]);

/// The name of a scope.
pub(super) const SCOPE: TextForm = form("", &["public", "user"]);

/// What tells clients apart.
pub(super) const IDENTITY: TextForm = form(
    r"^(?:(?:header|cookie):[\s\S]+|jwt:[^.]+(?:\.[^.]+)*)$",
    &["header:authorization", "cookie:session", "jwt:sub"],
);

/// A signal that a scope sets aside.
pub(super) const SIGNAL: TextForm =
    form(r"^(?:header|cookie):[\s\S]+$", &["cookie:theme", "header:x-app-*"]);

/// The name of a query parameter, or a glob.
pub(super) const PARAMETER: TextForm = form(NOT_EMPTY.pattern, &["page", "utm_*"]);

/// A status other than 200 of a complete response.
pub(super) const STATUS: TextForm =
    form(r"^0*(?:20[3-57-9]|2[1-9]\d|3(?!04)\d\d|4(?!12|16)\d\d|5\d\d)$", &["404", "301"]);

/// The address of an issuer's keys.
pub(super) const JWKS: TextForm = form(
    r"^(?:https://[^/?# @\\]+|http://(?:(?:127\.0\.0\.1|localhost)(?::[^/?# @\\:]*)?|\[::1\]:[^/?# @\\:]*))(?:[/?#][\s\S]*)?$",
    &["https://login.example.com/.well-known/jwks.json"],
);

/// The address of a Cloudflare Access team.
pub(super) const ACCESS_TEAM: TextForm = form(
    r"^(?:https://[^/?# @\\]+|http://(?:(?:127\.0\.0\.1|localhost)(?::[^/?# @\\:]*)?|\[::1\]:[^/?# @\\:]*))/*$",
    &["https://example.cloudflareaccess.com"],
);

/// An e-mail address, roughly.
pub(super) const EMAIL: TextForm = form("@", &["ann@example.com"]);
/// The address that alerts are sent to.
pub(super) const WEBHOOK: TextForm = form(JWKS.pattern, &["https://alerts.example.com/evergraph"]);

/// Any string except the empty one.
pub(super) const NOT_EMPTY: TextForm = form(r"[\s\S]", &["x-token", "https://login.example.com/"]);
