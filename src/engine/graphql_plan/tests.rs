use super::super::rest_plan::plan_rest;
use super::super::signal_name::SignalName;
use super::*;
use crate::graphql::analysis_of;
use crate::http::Url;
use serde_json::json;

fn config() -> Config {
    crate::config::parse(&json!({
        "service": "shop",
        "default": { "ttl": 300 },
        "types": {
            "product": { "match": ["graphql:Query.products", "rest:/api/products/**"], "ttl": 7200, "swr": 60 },
            "search": { "match": ["graphql:Query.search", "operation:Find*"], "ttl": 3600, "scope": "user" },
            "never": { "match": ["graphql:Query.now", "rest:/now"], "ttl": 0 },
        },
        "scopes": { "user": { "by": ["header:authorization"] } },
    }))
    .unwrap()
}

fn request(method: &str, url: &str, headers: &[(&str, &str)]) -> Request {
    Request {
        method: Method::parse(method),
        url: Url::parse(url).unwrap(),
        headers: headers.iter().copied().collect(),
    }
}

fn planned_as(document: &str, variables: &str, headers: &[(&str, &str)]) -> Result<Plan, Bypass> {
    let query = OperationRequest::of(document, variables);
    let analysis = analysis_of(document);
    plan_graphql(
        &config(),
        &request("POST", "http://h/graphql", headers),
        &Claims::NotChecked,
        &query,
        &analysis,
    )
}

fn planned(document: &str) -> Plan {
    planned_as(document, "{}", &[]).unwrap()
}

#[test]
fn keys_are_structured() {
    let key = planned("query GetProducts { products { id } }").key;
    assert!(key.as_str().starts_with("shop/2/gql/product/GetProducts/public/"), "{key:?}");
    let key = planned("{ other }").key;
    assert!(key.as_str().starts_with("shop/2/gql/default/anonymous/public/"), "{key:?}");
    let key = planned("{ __schema { types { name } } }").key;
    assert!(key.as_str().starts_with("shop/2/gql/introspection/anonymous/public/"), "{key:?}");
    let key = planned_as("query FindX { search }", "{}", &[("authorization", "t")]).unwrap().key;
    assert!(key.as_str().starts_with("shop/2/gql/search/FindX/user-"), "{key:?}");
    let plan = plan_rest(
        &config(),
        &request("GET", "http://h/api/products/7?x=1", &[]),
        &Claims::NotChecked,
    )
    .unwrap();
    assert!(plan.key.as_str().starts_with("shop/2/rest/product/api~products~7/public/"));
}

#[test]
fn several_types_restrict_each_other() {
    let plan = planned("{ products { id } search { id } }");
    let LifetimeRule::AtMost(lifetime) = plan.rule else { panic!("{plan:?}") };
    assert_eq!((lifetime.ttl.as_seconds(), lifetime.swr), (3600, Ttl::ZERO));
    assert_eq!((plan.type_name.as_str(), plan.scopes), ("search", vec!["user".to_owned()]));
    assert!(plan.tags.contains("type:product") && plan.tags.contains("type:search"));
    assert_eq!(planned_as("{ products { id } now }", "{}", &[]), Err(Bypass::TtlZero));
    assert_eq!(
        plan_rest(&config(), &request("GET", "http://h/now", &[]), &Claims::NotChecked),
        Err(Bypass::TtlZero)
    );
}

#[test]
fn what_may_change_the_answer_changes_the_key() {
    let document = "query Q($a: Int) { products(a: $a) { id } }";
    let of =
        |variables, headers: &[(&str, &str)]| planned_as(document, variables, headers).unwrap().key;
    let base = of("{}", &[]);
    assert_eq!(base, of("{\"undeclared\":1}", &[("user-agent", "x"), ("accept-encoding", "br")]));
    assert_ne!(base, of("{\"a\":1}", &[]));
    assert_ne!(base, of("{}", &[("accept", "application/graphql-response+json")]));
    let rest = |url: &str| {
        plan_rest(&config(), &request("GET", url, &[]), &Claims::NotChecked).unwrap().key
    };
    assert_ne!(rest("http://h/api/products/1"), rest("http://h/api/products/1?x"));
    assert_eq!(
        plan_rest(&config(), &request("HEAD", "http://h/x", &[]), &Claims::NotChecked).unwrap().key,
        plan_rest(&config(), &request("GET", "http://h/x", &[]), &Claims::NotChecked).unwrap().key
    );
}

#[test]
fn who_asks_matters() {
    let refused = |document: &str, header| planned_as(document, "{}", &[header]).unwrap_err();
    assert_eq!(
        refused("{ products { id } }", ("authorization", "t")),
        Bypass::AuthorizationWithoutScope
    );
    assert_eq!(
        refused("{ products { id } }", ("cookie", "s=1")),
        Bypass::CookieWithoutScope(SignalName::new("s"))
    );
    let of =
        |token| planned_as("{ search { id } }", "{}", &[("authorization", token)]).unwrap().key;
    assert_ne!(of("one"), of("two"));
}

#[test]
fn a_get_and_a_post_do_not_share() {
    let document = "{ products { id } }";
    let query = OperationRequest::of(document, "{}");
    let analysis = analysis_of(document);
    let key = |method, url, headers: &[(&str, &str)]| {
        plan_graphql(
            &config(),
            &request(method, url, headers),
            &Claims::NotChecked,
            &query,
            &analysis,
        )
        .unwrap()
        .key
    };
    let get = key("GET", "http://h/graphql?query=a&x=1", &[]);
    assert_ne!(get, key("POST", "http://h/graphql?x=1", &[]));
    assert_eq!(get, key("GET", "http://h/graphql?x=1&query=a", &[]));
    assert_ne!(get, key("GET", "http://h/graphql?query=a&x=2", &[]));
    assert_ne!(
        get,
        key("GET", "http://h/graphql?query=a&x=1", &[("apollo-require-preflight", "1")])
    );
}
