use super::{Call, TestRuntime, request};
use crate::service::{Isolate, Reply, Service};
use serde_json::json;

fn get(runtime: &TestRuntime, isolate: &std::rc::Rc<Isolate>, target: &str) -> Reply {
    let service = Service::new(runtime.clone(), isolate.clone());
    runtime.run(service.handle(request("GET", target)))
}

fn x_cache(reply: &Reply) -> String {
    let headers = match reply {
        Reply::Whole(response) => &response.headers,
        Reply::Origin { headers, .. } => headers,
        _ => panic!("{reply:?}"),
    };
    headers.get("x-cache").unwrap_or_default().to_owned()
}

#[test]
fn the_service_runs_over_it() {
    let runtime = TestRuntime::new();
    let types = json!({ "product": { "match": ["rest:/products/**"], "ttl": 60 } });
    let isolate = Isolate::new(&json!({ "types": types }));
    assert_eq!(x_cache(&get(&runtime, &isolate, "/products/1")), "MISS");
    runtime.advance(100);
    assert_eq!(x_cache(&get(&runtime, &isolate, "/products/1")), "HIT");
    assert_eq!(runtime.calls(Call::Fetch), 1);
    runtime.advance(40_000);
    runtime.fails(Call::LogSince, "down");
    assert_eq!(
        x_cache(&get(&runtime, &isolate, "/products/1")),
        "MISS",
        "the entry cannot be judged"
    );
    assert!(runtime.has_reported("purge-log-read"));
}
