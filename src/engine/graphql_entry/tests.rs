use super::super::plan_graphql;
use super::*;
use crate::graphql::{OperationRequest, TypeKnowledge, analysis_of};
use crate::http::{Method, Request, Url};
use crate::json::Index;
use crate::jwt::Claims;
use crate::purge::Mark;
use crate::stored::Meta;
use crate::time::Timestamp;
use serde_json::{Value, json};

/// The metadata of the entry for a response to a query, with these types configured.
fn stored(
    types: Value,
    query: &str,
    data: Value,
    fields: &[(&str, &str)],
) -> Result<Meta, NotStored> {
    let config = crate::config::parse(&json!({
        "default": { "ttl": 300 },
        "types": types,
        "scopes": { "user": { "by": ["header:x-user"] } },
    }))
    .unwrap();
    let request = Request {
        method: Method::Post,
        url: Url::parse("http://h/graphql").unwrap(),
        headers: Headers::new(),
    };
    let analysis = analysis_of(query);
    let query = OperationRequest::of(query, "{}");
    let plan = plan_graphql(&config, &request, &Claims::NotChecked, &query, &analysis).unwrap();
    let mut headers: Headers = fields.iter().copied().collect();
    headers.set("content-type", "application/json; charset=utf-8");
    let json = json!({ "data": data });
    let fetched = FetchedResponse {
        request: &request,
        received: ReceivedHead {
            status: 200,
            headers: &headers,
            asked_at: Timestamp::from_millis(0),
            at: Timestamp::from_millis(0),
        },
        body: json.to_string().into_bytes().into(),
        mark: Mark { epoch: 1, seq: 1 },
    };
    let index = Index::from(&json);
    let shown = ResponseJson { json: index.root(), has_additions: false };
    let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
    graphql_entry(&config, &plan, &analysis, &knowledge, shown, fetched)
        .map(|stored| stored.entry.meta)
}

fn ttl(types: Value, query: &str, data: Value) -> Result<u64, NotStored> {
    stored(types, query, data, &[]).map(|meta| meta.ttl.as_seconds())
}

const TYPED: &str = "{ product { __typename id } }";
const UNTYPED: &str = "{ product { id } }";

fn typed() -> Value {
    json!({ "product": { "__typename": "Product", "id": 1 } })
}

fn untyped() -> Value {
    json!({ "product": { "id": 1 } })
}

#[test]
fn a_type_in_the_answer_replaces_the_default_and_restricts_what_matched() {
    let by_answer =
        json!({ "product": { "match": ["graphql:Product"], "ttl": 7200, "tags": ["catalog"] } });
    assert_eq!(ttl(by_answer.clone(), TYPED, typed()), Ok(7200));
    let tags = stored(by_answer, TYPED, typed(), &[]).unwrap().tags;
    for tag in ["Product", "Product:1", "type:product", "catalog"] {
        assert!(tags.iter().any(|one| one == tag), "{tag}");
    }
    let both = json!({
        "field": { "match": ["graphql:Query.product"], "ttl": 600 },
        "product": { "match": ["graphql:Product"], "ttl": 60 },
    });
    assert_eq!(ttl(both, TYPED, typed()), Ok(60));
}

#[test]
fn a_type_that_is_not_to_be_shared_or_cached_forbids_storing() {
    let never = json!({ "product": { "match": ["graphql:Product"], "ttl": 0 } });
    assert_eq!(ttl(never.clone(), TYPED, typed()), Err(NotStored::TtlZero));
    assert_eq!(ttl(never, UNTYPED, untyped()), Err(NotStored::TypesUnknown));
    let scoped = json!({ "product": { "match": ["graphql:Product"], "ttl": 60, "scope": "user" } });
    assert_eq!(ttl(scoped, TYPED, typed()), Err(NotStored::ScopeOfAnswer));
}

#[test]
fn an_unseen_type_shortens_the_default_alone() {
    let types = json!({
        "field": { "match": ["graphql:Query.product"], "ttl": 7200 },
        "user": { "match": ["graphql:User"], "ttl": 60 },
    });
    assert_eq!(ttl(types.clone(), UNTYPED, untyped()), Ok(7200));
    assert_eq!(ttl(types.clone(), "{ other { id } }", json!({ "other": { "id": 1 } })), Ok(60));
    assert_eq!(
        ttl(
            types,
            "{ other { __typename id } }",
            json!({ "other": { "__typename": "O", "id": 1 } })
        ),
        Ok(300)
    );
}

#[test]
fn prohibitions_are_overridden_where_every_type_says_so() {
    let types = |overriding: bool| {
        json!({
            "field": { "match": ["graphql:Query.product"], "ttl": 600, "override": true },
            "product": { "match": ["graphql:Product"], "ttl": 600, "override": overriding },
        })
    };
    let fields =
        [("cache-control", "no-store, max-age=0"), ("set-cookie", "a=b"), ("vary", "Cookie")];
    let meta = stored(types(true), TYPED, typed(), &fields).unwrap();
    assert_eq!((meta.ttl.as_seconds(), meta.headers.get("set-cookie")), (600, None));
    assert_eq!(stored(types(false), TYPED, typed(), &fields), Err(NotStored::NoStore));
}

#[test]
fn only_a_fields_own_types_replace_the_default() {
    let types = |overriding: bool| {
        json!({
            "field": { "match": ["graphql:Query.field"], "ttl": 7200, "override": true },
            "product": { "match": ["graphql:Product"], "ttl": 7200, "override": overriding },
        })
    };
    let product = || json!({ "__typename": "Product", "id": 1 });
    let other = || json!({ "__typename": "Other", "id": 1, "product": product() });
    let ttl = |query: &str, data| ttl(types(true), query, data);
    const FIELD: &str = "field { __typename id }";
    let and_field = |fields: &str| format!("{{ {FIELD} {fields} }}");
    // The default ttl is 300 seconds.
    for (fields, data, seconds) in [
        ("a { __typename id }", json!({ "a": product() }), 7200),
        ("a { __typename id }", json!({ "a": [product(), product()] }), 7200),
        ("a { __typename id }", json!({ "a": [product(), other()] }), 300),
        ("a { __typename id product { __typename id } }", json!({ "a": other() }), 300),
        ("a { __typename id } b { __typename id }", json!({ "a": product(), "b": other() }), 300),
        ("a { __typename id }", json!({ "a": null }), 300),
        ("a", json!({ "a": 1 }), 300),
    ] {
        assert_eq!(ttl(&format!("{{ {fields} }}"), data.clone()), Ok(seconds), "{fields} {data}");
        let mut both = data.clone();
        both["field"] = other();
        assert_eq!(ttl(&and_field(fields), both), Ok(seconds), "{fields} {data}");
    }
    let private = [("cache-control", "private")];
    let query = "{ field { __typename id } a { __typename id } }";
    let of = |a: Value| {
        let data = json!({ "field": product(), "a": a });
        stored(types(true), query, data, &private).map(drop)
    };
    assert_eq!(of(product()), Ok(()));
    assert_eq!(of(other()), Err(NotStored::Private));
}
