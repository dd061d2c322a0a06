//! The 404 that a browser gets while no token is configured: it says how to configure one.

use crate::http::{Headers, Request, Response};

/// The page's only style sheet is in its head, since there are no routes; `POLICY` has its digest.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Evergraph: no token is configured</title>
<style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1.25rem}h1{font-size:1.4rem}code{font:.875em ui-monospace,monospace}pre{padding:.75rem 1rem;border:1px solid #8886;border-radius:6px;overflow:auto}</style>
<main>
<h1>Evergraph has no admin token</h1>
<p>This page, and every other route under <code>/__evergraph/</code>, is off until the secret <code>ADMIN_TOKENS</code> is set. Use a long random text: <code>openssl rand -hex 32</code>.</p>
<p>For the deployed Worker:</p>
<pre tabindex="0"><code>npx wrangler secret put ADMIN_TOKENS</code></pre>
<p>On your own machine, a line in <code>.dev.vars</code>; then start again:</p>
<pre tabindex="0"><code>ADMIN_TOKENS=&lt;the token&gt;</code></pre>
</main>
</html>
"#;

const POLICY: &str = "default-src 'none'; style-src 'sha256-Y4A42yRmXxSjhqnB5jz9wzVXz5ZX3N9kG7ljTvj2DmA='; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page for a browser, which accepts HTML. Tools get JSON.
pub fn no_tokens_page(request: &Request) -> Option<Response> {
    let accepts_html = request.headers.get_all("accept").any(|value| value.contains("text/html"));
    let headers: Headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ]
    .into_iter()
    .collect();
    accepts_html.then(|| Response { status: 404, headers, body: PAGE.as_bytes().into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_policy_allows_the_style_sheet() {
        let style = PAGE.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let digest = crate::http::to_base64url(&Sha256::digest(style.as_bytes()));
        let digest = format!("{}=", digest.replace('-', "+").replace('_', "/"));
        assert!(POLICY.contains(&format!("'sha256-{digest}'")), "{digest}");
    }
}
