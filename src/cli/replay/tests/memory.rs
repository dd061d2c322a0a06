//! What a replay has in memory does not grow with the recording.

use super::*;

const LINES: u64 = 2_000;
/// After so many the stores are full, and the first writes are so long ago that no read can overlap them.
const PART: usize = 500;
/// Between two requests: the recording is of eleven hours.
const STEP_MILLIS: u64 = 20_000;
const STORE_BYTES: usize = 64 << 10;

/// No path occurs twice but that of the stars, whose number changes by itself.
fn line(number: u64) -> Value {
    let (method, path) = match number % 10 {
        0 => ("PUT", format!("/api/products/{number}")),
        1 => ("GET", "/api/stars".to_owned()),
        _ => ("GET", format!("/api/products/{number}")),
    };
    json!({
        "at": 1_800_000_000_000 + number * STEP_MILLIS, "ms": number % 7, "method": method,
        "url": format!("https://h{path}"),
        "response": {
            "status": 200, "headers": { "content-type": "application/json" }, "body": number,
        },
    })
}

#[test]
fn what_is_in_memory_does_not_grow_with_the_recording() {
    let mut candidate = shop(6_000);
    candidate.config["kv"] = json!({ "writes": "always" });
    let mut session = Session::new(vec![candidate], Knowledge::default(), &[]);
    session.store_bytes = STORE_BYTES;
    let lines: Vec<Value> = (0..LINES).map(line).collect();
    let count_after = |part: &[Value]| {
        with_log(part, |file| session.replay(file, &|_| ()).unwrap());
        session.count()
    };
    let counts: Vec<usize> = lines.chunks(PART).map(count_after).collect();
    assert!(counts.iter().all(|count| *count < counts[0] + 10), "{counts:?}");
    let report = serde_json::to_value(session.finish(Vec::new())).unwrap();
    let one = &report["configurations"][0];
    assert_eq!((&report["replayed"], &one["requests"]), (&json!(LINES), &json!(LINES)));
    assert_eq!(one["stale_answers"][0]["count"], one["hits"], "{one}");
    assert!(one["dropped_values"].as_u64() > Some(LINES), "{one}");
}
