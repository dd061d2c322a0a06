use super::*;
use crate::service::testing::{Call, Components, TestRuntime, request};
use serde_json::{Value, json};

const SDL: &str = "type Query { product: Product } type Product { id: ID! name: String }";

/// The schemas of a new isolate, and what keeps its replica of the log up to date.
struct Setup {
    runtime: TestRuntime,
    isolate: Components,
}

impl Setup {
    fn new(runtime: &TestRuntime) -> Self {
        Self::with(runtime, "none")
    }

    fn introspecting(runtime: &TestRuntime) -> Self {
        Self::with(runtime, "introspect")
    }

    fn with(runtime: &TestRuntime, schema: &str) -> Self {
        let config = json!({ "service": "shop", "graphql": { "schema": schema } });
        let setup = Self { runtime: runtime.clone(), isolate: Components::new(&config) };
        setup.sync();
        setup
    }

    fn registry(&self) -> &Rc<SchemaRegistry> {
        &self.isolate.knowledge.schemas
    }

    fn context(&self) -> Context<TestRuntime> {
        Context::new(self.runtime.clone(), request("POST", "/graphql?trace=1"))
    }

    fn sync(&self) {
        self.runtime.run(self.isolate.purges.sync.sync_now(&self.context()));
    }

    fn upload(&self, sdl: &str) -> Result<SchemaChange, Fault> {
        let schema = Schema::from_sdl(sdl).unwrap();
        self.runtime.run(self.registry().upload(&self.context(), schema))
    }

    /// Has a request ask for the schema, and the background work done that this begins.
    fn request(&self) {
        self.registry().for_request(&self.context());
        self.runtime.advance(1_000);
    }

    fn source(&self) -> Value {
        json!(self.registry().summary().source)
    }

    fn keys(&self) -> usize {
        self.runtime.kv_keys().iter().filter(|key| key.starts_with("shop/schema/")).count()
    }
}

fn introspection() -> Value {
    let field = json!({ "name": "a", "args": [], "type": { "kind": "SCALAR", "name": "Int" } });
    let query = json!({ "kind": "OBJECT", "name": "Query", "fields": [field], "interfaces": [] });
    json!({ "data": { "__schema": {
        "queryType": { "name": "Query" },
        "types": [query, { "kind": "SCALAR", "name": "Int" }],
    } } })
}

#[test]
fn an_uploaded_schema_is_in_force_at_once() {
    let runtime = TestRuntime::new();
    let setup = Setup::new(&runtime);
    assert_eq!(setup.source(), "none");
    let change = setup.upload(SDL).unwrap();
    assert_eq!(change.changed, None);
    assert_eq!(setup.source(), "upload");
    assert!(setup.registry().is_loaded());
    assert!(setup.isolate.knowledge.type_names.seen().contains_key("product"));
    assert_eq!((runtime.log_head(), setup.keys()), (1, 1));
}

#[test]
fn the_next_schema_names_what_it_changed_and_takes_the_place_of_the_one_before() {
    let runtime = TestRuntime::new();
    let setup = Setup::new(&runtime);
    setup.upload(SDL).unwrap();
    let same = setup.upload(SDL).unwrap();
    assert_eq!((same.changed, runtime.log_head()), (Some(vec![]), 1));
    let next = setup.upload(&SDL.replace("name", "title")).unwrap();
    assert_eq!(next.changed, Some(vec!["Product".to_owned()]));
    runtime.advance(10);
    assert_eq!(setup.keys(), 1, "the one before was deleted");
}

#[test]
fn another_isolate_loads_the_schema_in_the_background() {
    let runtime = TestRuntime::new();
    let here = Setup::new(&runtime);
    here.upload(SDL).unwrap();
    let elsewhere = Setup::new(&runtime);
    assert_eq!(elsewhere.source(), "loading");
    let schema = elsewhere.registry().for_request(&elsewhere.context());
    assert!(!elsewhere.registry().is_in_force(schema.fingerprint()));
    runtime.advance(10);
    assert_eq!(elsewhere.source(), "upload");
    let schema = elsewhere.registry().for_request(&elsewhere.context());
    assert!(elsewhere.registry().is_in_force(schema.fingerprint()));
    assert!(schema.knowledge().schema.is_some());
}

#[test]
fn a_schema_that_kv_or_the_log_does_not_take_changes_nothing() {
    for (call, before) in [(Call::KvPut, "none"), (Call::LogAppend, "none")] {
        let runtime = TestRuntime::new();
        let setup = Setup::new(&runtime);
        runtime.fails(call, "down");
        assert!(setup.upload(SDL).is_err(), "{call:?}");
        assert_eq!(setup.source(), before, "{call:?}");
    }
    let runtime = TestRuntime::new();
    let setup = Setup::new(&runtime);
    setup.upload(SDL).unwrap();
    runtime.fails(Call::LogAppend, "down");
    assert!(setup.upload("type Query { a: Int }").is_err());
    let summary = json!(setup.registry().summary());
    assert_eq!(summary, json!({ "source": "upload", "types": 7 }));
    let without_kv = Setup::new(&TestRuntime::without_kv());
    assert!(without_kv.upload(SDL).is_err());
}

#[test]
fn a_contradicted_schema_ends_for_all_isolates_and_everything_is_purged() {
    let runtime = TestRuntime::new();
    let (here, elsewhere) = (Setup::new(&runtime), Setup::new(&runtime));
    here.upload(SDL).unwrap();
    runtime.run(here.registry().distrust(&runtime));
    assert_eq!((here.source(), runtime.log_head()), (json!("none"), 2));
    assert!(runtime.has_reported("schema"));
    runtime.advance(10);
    assert_eq!(here.keys(), 0);
    elsewhere.sync();
    assert_eq!(elsewhere.source(), "none");
}

#[test]
fn a_schema_that_kv_has_lost_is_ended_after_a_while() {
    let runtime = TestRuntime::new();
    Setup::new(&runtime).upload(SDL).unwrap();
    let key = runtime.kv_keys().into_iter().find(|key| key.starts_with("shop/schema/")).unwrap();
    runtime.set_kv(&key, "garbage");
    let setup = Setup::new(&runtime);
    for seconds in (0..LOST_SECONDS).step_by(10) {
        setup.request();
        assert_eq!(setup.source(), "loading", "after {seconds} s");
        runtime.advance(9_000);
    }
    setup.request();
    assert_eq!(setup.source(), "none");
    assert!(runtime.has_reported("schema"));
}

#[test]
fn while_kv_fails_the_schema_is_not_lost() {
    let runtime = TestRuntime::new();
    Setup::new(&runtime).upload(SDL).unwrap();
    let setup = Setup::new(&runtime);
    runtime.fails(Call::KvGet, "down");
    for _ in 0..2 * LOST_SECONDS / 10 {
        setup.request();
        runtime.advance(10_000);
    }
    assert_eq!(setup.source(), "loading");
    runtime.works(Call::KvGet);
    setup.request();
    assert_eq!(setup.source(), "upload");
}

#[test]
fn the_origin_is_asked_for_its_schema_once_an_hour_without_a_clients_headers() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    let setup = Setup::introspecting(&runtime);
    setup.request();
    assert_eq!(setup.source(), "origin");
    let sent = runtime.sent().remove(0);
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("POST", "https://shop.example/graphql"));
    assert!(!sent.headers.contains("authorization") && !sent.headers.contains("cookie"));
    runtime.advance(INTROSPECT_SECONDS * 1_000 - 2_000);
    setup.request();
    assert_eq!(runtime.calls(Call::Fetch), 1);
    setup.request();
    assert_eq!(runtime.calls(Call::Fetch), 2);
}

#[test]
fn a_schema_from_the_origin_needs_no_kv_and_an_uploaded_one_takes_precedence() {
    let runtime = TestRuntime::without_kv();
    runtime.origin_answers_json(200, &introspection());
    let setup = Setup::introspecting(&runtime);
    setup.request();
    assert_eq!(setup.source(), "origin");

    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    let setup = Setup::introspecting(&runtime);
    setup.upload(SDL).unwrap();
    setup.request();
    assert_eq!((setup.source(), runtime.calls(Call::Fetch)), (json!("upload"), 0));
}

#[test]
fn a_schema_that_cannot_be_fetched_is_reported_and_not_asked_for_again_at_once() {
    for (status, body) in [(400, json!({})), (200, json!({ "data": null }))] {
        let runtime = TestRuntime::new();
        runtime.origin_answers_json(status, &body);
        let setup = Setup::introspecting(&runtime);
        for _ in 0..3 {
            setup.request();
            runtime.advance(RELOAD_MILLIS);
        }
        assert_eq!((setup.source(), runtime.calls(Call::Fetch)), (json!("none"), 1));
        assert!(runtime.has_reported("introspection"));
    }
}

#[test]
fn a_schema_that_responses_have_contradicted_is_not_taken_from_the_origin_again() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    let setup = Setup::introspecting(&runtime);
    setup.request();
    runtime.run(setup.registry().distrust(&runtime));
    runtime.advance(INTROSPECT_SECONDS * 1_000);
    setup.request();
    assert_eq!((setup.source(), runtime.calls(Call::Fetch)), (json!("none"), 2));
    assert!(runtime.has_reported("introspection"));
}

#[test]
fn a_deployment_that_does_not_introspect_ends_an_introspected_schema_once() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    let before = Setup::introspecting(&runtime);
    before.request();
    assert_eq!((before.source(), runtime.log_head()), (json!("origin"), 1));
    let after = [Setup::new(&runtime), Setup::new(&runtime)];
    for deployed in &after {
        let schema = deployed.registry().for_request(&deployed.context());
        assert!(schema.knowledge().schema.is_none(), "it is never used");
        assert!(!deployed.registry().is_in_force(schema.fingerprint()), "nothing is stored");
        runtime.advance(1_000);
        assert_eq!(runtime.log_head(), 2, "ended, and by the first of them");
        deployed.sync();
        assert_eq!(deployed.source(), "none");
    }
    assert_eq!(after[0].keys(), 0);
}

#[test]
fn a_deployment_that_does_not_introspect_keeps_an_uploaded_schema() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    let before = Setup::introspecting(&runtime);
    before.request();
    before.upload(SDL).unwrap();
    let after = Setup::new(&runtime);
    after.request();
    assert_eq!((after.source(), runtime.log_head()), (json!("upload"), 2));
}

#[test]
fn an_introspected_schema_that_a_deployment_has_ended_comes_back_with_a_rollback() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    Setup::introspecting(&runtime).request();
    let without = Setup::new(&runtime);
    without.request();
    assert_eq!((without.source(), runtime.log_head()), (json!("none"), 2));
    let rolled_back = Setup::introspecting(&runtime);
    rolled_back.request();
    assert_eq!((rolled_back.source(), runtime.log_head()), (json!("origin"), 3));
    assert!(!runtime.has_reported("introspection"));
}

#[test]
fn a_deleted_schema_is_not_taken_from_the_origin_again() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    let setup = Setup::introspecting(&runtime);
    setup.request();
    runtime.run(setup.registry().end(&runtime)).unwrap();
    let another = Setup::introspecting(&runtime);
    another.request();
    assert_eq!((another.source(), runtime.calls(Call::Fetch)), (json!("none"), 2));
    assert!(runtime.has_reported("introspection"));
}

#[test]
fn while_the_log_takes_nothing_ending_a_schema_is_tried_rarely_and_nothing_is_kept() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    Setup::introspecting(&runtime).request();
    let (deployed, puts) = (Setup::new(&runtime), runtime.calls(Call::KvPut));
    let appends = runtime.calls(Call::LogAppend);
    runtime.fails(Call::LogAppend, "down");
    for _ in 0..120 {
        deployed.request();
        runtime.advance(1_000);
    }
    let tried = runtime.calls(Call::LogAppend) - appends;
    assert!((2..15).contains(&tried), "{tried} attempts in four minutes");
    assert_eq!(runtime.calls(Call::KvPut), puts);
    // By the time the log works again, an administrator has uploaded one.
    runtime.works(Call::LogAppend);
    Setup::new(&runtime).upload(SDL).unwrap();
    for _ in 0..60 {
        deployed.request();
        runtime.advance(1_000);
        deployed.sync();
    }
    assert_eq!((deployed.source(), runtime.log_head()), (json!("upload"), 2));
}

#[test]
fn a_schema_is_not_ended_by_what_an_isolate_knew_before_the_log_failed() {
    let runtime = TestRuntime::new();
    runtime.origin_answers_json(200, &introspection());
    Setup::introspecting(&runtime).request();
    let deployed = Setup::new(&runtime);
    runtime.fails(Call::LogSince, "down");
    for _ in 0..10 {
        deployed.request();
        runtime.advance(1_000);
    }
    assert_eq!(runtime.log_head(), 1);
    runtime.works(Call::LogSince);
    runtime.advance(60_000);
    deployed.request();
    assert_eq!((deployed.source(), runtime.log_head()), (json!("none"), 2));
}

#[test]
fn a_contradicted_schema_is_not_used_again_while_its_end_is_pending() {
    let runtime = TestRuntime::new();
    let setup = Setup::new(&runtime);
    setup.upload(SDL).unwrap();
    runtime.fails(Call::LogAppend, "down");
    runtime.run(setup.registry().distrust(&runtime));
    for _ in 0..5 {
        setup.request();
        runtime.advance(1_000);
        assert_eq!(setup.source(), "loading", "what the log says is still in force");
    }
    runtime.works(Call::LogAppend);
    runtime.advance(30_000);
    setup.sync();
    runtime.advance(1_000);
    assert_eq!((setup.source(), runtime.log_head()), (json!("none"), 2));
}
