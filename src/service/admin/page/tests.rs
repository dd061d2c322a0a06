use crate::http::Response;
use crate::service::context::Context;
use crate::service::testing::{Components, TestRuntime, request};
use serde_json::{Value, json};

struct Setup {
    runtime: TestRuntime,
    isolate: Components,
}

impl Setup {
    fn new() -> Self {
        let config = json!({ "service": "shop", "origin": "https://api.example.com" });
        Self { runtime: TestRuntime::new(), isolate: Components::new(&config) }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = request("GET", &format!("/__evergraph/{path}"));
        headers.iter().for_each(|(name, value)| request.headers.set(name, *value));
        let context = Context::new(self.runtime.clone(), request);
        self.runtime.run(self.isolate.admin().respond(&context))
    }
}

#[test]
fn the_page_is_for_everybody_and_has_a_strict_policy() {
    let setup = Setup::new();
    for (path, content_type, name) in [
        ("", "text/html; charset=utf-8", "page.html"),
        ("page.js", "text/javascript; charset=utf-8", "page.js"),
        ("page.css", "text/css; charset=utf-8", "page.css"),
    ] {
        let response = setup.get(path, &[]);
        assert_eq!(response.status, 200, "{path}");
        assert_eq!(&*response.body, format!("the text of {name}").as_bytes());
        assert_eq!(response.headers.get("content-type"), Some(content_type));
        let policy = response.headers.get("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; "));
        assert!(!policy.contains("unsafe"), "{policy}");
        let etag = response.headers.get("etag").unwrap();
        assert_eq!(setup.get(path, &[("if-none-match", etag)]).status, 304);
    }
}

#[test]
fn without_a_token_a_browser_is_told_how_to_configure_one() {
    let setup = Setup::new();
    let of_browser = |path: &str| {
        let response = setup.get(path, &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]);
        (response.status, String::from_utf8(response.body.to_vec()).unwrap())
    };
    assert_eq!(of_browser("").1, "the text of page.html");
    assert!(of_browser("nothing").1.starts_with('{'), "a token is configured");
    setup.runtime.has_secrets(None, None);
    for path in ["", "stats", "nothing"] {
        let (status, body) = of_browser(path);
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("npx wrangler secret put ADMIN_TOKENS"), "{body}");
    }
    let for_tools = setup.get("", &[]);
    assert_eq!(for_tools.status, 404);
    assert!(serde_json::from_slice::<Value>(&for_tools.body).is_ok());
}
