use super::*;
use crate::http::Request;
use crate::purge::Record;
use crate::service::isolate::Isolate;
use crate::service::respond::Reply;
use crate::service::router::Service;
use crate::service::testing::{Call, TestRuntime, request};
use crate::statistics::Table;
use serde_json::{Value, json};

const READS: usize = 10;

struct Setup {
    isolates: Vec<(TestRuntime, Rc<Isolate>)>,
}

impl Setup {
    /// Isolates over the same stores, log and statistics object, which knows that ten reads are popular.
    fn new(isolates: u64, warm: Value) -> Self {
        let config = json!({
            "service": "shop",
            "origin": "https://api.example",
            "kv": { "writes": "never" },
            "purge": { "max_lag": 1 },
            "types": { "product": { "match": ["rest:/products/**"], "ttl": 86_400 } },
            "warm": warm,
        });
        let runtime = TestRuntime::with_statistics();
        runtime.origin_answers(|sent| {
            let status = if sent.url.ends_with("down") { 503 } else { 200 };
            let json = [("content-type", "application/json")].into_iter().collect();
            (status, json, b"{}".to_vec())
        });
        let of_isolate = |number| (runtime.of_isolate(number), Isolate::new(&config));
        let setup = Self { isolates: (1..=isolates).map(of_isolate).collect() };
        for path in paths() {
            setup.get(0, &path);
        }
        let (_, isolate) = &setup.isolates[0];
        runtime.run(isolate.base.reports.report(&runtime));
        setup
    }

    fn purging(isolates: u64) -> Self {
        Self::new(isolates, json!({ "on": ["purge-all"] }))
    }

    fn runtime(&self) -> &TestRuntime {
        &self.isolates[0].0
    }

    fn get(&self, isolate: usize, target: &str) -> String {
        let (runtime, isolate) = &self.isolates[isolate];
        let mut request: Request = request("GET", target);
        request.headers.set("accept", "*/*");
        let service = Service::new(runtime.clone(), isolate.clone());
        let headers = match runtime.run(service.handle(request)) {
            Reply::Whole(response) => response.headers,
            Reply::Origin { headers, .. } => headers,
            other => panic!("{other:?}"),
        };
        headers.get("x-cache").unwrap_or_default().to_owned()
    }

    /// So many seconds with a request a second for something else, at these isolates in turn.
    fn traffic(&self, isolates: &[usize], seconds: usize) {
        for second in 0..seconds {
            self.get(isolates[second % isolates.len()], "/products/other");
            self.runtime().advance(1_000);
        }
    }

    fn purge_everything(&self) {
        self.runtime().records(&Record::everything());
    }

    /// How often the origin was asked for each read since `before` requests.
    fn asked(&self, before: usize) -> Vec<usize> {
        let sent = self.runtime().sent();
        let since = &sent[before..];
        paths().map(|path| since.iter().filter(|one| one.url.ends_with(&path)).count()).collect()
    }

    fn sent(&self) -> usize {
        self.runtime().sent().len()
    }
}

fn paths() -> impl Iterator<Item = String> {
    (0..READS).map(|n| format!("/products/{n}"))
}

#[test]
fn after_a_purge_of_everything_popular_reads_are_fetched_once() {
    let setup = Setup::purging(3);
    setup.traffic(&[0, 1, 2], 30);
    let before = setup.sent();
    setup.purge_everything();
    setup.traffic(&[0, 1, 2], 60);
    assert_eq!(setup.asked(before), [1; READS], "each once, by whichever isolate");
    let done = setup.sent();
    for isolate in 0..3 {
        assert_eq!(setup.get(isolate, "/products/7"), "HIT");
    }
    setup.traffic(&[0, 1, 2], 600);
    assert_eq!(setup.asked(done), [0; READS]);
    let lines = setup.runtime().lines();
    let last = lines.iter().rfind(|line| line["event"] == "warm").unwrap();
    assert!(last["done"] == last["of"] && last["of"].as_u64() >= Some(10), "{last}");
}

#[test]
fn an_isolate_that_dies_is_replaced_and_a_burst_is_one_run() {
    let setup = Setup::purging(2);
    setup.traffic(&[0, 1], 30);
    let before = setup.sent();
    for _ in 0..5 {
        setup.purge_everything();
        setup.traffic(&[0], 4);
    }
    setup.traffic(&[0], 12);
    let by_first: usize = setup.asked(before).iter().sum();
    assert!((1..READS).contains(&by_first), "{by_first}");
    // The first isolate has no more requests.
    setup.traffic(&[1], 400);
    assert_eq!(setup.asked(before), [1; READS]);
}

#[test]
fn each_version_is_warmed_once() {
    let setup = Setup::new(2, json!({ "on": ["deploy"] }));
    setup.traffic(&[0, 1], 20);
    // The stores are lost, so that it shows.
    setup.runtime().loses_stores();
    let before = setup.sent();
    setup.runtime().deploys("v2");
    let config = json!({
        "service": "shop",
        "origin": "https://api.example",
        "types": { "product": { "match": ["rest:/products/**"], "ttl": 86_400 } },
        "warm": { "on": ["deploy"] },
    });
    let of_isolate = |number| (setup.runtime().of_isolate(number), Isolate::new(&config));
    let deployed = Setup { isolates: vec![of_isolate(7), of_isolate(8)] };
    deployed.traffic(&[0, 1], 60);
    assert_eq!(deployed.asked(before), [1; READS]);
    let done = deployed.sent();
    deployed.traffic(&[0, 1], 600);
    assert_eq!(deployed.asked(done), [0; READS]);
}

#[test]
fn it_keeps_to_its_rate_and_stops_at_an_origin_that_fails() {
    let setup = Setup::new(1, json!({ "on": ["purge-all"], "requests_per_minute": 6 }));
    setup.purge_everything();
    setup.traffic(&[0], 30);
    let before = setup.sent();
    setup.traffic(&[0], 60);
    let asked: usize = setup.asked(before).iter().sum();
    assert!((5..=6).contains(&asked), "{asked}");
    let failing = Setup::purging(1);
    failing.runtime().fails(Call::Fetch, "down");
    failing.purge_everything();
    let before = failing.sent();
    failing.traffic(&[0], 70);
    assert!(failing.asked(before).iter().sum::<usize>() <= 4, "{:?}", failing.asked(before));
    failing.runtime().works(Call::Fetch);
    let before = failing.sent();
    failing.traffic(&[0], 300);
    assert_eq!(failing.asked(before), [1; READS], "it goes on later");
}

#[test]
fn nothing_is_warmed_while_paused_without_the_object_or_unless_configured() {
    let paused = Setup::purging(1);
    let (runtime, isolate) = &paused.isolates[0];
    let pause = crate::purge::Pause::UNTIL_RESUMED;
    runtime.run(isolate.base.purges.recorder.record_pause(runtime, pause)).unwrap();
    let without_object = Setup::purging(1);
    without_object.runtime().unbinds_statistics();
    let off = Setup::new(1, json!({}));
    let after_deploys = Setup::new(1, json!({ "on": ["deploy"] }));
    for setup in [&paused, &without_object, &off, &after_deploys] {
        setup.purge_everything();
        let before = setup.sent();
        let calls = setup.runtime().calls(Call::Statistics);
        setup.traffic(&[0], 120);
        assert_eq!(setup.asked(before), [0; READS]);
        let (runtime, isolate) = &setup.isolates[0];
        runtime.run(Service::new(runtime.clone(), isolate.clone()).tend());
        let calls = setup.runtime().calls(Call::Statistics) - calls;
        let reports = if isolate.base.reports.uses_object(runtime) { 3 } else { 0 };
        assert!(calls <= reports, "reports, and no questions: {calls}");
    }
}

#[test]
fn requests_do_not_each_ask_the_object() {
    let setup = Setup::purging(1);
    setup.runtime().fails(Call::Statistics, "down");
    setup.purge_everything();
    let before = setup.runtime().calls(Call::Statistics);
    for _ in 0..20 {
        setup.traffic(&[0, 0, 0], 3);
    }
    let calls = setup.runtime().calls(Call::Statistics) - before;
    assert!(calls <= 3, "{calls}");
}

#[test]
fn the_cron_trigger_goes_on_with_what_is_begun() {
    let setup = Setup::purging(1);
    setup.purge_everything();
    let before = setup.sent();
    setup.traffic(&[0], 20);
    let (runtime, isolate) = &setup.isolates[0];
    for _ in 0..5 {
        runtime.advance(60_000);
        runtime.run(Service::new(runtime.clone(), isolate.clone()).tend());
    }
    assert_eq!(setup.asked(before), [1; READS]);
}

#[test]
fn a_run_that_begins_as_the_last_one_ends_has_a_list_of_its_own() {
    let setup = Setup::new(2, json!({ "on": ["purge-all"], "requests_per_minute": 1 }));
    setup.purge_everything();
    setup.traffic(&[0], 260);
    // By then others are popular, and everything is purged again. The run takes over five minutes, so the
    // next one begins at once.
    let new: Vec<_> = (0..5).map(|n| format!("/products/new-{n}")).collect();
    new.iter().for_each(|path| drop(setup.get(1, path)));
    let (runtime, other) = &setup.isolates[1];
    runtime.run(other.base.reports.report(runtime));
    setup.purge_everything();
    let before = setup.sent();
    setup.traffic(&[0], 1_500);
    let sent = setup.runtime().sent();
    for path in &new {
        let times = sent[before..].iter().filter(|one| one.url.ends_with(path.as_str())).count();
        assert_eq!(times, 1, "{path}");
    }
    let calls = setup.runtime().calls(Call::Statistics);
    setup.traffic(&[0], 600);
    let calls = setup.runtime().calls(Call::Statistics) - calls;
    assert!(calls <= 12, "reports, and nothing about warming: {calls}");
}

#[test]
fn work_that_the_runtime_ends_is_gone_on_with() {
    let setup = Setup::purging(1);
    let before = setup.sent();
    setup.purge_everything();
    setup.traffic(&[0], 5);
    setup.runtime().takes(Call::Fetch, 5_000);
    while setup.asked(before).iter().sum::<usize>() == 0 {
        setup.traffic(&[0], 1);
    }
    setup.runtime().cuts_off();
    setup.runtime().works(Call::Fetch);
    setup.traffic(&[0], 300);
    let asked = setup.asked(before);
    assert!(asked.iter().all(|times| (1..=2).contains(times)), "{asked:?}");
}

#[test]
fn a_list_that_is_lost_ends_the_run() {
    let setup = Setup::purging(2);
    setup.purge_everything();
    setup.traffic(&[0], 14);
    // The first isolate has no more requests, and the other one goes on. The row of the list, not that of the leases.
    setup.runtime().writes_statistics_row(Table::State, 6, "");
    let calls = setup.runtime().calls(Call::Statistics);
    setup.traffic(&[1], 900);
    let calls = setup.runtime().calls(Call::Statistics) - calls;
    assert!(calls <= 25, "{calls}");
}

#[test]
fn what_cannot_be_read_is_passed_over_and_hides_nothing() {
    for (are_readable, reads, places) in [
        (&[true, true, true][..], 2, 2),
        (&[true, false, true], 1, 2),
        (&[true, true, false], 1, 1),
        (&[false, false], 0, 2),
        (&[false, true], 0, 1),
        (&[], 0, 0),
    ] {
        assert_eq!(places_done(are_readable, reads), places, "{are_readable:?} {reads}");
    }
}

/// What `GET health` says of warming, and of the service.
fn health(setup: &Setup, isolate: usize) -> (Value, Value) {
    let (runtime, isolate) = &setup.isolates[isolate];
    let mut request: Request = request("GET", "/__evergraph/health");
    request.headers.set("authorization", "Bearer secret");
    let service = Service::new(runtime.clone(), isolate.clone());
    let Reply::Whole(response) = runtime.run(service.handle(request)) else { panic!() };
    let health: Value = serde_json::from_slice(&response.body).unwrap();
    (health["parts"]["warming"].clone(), health["state"].clone())
}

#[test]
fn health_says_that_a_run_waits_how_far_it_is_and_that_it_is_over() {
    let setup = Setup::new(2, json!({ "on": ["purge-all"], "requests_per_minute": 30 }));
    setup.traffic(&[0, 1], 20);
    assert_eq!(health(&setup, 0), (json!({ "state": "HEALTHY" }), json!("HEALTHY")));
    setup.purge_everything();
    setup.traffic(&[0], 5);
    let (part, state) = health(&setup, 0);
    assert_eq!((&part["state"], &state), (&json!("WARMING"), &json!("WARMING")));
    assert_eq!(part["reason"], "popular reads are to be warmed");
    setup.traffic(&[0], 20);
    for isolate in [0, 1] {
        let (part, state) = health(&setup, isolate);
        assert_eq!((&part["state"], &state), (&json!("WARMING"), &json!("WARMING")));
        let reason = part["reason"].as_str().unwrap();
        let (done, rest) = reason.split_once(" of ").unwrap();
        assert!((1..10).contains(&done.parse::<u32>().unwrap()), "{reason}");
        assert!(rest.ends_with(" popular reads are warmed"), "{reason}");
    }
    setup.traffic(&[0, 1], 120);
    assert_eq!(health(&setup, 0), (json!({ "state": "HEALTHY" }), json!("HEALTHY")));
    // The next run has to wait for five minutes after the first.
    setup.purge_everything();
    setup.traffic(&[0], 30);
    assert_eq!(health(&setup, 0).0["reason"], "popular reads are to be warmed");
    let off = Setup::new(1, json!({}));
    assert_eq!(health(&off, 0).0["state"], "ABSENT");
    let failing = Setup::purging(1);
    failing.runtime().fails(Call::Statistics, "down");
    failing.purge_everything();
    failing.traffic(&[0], 30);
    assert_eq!(health(&failing, 0).0["reason"], "popular reads are to be warmed");
}

#[test]
fn one_part_runs_at_a_time_and_what_a_pause_skips_is_done_after_it() {
    let setup = Setup::purging(1);
    let before = setup.sent();
    setup.purge_everything();
    setup.traffic(&[0], 5);
    setup.runtime().takes(Call::Fetch, 8_000);
    while setup.asked(before).iter().sum::<usize>() == 0 {
        setup.traffic(&[0], 1);
    }
    let calls = setup.runtime().calls(Call::Statistics);
    setup.runtime().advance(1_000);
    setup.traffic(&[0], 4);
    assert_eq!(setup.runtime().calls(Call::Statistics), calls, "the part is not over");
    let (runtime, isolate) = &setup.isolates[0];
    let recorder = &isolate.base.purges.recorder;
    runtime.run(recorder.record_pause(runtime, crate::purge::Pause::UNTIL_RESUMED)).unwrap();
    setup.runtime().advance(20_000);
    setup.runtime().works(Call::Fetch);
    runtime.run(recorder.record_pause(runtime, crate::purge::Pause::NONE)).unwrap();
    setup.traffic(&[0], 300);
    assert_eq!(setup.asked(before), [1; READS]);
}
