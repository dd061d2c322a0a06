use super::super::{
    FetchedResponse, graphql_entry, plan_graphql, plan_rest, rest_entry, shortened_entry,
};
use crate::config::Config;
use crate::engine::Plan;
use crate::graphql::{OperationRequest, ResponseJson, TypeKnowledge, analysis_of};
use crate::http::{Headers, Method, Request, Url};
use crate::json::Index;
use crate::jwt::Claims;
use crate::policy::ReceivedHead;
use crate::purge::Mark;
use crate::stored::{Entry, Meta};
use crate::time::{Timestamp, Ttl};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn config(types: &Value, default_ttl: u64) -> Config {
    crate::config::parse(&json!({ "default": { "ttl": default_ttl }, "types": types })).unwrap()
}

fn request(method: &str, target: &str) -> Request {
    Request {
        method: Method::parse(method),
        url: Url::parse(&format!("http://h{target}")).unwrap(),
        headers: Headers::new(),
    }
}

fn fetched<'a>(
    request: &'a Request,
    headers: &'a Headers,
    (status, body): (u16, &str),
) -> FetchedResponse<'a> {
    let at = Timestamp::from_millis(1_000_000);
    FetchedResponse {
        request,
        received: ReceivedHead { status, headers, asked_at: at, at },
        body: body.as_bytes().into(),
        mark: Mark { epoch: 1, seq: 1 },
    }
}

/// A query and its response, without a schema.
#[derive(Debug, Clone)]
struct Query {
    text: &'static str,
    data: Value,
}

impl Query {
    fn plan(&self, config: &Config) -> Option<Plan> {
        let query = OperationRequest::of(self.text, "{}");
        let request = request("POST", "/graphql");
        plan_graphql(config, &request, &Claims::NotChecked, &query, &analysis_of(self.text)).ok()
    }

    fn entry(&self, config: &Config, cache_control: &str) -> Option<Entry> {
        let plan = self.plan(config)?;
        let request = request("POST", "/graphql");
        let fields = [("content-type", "application/json"), ("cache-control", cache_control)];
        let headers: Headers = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let json = json!({ "data": self.data });
        let index = Index::from(&json);
        let shown = ResponseJson { json: index.root(), has_additions: false };
        let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
        let analysis = analysis_of(self.text);
        let body = json.to_string();
        let fetched = fetched(&request, &headers, (200, &body));
        let built = graphql_entry(config, &plan, &analysis, &knowledge, shown, fetched);
        built.ok().map(|stored| stored.entry)
    }

    /// The metadata after a deploy of `after` of what was stored under `before`. `None` if the query is
    /// not looked up, or has another key.
    fn deployed(&self, before: &Config, after: &Config, cache_control: &str) -> Option<Meta> {
        let entry = self.entry(before, cache_control)?;
        let plan = self.plan(after).filter(|plan| plan.key.as_str() == entry.meta.key)?;
        Some(shortened_entry(after, &plan, &entry).unwrap_or(entry).meta)
    }
}

fn product() -> Query {
    let data = json!({ "product": { "__typename": "Product", "id": 1 } });
    Query { text: "{ product { __typename id } }", data }
}

fn two_fields() -> Query {
    let data = json!({
        "product": { "__typename": "Product", "id": 1 },
        "user": { "__typename": "User", "id": 2 },
    });
    Query { text: "{ product { __typename id } user { __typename id } }", data }
}

fn untyped() -> Query {
    Query { text: "{ product { id } }", data: json!({ "product": { "id": 1 } }) }
}

fn typed(field: &str, ttl: u64) -> Value {
    json!({ "product": { "match": [field], "ttl": ttl } })
}

/// The seconds for which the response to `product` is fresh after a deploy.
fn seconds(before: Value, after: Value) -> Option<u64> {
    let (before, after) = (config(&before, 300), config(&after, 300));
    product().deployed(&before, &after, "").map(|meta| meta.ttl.as_seconds())
}

#[test]
fn a_lower_ttl_shortens_and_a_higher_one_does_not_extend() {
    for field in ["graphql:Query.product", "graphql:Product"] {
        assert_eq!(seconds(typed(field, 7200), typed(field, 60)), Some(60), "{field}");
        assert_eq!(seconds(typed(field, 60), typed(field, 7200)), Some(60), "{field}");
    }
    // A type that only the response shows is not known when the query is planned.
    let (before, after) = (typed("graphql:Product", 7200), typed("graphql:Product", 0));
    assert_eq!(seconds(before, after), Some(0));
}

#[test]
fn a_type_that_is_new_or_gone_counts() {
    let product = typed("graphql:Product", 7200);
    assert_eq!(seconds(json!({}), typed("graphql:Product", 60)), Some(60));
    assert_eq!(seconds(product.clone(), json!({})), Some(300), "the default again");
    assert_eq!(seconds(product.clone(), typed("graphql:Other", 7200)), Some(300));
    let renamed = json!({ "goods": { "match": ["graphql:Product"], "ttl": 7200 } });
    assert_eq!(seconds(product, renamed), Some(300), "whether it is the same is not known");
}

#[test]
fn the_default_counts_only_where_it_did() {
    let types = typed("graphql:Product", 7200);
    let (before, after) = (config(&types, 300), config(&types, 60));
    let of = |query: Query| query.deployed(&before, &after, "").unwrap().ttl.as_seconds();
    assert_eq!(of(product()), 7200);
    assert_eq!(of(two_fields()), 60);
    let never = config(&types, 0);
    assert_eq!(product().deployed(&before, &never, "").unwrap().ttl.as_seconds(), 7200);
    assert!(two_fields().deployed(&before, &never, "").unwrap().ttl.is_zero());
}

#[test]
fn the_default_counts_where_a_type_may_no_longer_match() {
    let types = |user: &str| {
        json!({
            "product": { "match": ["graphql:Product"], "ttl": 7200 },
            "user": { "match": [user], "ttl": 7200 },
        })
    };
    // Both types still apply, and one of the root fields has neither.
    let (before, after) =
        (config(&types("graphql:User"), 300), config(&types("graphql:Product"), 60));
    assert_eq!(two_fields().deployed(&before, &before, "").unwrap().ttl.as_seconds(), 7200);
    assert_eq!(two_fields().deployed(&before, &after, "").unwrap().ttl.as_seconds(), 60);
}

#[test]
fn an_object_of_unknown_type_may_be_of_any() {
    let before = config(&typed("graphql:Product", 7200), 300);
    for (ttl, left) in [(60, 60), (0, 0), (600, 300)] {
        let after = config(&typed("graphql:Product", ttl), 300);
        let meta = untyped().deployed(&before, &after, "").unwrap();
        assert_eq!(meta.ttl.as_seconds(), left);
    }
}

#[test]
fn stale_times_are_limited_as_well() {
    let with = |swr: u64, sie: u64| {
        let types = json!({ "product": {
            "match": ["graphql:Product"], "ttl": 60, "swr": swr, "sie": sie,
        } });
        config(&types, 300)
    };
    let meta = product().deployed(&with(100, 200), &with(10, 20), "").unwrap();
    assert_eq!((meta.swr.as_seconds(), meta.sie.as_seconds()), (10, 20));
    let meta = product().deployed(&with(10, 20), &with(100, 200), "").unwrap();
    assert_eq!((meta.swr.as_seconds(), meta.sie.as_seconds()), (10, 20));
}

#[test]
fn without_override_what_it_permitted_is_not_used() {
    let overriding = json!({ "product": {
        "match": ["graphql:Product", "rest:/p"], "ttl": 60, "override": true,
    } });
    let plain = json!({ "product": { "match": ["graphql:Product", "rest:/p"], "ttl": 60 } });
    let (before, after) = (config(&overriding, 300), config(&plain, 300));
    assert!(product().deployed(&before, &after, "no-store").unwrap().ttl.is_zero());
    assert!(rest(&before, &after, "no-store").unwrap().ttl.is_zero());
    let allowed = rest(&before, &after, "max-age=5").unwrap();
    assert_eq!(allowed.ttl.as_seconds(), 60, "nothing forbade it");
}

/// The metadata after a deploy of what was stored of `GET /p`.
fn rest(before: &Config, after: &Config, cache_control: &str) -> Option<Meta> {
    rest_with_status(before, after, cache_control, 200)
}

fn rest_with_status(
    before: &Config,
    after: &Config,
    cache_control: &str,
    status: u16,
) -> Option<Meta> {
    rest_with(before, after, &[("cache-control", cache_control)], status)
}

fn rest_with(
    before: &Config,
    after: &Config,
    fields: &[(&str, &str)],
    status: u16,
) -> Option<Meta> {
    let request = request("GET", "/p");
    let headers: Headers = fields.iter().copied().collect();
    let plan = plan_rest(before, &request, &Claims::NotChecked).ok()?;
    let entry = rest_entry(before, &plan, fetched(&request, &headers, (status, "x"))).ok()?;
    let plan = plan_rest(after, &request, &Claims::NotChecked).ok()?;
    let plan = Some(plan).filter(|plan| plan.key.as_str() == entry.meta.key)?;
    Some(shortened_entry(after, &plan, &entry).unwrap_or(entry).meta)
}

#[test]
fn a_rest_response_has_the_smaller_of_both_times() {
    let ttl = |ttl: Value| config(&json!({ "p": { "match": ["rest:/p"], "ttl": ttl } }), 300);
    let origin = || ttl(json!("origin"));
    let seconds = |before: &Config, after: &Config| {
        rest(before, after, "max-age=500").map(|meta| meta.ttl.as_seconds())
    };
    assert_eq!(seconds(&ttl(json!(7200)), &ttl(json!(60))), Some(60));
    assert_eq!(seconds(&ttl(json!(60)), &ttl(json!(7200))), Some(60));
    assert_eq!(seconds(&origin(), &ttl(json!(60))), Some(60));
    assert_eq!(seconds(&origin(), &ttl(json!(7200))), Some(500));
    assert_eq!(seconds(&origin(), &origin()), Some(500));
    assert_eq!(seconds(&ttl(json!(7200)), &origin()), Some(0), "the origin is asked");
    assert_eq!(seconds(&ttl(json!(7200)), &ttl(json!(0))), None, "it is not looked up");
}

#[test]
fn without_heuristic_an_estimated_lifetime_is_not_used() {
    let heuristic = |on: bool| {
        let types = json!({ "p": { "match": ["rest:/p"], "ttl": "origin" } });
        crate::config::parse(&json!({ "types": types, "rest": { "heuristic": on } })).unwrap()
    };
    let after = |fields: &[(&str, &str)], before: &Config, after: &Config| {
        rest_with(before, after, fields, 200).map(|meta| meta.ttl.as_seconds())
    };
    let estimated = [("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT")];
    let stated = [estimated[0], ("cache-control", "max-age=7")];
    assert_eq!(after(&estimated, &heuristic(true), &heuristic(true)), Some(100));
    assert_eq!(after(&estimated, &heuristic(true), &heuristic(false)), Some(0));
    assert_eq!(after(&stated, &heuristic(true), &heuristic(false)), Some(7));
}

#[test]
fn a_lower_client_ttl_applies_to_what_is_stored() {
    let with = |client_ttl: Value| {
        config(
            &json!({ "p": {
                "match": ["rest:/p", "graphql:Product"], "ttl": 600, "client_ttl": client_ttl,
            } }),
            300,
        )
    };
    let cache_control =
        |meta: Option<Meta>| meta.unwrap().headers.get("cache-control").map(str::to_owned);
    for (before, after, left) in [
        (json!(600), json!(0), "max-age=0, must-revalidate"),
        (json!(600), json!(60), "max-age=60"),
        (json!(60), json!(600), "max-age=60"),
    ] {
        let (before, after) = (with(before), with(after));
        assert_eq!(cache_control(rest(&before, &after, "max-age=9")).as_deref(), Some(left));
        let deployed = product().deployed(&before, &after, "");
        assert_eq!(cache_control(deployed).as_deref(), Some(left));
    }
}

#[test]
fn a_status_that_is_no_longer_named_is_left_to_the_origin() {
    let statuses = |statuses: Value| {
        config(&json!({ "p": { "match": ["rest:/p"], "ttl": 600, "statuses": statuses } }), 300)
    };
    let named = statuses(json!({ "404": 300 }));
    let of = |after: Value| rest_with_status(&named, &statuses(after), "max-age=5", 404).unwrap();
    assert_eq!(of(json!({ "404": 60 })).ttl.as_seconds(), 60);
    let unnamed = of(json!({}));
    assert!(unnamed.ttl.is_zero() && unnamed.must_revalidate);
}

fn cache_type((ttl, swr, sie, client_ttl): (u64, u64, u64, u64), over: bool, by: &str) -> Value {
    json!({
        "match": [by, "rest:/p"], "ttl": ttl, "swr": swr, "sie": sie, "override": over,
        "client_ttl": client_ttl,
    })
}

fn any_config() -> impl Strategy<Value = Value> {
    let times = || select(vec![0_u64, 1, 60, 600, 7200]);
    let by = select(vec!["graphql:Product", "graphql:User", "graphql:Query.product"]);
    let all_times = (times(), times(), times(), times());
    let one =
        (all_times, any::<bool>(), by).prop_map(|(times, over, by)| cache_type(times, over, by));
    let default = (times(), times(), times())
        .prop_map(|(ttl, swr, sie)| json!({ "ttl": ttl, "swr": swr, "sie": sie }));
    (prop::collection::vec(one, 0..3), default).prop_map(|(types, default)| {
        let named = |(n, one): (usize, Value)| (format!("t{n}"), one);
        let types: serde_json::Map<_, _> = types.into_iter().enumerate().map(named).collect();
        json!({ "types": types, "default": default })
    })
}

fn times(meta: &Meta) -> [Ttl; 3] {
    [meta.ttl, meta.swr, meta.sie]
}

proptest! {
    /// A lifetime after a deploy is at most the stored one, and at most the one that the response would
    /// get by the configuration that is in use. A configuration changes nothing of its own entries.
    #[test]
    fn a_lifetime_is_at_most_the_stored_and_the_configured_one(
        before in any_config(),
        after in any_config(),
        query in select(vec![product(), two_fields(), untyped()]),
        cache_control in select(vec!["", "max-age=30", "no-store"]),
    ) {
        let before = crate::config::parse(&before).unwrap();
        let after = crate::config::parse(&after).unwrap();
        let of_query = |config: &Config| query.entry(config, cache_control).map(|entry| entry.meta);
        let of_rest = |config: &Config| rest(config, config, cache_control);
        let cases = [
            (of_query(&before), query.deployed(&before, &after, cache_control), of_query(&after)),
            (of_rest(&before), rest(&before, &after, cache_control), of_rest(&after)),
        ];
        for (stored, deployed, own) in cases {
            let Some(deployed) = deployed else { continue };
            let own = own.map_or([Ttl::ZERO; 3], |own| times(&own));
            let stored = times(&stored.unwrap());
            for ((left, stored), own) in times(&deployed).into_iter().zip(stored).zip(own) {
                prop_assert!(left <= stored && left <= own, "{deployed:?} {stored:?} {own:?}");
            }
        }
        if let Some(own) = of_query(&before) {
            prop_assert_eq!(query.deployed(&before, &before, cache_control), Some(own));
        }
    }
}
