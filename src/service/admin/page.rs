//! `GET ` (the operator's page), `GET page.js` and `GET page.css`
//!
//! The page is for everybody and holds no data: it asks for a token, and sends that to the other routes.
//! Its sources are in `page/`.

use super::body::error;
use super::components::Admin;
use crate::http::{Headers, Response};
use crate::policy::{entity_tag, not_modified};
use crate::service::context::Context;
use crate::service::runtime::Runtime;

/// What a browser may do on the page: run its script, use its style sheet, and call this host. The
/// favicon is a `data:` URL.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Responds with the page.
pub async fn html<R: Runtime>(_admin: &Admin, context: &Context<R>) -> Response {
    asset(context, "page.html", "text/html; charset=utf-8")
}

/// Responds with its script.
pub async fn script<R: Runtime>(_admin: &Admin, context: &Context<R>) -> Response {
    asset(context, "page.js", "text/javascript; charset=utf-8")
}

/// Responds with its style sheet.
pub async fn style<R: Runtime>(_admin: &Admin, context: &Context<R>) -> Response {
    asset(context, "page.css", "text/css; charset=utf-8")
}

fn asset<R: Runtime>(context: &Context<R>, name: &str, content_type: &str) -> Response {
    let Some(text) = context.runtime.page_asset(name) else {
        return error(404, "this Worker was built without the page");
    };
    let etag = entity_tag(text.as_bytes());
    let headers: Headers = [
        ("content-type", content_type),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-cache"),
        ("etag", &etag),
    ]
    .into_iter()
    .collect();
    match not_modified(&context.request, &headers, 0) {
        true => Response { status: 304, headers, body: [].into() },
        false => Response { status: 200, headers, body: text.into_bytes().into() },
    }
}

#[cfg(test)]
mod tests;
