use super::*;
use crate::http::Url;
use serde_json::json;

fn config() -> Config {
    crate::config::parse(&json!({
        "bypass": ["/health", "/auth/*", "/caf%C3%A9/**"],
        "graphql": { "paths": ["/graphql", "/v1/GraphQL"] },
        "types": {
            "api": { "match": ["rest:/api/**"], "ttl": 60 },
            "account": { "match": ["rest:/api/account/**"], "ttl": 60, "scope": "user" },
            "never": { "match": ["rest:/api/Never/**"], "ttl": 0 },
        },
        "scopes": { "user": { "by": ["cookie:sid"] } },
    }))
    .unwrap()
}

fn class(method: &str, path: &str) -> RequestClass {
    class_with(method, path, &[])
}

fn class_with(method: &str, path: &str, headers: &[(&str, &str)]) -> RequestClass {
    let request = Request {
        method: Method::parse(method),
        url: Url::parse(&format!("http://h{path}")).unwrap(),
        headers: headers.iter().copied().collect(),
    };
    classify(&config(), &request)
}

#[test]
fn only_what_nobody_takes_for_a_write_fails_open() {
    let opens = |method: &str, path: &str, headers: &[(&str, &str)]| {
        fails_open(&Request {
            method: Method::parse(method),
            url: Url::parse(&format!("http://h{path}")).unwrap(),
            headers: headers.iter().copied().collect(),
        })
    };
    for (method, path) in [
        ("GET", "/"),
        ("HEAD", "/api/1?a=b"),
        ("OPTIONS", "/graphql"),
        ("GET", "/graphql?query=%7Bme%7D"),
        ("GET", "/mutation"),
    ] {
        assert!(opens(method, path, &[]), "{method} {path}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"] {
        assert!(!opens(method, "/", &[]), "{method}");
    }
    for path in ["/graphql?query=mutation%7Ba%7D", "/x?q=%6Dutation", "/x?q=%6D%00u"] {
        assert!(!opens("GET", path, &[]), "{path}");
    }
    assert!(!opens("GET", "/", &[("x-http-method-override", "DELETE")]));
    assert!(!opens("GET", "/graphql", &[("upgrade", "websocket")]));
}

#[test]
fn methods_that_purge_are_for_evergraph_if_the_configuration_says_so() {
    let purging =
        crate::config::parse(&json!({ "bypass": ["/health"], "purge": { "methods": true } }));
    let purging = purging.unwrap();
    for (method, path) in [("PURGE", "/api/1"), ("BAN", "/graphql"), ("PURGE", "/health")] {
        let request = Request {
            method: Method::parse(method),
            url: Url::parse(&format!("http://h{path}")).unwrap(),
            headers: Headers::new(),
        };
        assert_eq!(classify(&purging, &request), RequestClass::Admin, "{method} {path}");
        assert_ne!(classify(&config(), &request), RequestClass::Admin, "{method} {path}");
    }
}

const SPELLINGS: [&str; 10] = [
    "/GraphQL",
    "//graphql",
    "/graphql//",
    "/graphql;x",
    "/graphql%2f",
    "/%47raphql",
    "/graphql%00",
    "/graphql%3Fa",
    "/v1/graphql",
    "/V1%2fGraphql",
];

#[test]
fn a_write_to_any_spelling_of_a_graphql_path_is_read_as_graphql() {
    for path in ["/graphql", "/graphql/", "/graphql?x=1", "/gr%61phql", "/v1/GraphQL"] {
        assert_eq!(class("POST", path), RequestClass::GraphQlPost, "{path}");
        assert_eq!(class("GET", path), RequestClass::GraphQlGet, "{path}");
        assert_eq!(class("PUT", path), RequestClass::GraphQlUncached(Bypass::Method), "{path}");
        assert_eq!(class("HEAD", path), RequestClass::PassThrough(Bypass::Method), "{path}");
    }
    for path in SPELLINGS {
        let climbs = path.contains("%00");
        let reason = if climbs { Bypass::PathClimbs } else { Bypass::PathSpelling };
        assert_eq!(class("POST", path), RequestClass::GraphQlUncached(reason), "{path}");
        assert_eq!(class("GET", path), RequestClass::PassThrough(reason), "{path}");
        assert!(matches!(class("DELETE", path), RequestClass::GraphQlUncached(_)), "{path}");
    }
    assert_eq!(class("POST", "/x/..%2fgraphql"), RequestClass::GraphQlUncached(Bypass::PathClimbs));
    for path in ["/graphqls", "/graphql/x", "/x/graphql", "/graphql%2fx"] {
        assert_eq!(class("POST", path), RequestClass::RestWrite, "{path}");
        assert_eq!(class("GET", path), RequestClass::Rest, "{path}");
    }
}

#[test]
fn a_read_that_may_lead_elsewhere_passes_through() {
    for path in [
        "/api/catalog/..%2faccount%2fme",
        "/api/catalog/%2e%2e%2faccount/me",
        "/api/catalog/..%5caccount",
        "/api/catalog/..;/account/me",
        "/api/catalog/%252e%252e%252faccount",
        "/api/a%5cb",
        "/api/a%00",
    ] {
        for method in ["GET", "HEAD"] {
            assert_eq!(
                class(method, path),
                RequestClass::PassThrough(Bypass::PathClimbs),
                "{path}"
            );
        }
        assert_eq!(class("PUT", path), RequestClass::RestWrite, "{path}");
    }
    for path in ["/api/catalog/a..b", "/api/catalog/...", "/api/a%2fb", "/api/a;b", "/api//a"] {
        assert_eq!(class("GET", path), RequestClass::Rest, "{path}");
    }
}

#[test]
fn no_spelling_leads_around_a_type_that_is_stored_for_fewer() {
    for path in [
        "/api//account/me",
        "/api/Account/me",
        "/api/account;x/me",
        "/api%2faccount/me",
        "/API/ACCOUNT/me",
        "//api/account/me",
        "/api/./account%2fme",
        "/api/never/x",
        "/api/Never;x/x",
        "//health",
        "/Health",
        "/auth%2fx",
        "/AUTH/x",
    ] {
        for method in ["GET", "HEAD"] {
            assert_eq!(
                class(method, path),
                RequestClass::PassThrough(Bypass::PathSpelling),
                "{path}"
            );
        }
    }
    for path in ["/api/account/me", "/api/accounts", "/API/x", "//api/x", "/api/Never/x", "/x"] {
        assert_eq!(class("GET", path), RequestClass::Rest, "{path}");
    }
}

#[test]
fn a_write_to_a_bypassed_path_is_a_write_where_it_may_be_one_to_another() {
    for path in ["/health", "/health/", "/auth/x", "/auth/X%20y", "/caf%c3%a9/x/y"] {
        for method in ["GET", "PUT"] {
            assert_eq!(
                class(method, path),
                RequestClass::PassThrough(Bypass::BypassPath),
                "{path}"
            );
        }
    }
    for path in ["/auth/..%2fapi%2fproducts", "/auth/x%2fy", "/auth/..;", "/caf%C3%A9/..%5cx"] {
        assert_eq!(class("GET", path), RequestClass::PassThrough(Bypass::BypassPath), "{path}");
        assert_eq!(class("PUT", path), RequestClass::RestWrite, "{path}");
    }
    assert_eq!(class("PUT", "/Health"), RequestClass::RestWrite);
}

#[test]
fn a_header_makes_a_write_of_a_read() {
    for name in fields::METHOD_OVERRIDES.iter() {
        for value in ["DELETE", "post", " Patch ", "X", "GET, DELETE"] {
            for method in ["GET", "HEAD", "OPTIONS"] {
                let of = |path: &str| class_with(method, path, &[(name, value)]);
                for path in ["/api/x", "/api/account;x/me", "/api/a%5cb", "/auth/..%2fapi/x"] {
                    assert_eq!(
                        of(path),
                        RequestClass::RestWrite,
                        "{method} {path} {name}: {value}"
                    );
                }
                assert_eq!(of("/graphql"), RequestClass::GraphQlUncached(Bypass::Method));
                assert_eq!(of("/GraphQL"), RequestClass::GraphQlUncached(Bypass::Method));
                assert_eq!(
                    of("/x/..%2fgraphql"),
                    RequestClass::GraphQlUncached(Bypass::PathClimbs)
                );
                assert_eq!(of("/health"), RequestClass::PassThrough(Bypass::BypassPath));
            }
        }
        for value in ["", "GET", "head", " OPTIONS"] {
            assert_eq!(
                class_with("GET", "/api/x", &[(name, value)]),
                RequestClass::Rest,
                "{value}"
            );
            assert_eq!(class_with("POST", "/api/x", &[(name, value)]), RequestClass::RestWrite);
            assert_eq!(class_with("GET", "/graphql", &[(name, value)]), RequestClass::GraphQlGet);
        }
        let upgrade = [("upgrade", "websocket"), (name, "DELETE")];
        assert_eq!(class_with("GET", "/api/x", &upgrade), RequestClass::RestWrite);
        assert_eq!(class_with("POST", "/graphql", &[(name, "PUT")]), RequestClass::GraphQlPost);
    }
}

#[test]
fn a_read_whose_url_may_hold_a_mutation_is_read_wherever_it_may_be_graphql() {
    let long = "x".repeat(limits::URL_BYTES);
    let mutations = [
        "query=mutation{x}".to_owned(),
        "query=%6dutation%20%7Bx%7D".to_owned(),
        format!("query=mutation{{x}}&variables={long}"),
    ];
    for query in &mutations {
        let is_long = query.len() > limits::URL_BYTES;
        let reason = |short: Bypass| if is_long { Bypass::UrlTooLong } else { short };
        let of = |method: &str, path: &str| class(method, &format!("{path}?{query}"));
        let uncached = |reason| RequestClass::GraphQlUncached(reason);
        let exact = if is_long { uncached(Bypass::UrlTooLong) } else { RequestClass::GraphQlGet };
        assert_eq!(of("GET", "/graphql"), exact);
        assert_eq!(of("HEAD", "/graphql"), uncached(reason(Bypass::Method)));
        for method in ["GET", "HEAD"] {
            for path in
                ["/x/..%2fgraphql", "/auth/..%2fgraphql", "/%2e%2e/graphql", "/x%5c../graphql"]
            {
                assert_eq!(of(method, path), uncached(reason(Bypass::PathClimbs)), "{path}");
            }
            for path in SPELLINGS.iter().filter(|path| !crate::http::climbs(path)) {
                assert_eq!(of(method, path), uncached(reason(Bypass::PathSpelling)), "{path}");
            }
            for path in ["/health", "/api/x", "/api/account;x/me", "/graphqls"] {
                let class = of(method, path);
                assert!(
                    matches!(class, RequestClass::PassThrough(_) | RequestClass::Rest),
                    "{path} {class:?}"
                );
            }
        }
    }
    for query in ["query={x}", "query={x}&variables={}", "", "a=mutatio"] {
        for path in ["/GraphQL", "/x/..%2fgraphql", "/auth/..%2fgraphql"] {
            let class = class("GET", &format!("{path}?{query}"));
            assert!(matches!(class, RequestClass::PassThrough(_)), "{path}?{query} {class:?}");
        }
    }
}

#[test]
fn what_may_write_is_known_without_a_configuration_too() {
    let of = |config: Option<&Config>, method: &str, url: &str| {
        let url = Url::parse(&format!("http://h{url}")).unwrap();
        let request = Request { method: Method::parse(method), url, headers: Headers::new() };
        may_write(config, &request)
    };
    let config = config();
    for (method, url, with, without) in [
        ("POST", "/x", true, true),
        ("GET", "/graphql?query=mutation{x}", true, true),
        ("HEAD", "/GraphQL;x?query=mutation{x}", true, true),
        ("GET", "/x/..%2fgraphql?query=mutation{x}", true, true),
        ("GET", "/x?query=mutation{x}", false, true),
        ("OPTIONS", "/graphql?query=mutation{x}", false, false),
        ("GET", "/graphql?query={x}", false, false),
        ("GET", "/graphql", false, false),
    ] {
        assert_eq!(of(Some(&config), method, url), with, "{method} {url}");
        assert_eq!(of(None, method, url), without, "{method} {url}");
    }
}

#[test]
fn no_spelling_leads_around_a_type_that_says_nothing_of_who_shares() {
    let config = |own: serde_json::Value| {
        let mut types = json!({ "account": { "match": ["rest:/api/account/**"], "ttl": 60 } });
        types["api"] = own;
        let scopes = json!({
            "everyone": { "by": [] },
            "region": { "by": ["header:x-region"], "ignore": ["cookie:*"] },
        });
        crate::config::parse(&json!({ "types": types, "scopes": scopes })).unwrap()
    };
    let of = |config: &Config, path: &str| {
        let url = Url::parse(&format!("http://h{path}")).unwrap();
        classify(config, &Request { method: Method::Get, url, headers: Headers::new() })
    };
    let spelled = ["/api/Account/me", "/api//account/me", "/api/account;x/me", "/api%2faccount/me"];
    for scope in ["everyone", "region"] {
        let config = config(json!({ "match": ["rest:/**"], "ttl": 60, "scope": scope }));
        for path in spelled {
            assert_eq!(
                of(&config, path),
                RequestClass::PassThrough(Bypass::PathSpelling),
                "{path}"
            );
        }
        for path in ["/api/account/me", "/api/Catalog", "/api//catalog"] {
            assert_eq!(of(&config, path), RequestClass::Rest, "{path}");
        }
    }
    // A type without a scope covers nothing here either, and a path without a type follows RFC
    // 9111.
    for pattern in ["rest:/**", "rest:/other"] {
        let config = config(json!({ "match": [pattern], "ttl": 60 }));
        for path in spelled {
            assert_eq!(of(&config, path), RequestClass::Rest, "{path}");
        }
    }
}

#[test]
fn a_socket_on_any_spelling_of_a_graphql_path_is_read() {
    let socket = |path| class_with("GET", path, &[("upgrade", "WebSocket")]);
    for path in SPELLINGS.iter().chain(&["/graphql"]) {
        assert_eq!(socket(path), RequestClass::GraphQlSocket, "{path}");
    }
    for path in ["/live", "/health", "/graphqlx"] {
        assert_eq!(socket(path), RequestClass::PassThrough(Bypass::Upgrade), "{path}");
    }
}
