use super::super::{Bypass, Plan, SignalName, plan_graphql};
use super::*;
use crate::graphql::{Schema, analysis_of, analysis_with_schema};
use crate::http::{Headers, Method, Request, Url};
use crate::jwt::Claims;
use crate::policy::Rule;
use serde_json::{Value, json};

const SDL: &str = "
    type Query {
        products: [Product] me: User node: Node entries(drafts: Boolean): [Entry] other: Other
        now: Int search(kind: String, lang: String): [Product]
    }
    interface Node { id: ID }
    type Product implements Node { id: ID seller: User }
    type User implements Node { id: ID }
    type Entry { title: String }
    type Other { id: ID user: User }";

fn config(types: Value, default: Value) -> Config {
    crate::config::parse(&json!({
        "types": types,
        "default": default,
        "scopes": {
            "everyone": { "by": [] },
            "region": { "by": ["header:x-region"] },
            "user": { "by": ["header:authorization"] },
        },
    }))
    .unwrap()
}

fn planned_with(
    config: &Config,
    analysis: &Analysis,
    document: &str,
    variables: &str,
    fields: &[(&str, &str)],
) -> Result<Plan, Bypass> {
    let query = OperationRequest::of(document, variables);
    let request = Request {
        method: Method::Post,
        url: Url::parse("http://h/graphql").unwrap(),
        headers: fields.iter().copied().collect::<Headers>(),
    };
    plan_graphql(config, &request, &Claims::NotAsked, &query, analysis)
}

fn planned(config: &Config, document: &str, fields: &[(&str, &str)]) -> Result<Plan, Bypass> {
    planned_with(config, &analysis_of(document), document, "{}", fields)
}

/// The same with a schema.
fn expected(config: &Config, document: &str, fields: &[(&str, &str)]) -> Result<Plan, Bypass> {
    let schema = Schema::from_sdl(SDL).unwrap();
    planned_with(config, &analysis_with_schema(document, &schema), document, "{}", fields)
}

fn ttl(plan: &Plan) -> u64 {
    let Rule::AtMost(windows) = plan.rule else { panic!("{plan:?}") };
    windows.ttl.as_seconds()
}

const ALICE: (&str, &str) = ("authorization", "alice");
const NO_SCOPE: Result<Plan, Bypass> = Err(Bypass::AuthorizationWithoutScope);

#[test]
fn one_scope_does_not_vouch_for_the_other_fields() {
    for scope in ["everyone", "region"] {
        let types = json!({
            "catalog": { "match": ["graphql:Query.products"], "ttl": 60, "scope": scope },
        });
        let config = config(types, json!({}));
        let region = ("x-region", "eu");
        assert_eq!(planned(&config, "{ products { id } me { email } }", &[ALICE]), NO_SCOPE);
        assert_eq!(
            planned(&config, "{ products { id } me { email } }", &[ALICE, region]),
            NO_SCOPE
        );
        assert!(planned(&config, "{ products { id } }", &[region]).is_ok());
        assert_eq!(planned(&config, "{ products { id } }", &[ALICE]).is_ok(), scope == "everyone");
    }
}

#[test]
fn the_name_of_an_operation_widens_nothing() {
    let types = json!({
        "open": {
            "match": ["operation:Catalog*"], "ttl": 3600, "scope": "everyone", "override": true,
        },
        "never": { "match": ["operation:Never"], "ttl": 0 },
        "user": { "match": ["operation:Mine"], "ttl": 60, "scope": "user" },
    });
    let all = config(types.clone(), json!({ "ttl": 300, "scope": "everyone" }));
    let none = config(types.clone(), json!({ "ttl": 300 }));
    assert_eq!(planned(&none, "query CatalogZ { me { email } }", &[ALICE]), NO_SCOPE);
    let plan = planned(&none, "query CatalogZ { me { email } }", &[]).unwrap();
    assert_eq!((ttl(&plan), plan.overriding), (300, false));
    assert!(plan.tags.contains("type:open"));
    let never = Err(Bypass::TtlZero);
    assert_eq!(planned(&all, "query Never { me { email } }", &[ALICE]), never);
    let off = config(types, json!({ "ttl": 0 }));
    assert_eq!(planned(&off, "query CatalogZ { me { email } }", &[]), never);
    // What it adds to the key tells more people apart, and no fewer.
    let of = |who| planned(&all, "query Mine { me { email } }", &[("authorization", who)]).unwrap();
    assert_ne!(of("alice").key, of("bob").key);
    let others =
        |who| planned(&all, "query X { me { email } }", &[("authorization", who)]).unwrap();
    assert_eq!(others("alice").key, others("bob").key);
}

#[test]
fn a_field_that_no_type_matches_carries_the_default() {
    let types = json!({
        "catalog": { "match": ["graphql:Query.products"], "ttl": 3600, "override": true },
        "meta": { "match": ["graphql:Query.__*"], "ttl": 30, "scope": "everyone" },
    });
    let with_default = |default| config(types.clone(), default);
    let plain = with_default(json!({ "ttl": 300 }));
    let plan = planned(&plain, "{ products { id } me { id } }", &[]).unwrap();
    assert_eq!((ttl(&plan), plan.overriding), (300, false));
    let plan = planned(&plain, "{ __typename products { id } }", &[]).unwrap();
    assert_eq!((ttl(&plan), plan.overriding), (3600, true));
    let off = with_default(json!({ "ttl": 0 }));
    for document in ["{ me { id } }", "{ products { id } me { id } }", "{ __typename }"] {
        assert_eq!(planned(&off, document, &[]), Err(Bypass::TtlZero), "{document}");
    }
    assert!(planned(&off, "{ products { id } }", &[]).is_ok());
    assert!(planned(&off, "{ a: products { id } t: __typename }", &[]).is_ok());
    let open = with_default(json!({ "scope": "everyone" }));
    assert!(planned(&open, "{ me { id } }", &[ALICE]).is_ok(), "the default's scope counts");
    assert_eq!(planned(&open, "{ me { id } products { id } }", &[ALICE]), NO_SCOPE);
    assert!(planned(&open, "{ __typename }", &[ALICE]).is_ok());
    assert_eq!(planned(&plain, "{ __typename }", &[ALICE]), NO_SCOPE);
}

#[test]
fn introspection_is_a_field_like_others() {
    let with = |types| config(types, json!({ "ttl": 300 }));
    let own = with(json!({
        "meta": { "match": ["graphql:Query.__*"], "ttl": 30, "scope": "everyone" },
    }));
    let plan = planned(&own, "{ __schema { types { name } } }", &[ALICE]).unwrap();
    assert_eq!((ttl(&plan), plan.type_name.as_str()), (30, "meta"));
    let none = with(json!({}));
    assert_eq!(planned(&none, "{ __schema { types { name } } }", &[ALICE]), NO_SCOPE);
    let plan = planned(&none, "{ __typename __type(name: \"A\") { name } }", &[]).unwrap();
    assert_eq!((ttl(&plan), plan.type_name.as_str()), (300, "introspection"));
}

#[test]
fn a_header_without_scope_is_named() {
    let config = config(json!({}), json!({}));
    for name in ["x-api-key", "x-hasura-admin-secret", "cf-access-jwt-assertion"] {
        let expected = Err(Bypass::HeaderWithoutScope(SignalName::new(name)));
        assert_eq!(planned(&config, "{ me { id } }", &[(name, "secret")]), expected);
    }
    assert!(planned(&config, "{ me { id } }", &[("user-agent", "x")]).is_ok());
}

#[test]
fn a_header_in_vary_is_part_of_the_key() {
    let types = json!({
        "money": { "match": ["graphql:Query.products"], "ttl": 60, "vary": ["Content-Currency"] },
        "later": { "match": ["graphql:Review"], "ttl": 60, "vary": ["x-later"] },
    });
    let mut value = json!({ "types": types, "vary": ["store"] });
    value["default"] = json!({ "vary": ["x-default"] });
    let config = crate::config::parse(&value).unwrap();
    let key = |document, field| planned(&config, document, &[field]).unwrap().key;
    for (document, name) in [
        ("{ products { id } }", "content-currency"),
        ("{ products { id } }", "store"),
        ("{ products { id } }", "x-later"),
        ("{ me { id } }", "x-default"),
        ("{ me { id } }", "store"),
    ] {
        let keys = ["eur", "usd", ""].map(|value| key(document, (name, value)));
        let without = planned(&config, document, &[]).unwrap().key;
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && !keys.contains(&without), "{name}");
        assert_eq!(key(document, (name, "eur")), keys[0]);
    }
    let bypass = planned(&config, "{ me { id } }", &[("content-currency", "eur")]);
    assert_eq!(bypass.unwrap_err().as_str(), "header-without-scope");
}

#[test]
fn a_schema_tells_a_fields_own_type_and_what_is_deeper() {
    let types = json!({
        "product": { "match": ["graphql:Product"], "ttl": 600, "scope": "everyone" },
        "user": { "match": ["graphql:User"], "ttl": 60, "scope": "user" },
        "entry": { "match": ["graphql:Entry"], "ttl": 30 },
    });
    let config = config(types, json!({ "ttl": 300, "scope": "everyone" }));
    let plan = expected(&config, "{ products { id } }", &[ALICE]).unwrap();
    assert_eq!((ttl(&plan), plan.undeclared.len()), (600, 0));
    // Its own scope tells them apart; what is around it covers the signal as well.
    let plan = expected(&config, "{ products { seller { id } } }", &[ALICE]).unwrap();
    assert_eq!((ttl(&plan), plan.scopes.len()), (60, 2));
    let sid = Err(Bypass::CookieWithoutScope(SignalName::new("sid")));
    assert_eq!(expected(&config, "{ products { seller { id } } }", &[("cookie", "sid=1")]), sid);
    assert!(expected(&config, "{ products { id } }", &[("cookie", "sid=1")]).is_ok());
    // A type without a scope has no say deeper, and does as a field's own.
    assert_eq!(expected(&config, "{ entries { title } }", &[ALICE]), NO_SCOPE);
    // A type deeper in it does not replace the default.
    let plan = expected(&config, "{ other { user { id } } }", &[ALICE]).unwrap();
    assert_eq!((ttl(&plan), plan.undeclared), (60, vec!["other".to_owned()]));
}

#[test]
fn a_default_of_zero_is_lifted_by_nothing_that_is_deeper() {
    let types = json!({ "product": { "match": ["graphql:Product"], "ttl": 600 } });
    let config = config(types, json!({ "ttl": 0 }));
    let never = Err(Bypass::TtlZero);
    assert_eq!(expected(&config, "{ other { id } }", &[]), never);
    assert_eq!(expected(&config, "{ products { id } other { id } }", &[]), never);
    assert!(expected(&config, "{ products { id } }", &[]).is_ok());
    // Without a schema the answer has to show it.
    assert!(planned(&config, "{ other { id } }", &[]).is_ok());
}

#[test]
fn matches_by_argument_restrict_where_they_may_match_and_declare_where_they_do() {
    let types = json!({
        "entries": { "match": ["graphql:Query.entries"], "ttl": 3600 },
        "drafts": { "match": ["graphql:Query.entries(drafts: true)"], "ttl": 0 },
        "found": { "match": ["graphql:Query.search(kind: PRODUCT, lang: \"en\")"], "ttl": 60 },
    });
    let config = config(types, json!({ "ttl": 600 }));
    let of = |document: &str, variables: &str| {
        let plan = planned_with(&config, &analysis_of(document), document, variables, &[]);
        plan.map(|plan| ttl(&plan))
    };
    let never = Err(Bypass::TtlZero);
    assert_eq!(of("{ entries { title } }", "{}"), Ok(3600));
    assert_eq!(of("{ entries(drafts: false) { title } }", "{}"), Ok(3600));
    assert_eq!(of("{ entries(drafts: true) { title } }", "{}"), never);
    assert_eq!(of("{ a: entries { title } b: entries(drafts: true) { title } }", "{}"), never);
    let by_variable = "query ($d: Boolean = true) { entries(drafts: $d) { title } }";
    assert_eq!(of(by_variable, "{}"), never);
    assert_eq!(of(by_variable, "{\"d\":true}"), never);
    assert_eq!(of(by_variable, "{\"d\":false}"), Ok(3600));
    assert_eq!(of("{ entries(drafts: \"true\") { title } }", "{}"), never, "it may be that");
    let search = "query ($l: String) { search(kind: PRODUCT, lang: $l) { id } }";
    assert_eq!(of(search, "{\"l\":\"en\"}"), Ok(60));
    assert_eq!(of(search, "{\"l\":\"de\"}"), Ok(600));
    assert_eq!(of(search, "{}"), Ok(600));
    let plan = planned(&config, "{ search(kind: PRODUCT, lang: [\"en\"]) { id } }", &[]).unwrap();
    assert_eq!((ttl(&plan), plan.undeclared.len()), (60, 1), "it may be that, and may not");
    // One that matches nowhere else leaves the default in force.
    let both = "{ a: search(kind: PRODUCT, lang: \"en\") { id } search { id } }";
    let plan = planned(&config, both, &[]).unwrap();
    assert_eq!((ttl(&plan), plan.undeclared), (60, vec!["search".to_owned()]));
}
