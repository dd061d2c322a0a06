use crate::http::Headers;
use crate::purge::Record;
use crate::service::isolate::Isolate;
use crate::service::respond::Reply;
use crate::service::router::Service;
use crate::service::testing::{Call, TestRuntime, request};
use serde_json::{Value, json};
use std::rc::Rc;

const PATH: &str = "/api/products";

struct Setup {
    runtime: TestRuntime,
    isolate: Rc<Isolate>,
}

impl Setup {
    fn new(share: f64) -> Self {
        let types = json!({
            "product": { "match": ["rest:/api/**", "graphql:Query.product"], "ttl": 600 },
        });
        let config = json!({ "service": "shop", "shadow": share, "types": types });
        let setup = Self { runtime: TestRuntime::new(), isolate: Isolate::new(&config) };
        setup.origin_has(&json!({ "price": 1 }));
        setup
    }

    fn origin_has(&self, body: &Value) {
        self.runtime.origin_answers_json(200, body);
    }

    fn handle(&self, method: &str, target: &str, body: &str) -> Reply {
        let mut request = request(method, target);
        if method == "POST" {
            request.headers.set("content-type", "application/json");
        }
        self.runtime.sends(method, body);
        let service = Service::new(self.runtime.clone(), self.isolate.clone());
        self.runtime.run(service.handle(request))
    }

    /// Sends a request, and returns `X-Cache`.
    fn get(&self) -> String {
        x_cache(&self.handle("GET", PATH, ""))
    }

    /// A miss, and enough time to store its response.
    fn warm(&self) {
        assert_eq!(self.get(), "MISS");
        self.runtime.advance(100);
    }

    /// A hit, and enough time for its comparison.
    fn hit(&self) {
        assert_eq!(self.get(), "HIT");
        self.runtime.advance(6_000);
    }

    fn counts(&self) -> Value {
        let mut request = request("GET", "/__evergraph/stats");
        request.headers.set("authorization", "Bearer secret");
        let service = Service::new(self.runtime.clone(), self.isolate.clone());
        match self.runtime.run(service.handle(request)) {
            Reply::Whole(response) => {
                let stats: Value = serde_json::from_slice(&response.body).unwrap();
                json!([stats["shadow"]["compared"], stats["shadow"]["different"], stats["hits"]])
            }
            other => panic!("{other:?}"),
        }
    }

    fn differences(&self) -> Vec<Value> {
        let lines = self.runtime.lines();
        let of_shadow = lines.into_iter().filter(|line| line["event"] == "shadow-difference");
        of_shadow.map(|line| json!([line["operation"], line["paths"]])).collect()
    }

    fn asked(&self) -> usize {
        self.runtime.sent().len()
    }
}

fn x_cache(reply: &Reply) -> String {
    let headers: &Headers = match reply {
        Reply::Whole(response) => &response.headers,
        Reply::Origin { headers, .. } => headers,
        other => panic!("{other:?}"),
    };
    headers.get("x-cache").unwrap_or_default().to_owned()
}

#[test]
fn without_the_key_no_hit_reaches_the_origin() {
    let setup = Setup::new(0.0);
    setup.warm();
    setup.origin_has(&json!({ "price": 2 }));
    setup.hit();
    assert_eq!((setup.asked(), setup.counts()), (1, json!([null, null, 1])));
}

#[test]
fn a_hit_is_compared_and_a_difference_has_its_path() {
    let setup = Setup::new(1.0);
    setup.warm();
    setup.hit();
    assert_eq!((setup.asked(), setup.counts()), (2, json!([1, 0, 1])));
    // Somebody has changed it past Evergraph.
    setup.origin_has(&json!({ "price": 2 }));
    setup.hit();
    assert_eq!((setup.asked(), setup.counts()), (3, json!([2, 1, 2])));
    assert_eq!(setup.differences(), [json!([PATH, ["price"]])]);
    // What was fetched is neither stored nor served, and nothing was purged.
    let Reply::Whole(response) = setup.handle("GET", PATH, "") else { panic!() };
    assert_eq!(&*response.body, br#"{"price":1}"#);
    assert_eq!(setup.runtime.log_head(), 0);
    // A miss is not compared.
    setup.runtime.advance(6_000);
    let before = setup.asked();
    setup.handle("GET", "/api/others", "");
    setup.runtime.advance(6_000);
    assert_eq!(setup.asked(), before + 1);
}

#[test]
fn a_graphql_hit_is_compared_without_additions_and_extensions() {
    let setup = Setup::new(1.0);
    let body = r#"{"query":"query Product { product { price } }"}"#;
    let answer = |price: u64, trace: u64| {
        let product = json!({ "price": price, "__typename": "Product", "evergraph__id": "1" });
        json!({ "data": { "product": product }, "extensions": { "trace": trace } })
    };
    let ask = || x_cache(&setup.handle("POST", "/graphql", body));
    setup.origin_has(&answer(1, 1));
    assert_eq!(ask(), "MISS");
    setup.runtime.advance(100);
    setup.origin_has(&answer(1, 2));
    assert_eq!(ask(), "HIT");
    setup.runtime.advance(6_000);
    assert_eq!(setup.counts(), json!([1, 0, 1]));
    setup.origin_has(&answer(2, 3));
    assert_eq!(ask(), "HIT");
    setup.runtime.advance(6_000);
    assert_eq!(setup.counts(), json!([2, 1, 2]));
    assert_eq!(setup.differences(), [json!(["Product", ["data.product.price"]])]);
}

#[test]
fn a_difference_that_a_purge_explains_is_none() {
    let setup = Setup::new(1.0);
    setup.warm();
    setup.origin_has(&json!({ "price": 2 }));
    assert_eq!(setup.get(), "HIT");
    setup.runtime.advance(1_000);
    // The write was answered by another isolate, and this one's replica does not know of it.
    setup.runtime.records(&Record::everything());
    setup.runtime.advance(6_000);
    assert_eq!(setup.counts(), json!([null, null, 1]));
    assert!(setup.differences().is_empty());
}

#[test]
fn without_the_log_nothing_counts_as_a_difference() {
    let setup = Setup::new(1.0);
    setup.warm();
    setup.origin_has(&json!({ "price": 2 }));
    assert_eq!(setup.get(), "HIT");
    setup.runtime.fails(Call::LogSince, "down");
    setup.runtime.advance(6_000);
    assert_eq!(setup.counts()[0], json!(null));
}

#[test]
fn an_origin_that_fails_says_nothing() {
    for (status, compared) in
        [(500, json!(null)), (429, json!(null)), (404, json!(1)), (401, json!(1))]
    {
        let setup = Setup::new(1.0);
        setup.warm();
        setup.runtime.origin_answers_json(status, &json!({}));
        setup.hit();
        assert_eq!(setup.counts()[0], compared, "{status}");
        let paths: Vec<Value> = setup.differences();
        assert_eq!(paths.is_empty(), compared.is_null(), "{status}: {paths:?}");
    }
    let setup = Setup::new(1.0);
    setup.warm();
    setup.runtime.fails(Call::Fetch, "refused");
    setup.hit();
    assert_eq!(setup.counts()[0], json!(null));
}

#[test]
fn a_graphql_origin_that_fails_says_nothing_either() {
    let setup = Setup::new(1.0);
    let query = r#"{"query":"{ product { id } }"}"#;
    let ask = || {
        let reply = setup.handle("POST", "/graphql", query);
        setup.runtime.advance(6_000);
        x_cache(&reply)
    };
    let product = json!({ "id": "1", "__typename": "Product" });
    setup.origin_has(&json!({ "data": { "product": product } }));
    assert_eq!(ask(), "MISS");
    let errors = json!([{ "message": "the database is gone", "path": ["product"] }]);
    for errors in [&errors, &json!([])] {
        setup.origin_has(&json!({ "data": { "product": null }, "errors": errors }));
        assert_eq!(ask(), "HIT");
    }
    assert_eq!(setup.counts(), json!([null, null, 2]));
    setup.origin_has(&json!({ "data": { "product": null }, "errors": null }));
    assert_eq!(ask(), "HIT");
    assert_eq!(setup.counts(), json!([1, 1, 3]));
}

#[test]
fn one_comparison_runs_at_a_time() {
    let setup = Setup::new(1.0);
    setup.warm();
    setup.runtime.takes(Call::Fetch, 1_000);
    for _ in 0..10 {
        assert_eq!(setup.get(), "HIT");
        setup.runtime.advance(50);
    }
    assert_eq!(setup.asked(), 2);
    setup.runtime.advance(1_000);
    assert_eq!(setup.get(), "HIT");
    setup.runtime.advance(2_000);
    assert_eq!((setup.asked(), setup.counts()), (3, json!([2, 0, 11])));
}

#[test]
fn sixty_comparisons_begin_in_a_minute() {
    let setup = Setup::new(1.0);
    setup.warm();
    let in_minute = |asked: usize| {
        for _ in 0..70 {
            assert_eq!(setup.get(), "HIT");
            setup.runtime.advance(10);
        }
        assert_eq!(setup.asked(), asked);
    };
    let rest = 60_000 - setup.runtime.at().as_millis() % 60_000;
    setup.runtime.advance(rest);
    in_minute(61);
    setup.runtime.advance(60_000);
    in_minute(121);
}

#[test]
fn a_comparison_takes_no_time_of_the_clients() {
    let setup = Setup::new(1.0);
    setup.warm();
    setup.runtime.takes(Call::Fetch, 1_000);
    let began = setup.runtime.at();
    assert_eq!(setup.get(), "HIT");
    assert_eq!(setup.runtime.at(), began);
    assert_eq!(setup.asked(), 1, "the client's response goes first");
}

#[test]
fn a_share_of_the_hits_is_compared() {
    let setup = Setup::new(0.25);
    setup.warm();
    for _ in 0..100 {
        assert_eq!(setup.get(), "HIT");
        setup.runtime.advance(1_009);
    }
    let compared = setup.counts()[0].as_u64().unwrap();
    assert!((10..45).contains(&compared), "{compared}");
}
