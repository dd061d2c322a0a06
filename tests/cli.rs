//! The command line as a program: what it sends, prints, and ends with.
//!
//! `cargo test --features cli --test cli`. The examples in docs/cli.md and docs/replay.md run here too;
//! `UPDATE_DOCS=1` rewrites their output.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

#[path = "cli/answers.rs"]
mod answers;
#[path = "cli/documentation.rs"]
mod documentation;
#[path = "cli/entry_bodies.rs"]
mod entry_bodies;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/server.rs"]
mod server;

use program::{Ended, fixture, in_folder, run, run_at};
use serde_json::{Value, json};
use server::Server;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

const TOKEN: &str = program::TOKEN;

#[test]
fn each_command_sends_its_request_and_prints_the_answer() {
    let body = |text: &str| Some(serde_json::from_str::<Value>(text).unwrap());
    for (arguments, target, sent) in [
        ("stats --window 1h --by type", "GET stats?window=3600&by=type", None),
        ("stats", "GET stats", None),
        ("health", "GET health", None),
        ("audit --limit 5", "GET audit?limit=5", None),
        ("config show", "GET config", None),
        ("entries --key abc", "GET entries?key=abc", None),
        ("entries --key abc --body", "GET entries?key=abc&body=1", None),
        (
            "purge --tag Product:42 --tag a --type product --operation A --path /p --key k --pattern gql/** --soft",
            "POST purge",
            body(
                r#"{"tags":["Product:42","a"],"types":["product"],"operations":["A"],"paths":["/p"],"keys":["k"],"patterns":["gql/**"],"soft":true}"#,
            ),
        ),
        ("purge --all --yes", "POST purge", body(r#"{"all":true}"#)),
        ("purge --all --preview", "POST purge", body(r#"{"all":true,"preview":true}"#)),
        ("pause --for 10m", "POST pause", body(r#"{"seconds":600}"#)),
        ("pause", "POST pause", body("{}")),
        ("resume", "POST resume", body("{}")),
        (
            "explain DELETE /api/products/1 -H X-Store:de",
            "POST explain",
            body(r#"{"method":"DELETE","url":"/api/products/1","headers":{"x-store":"de"}}"#),
        ),
        (
            "explain /graphql -d {}",
            "POST explain",
            body(
                r#"{"method":"POST","url":"/graphql","headers":{"content-type":"application/json"},"body":"{}"}"#,
            ),
        ),
    ] {
        let server = Server::start();
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let ended = run_at(&server.url, &[&arguments[..], &["--json"]].concat());
        assert_eq!(ended.status, 0, "{arguments:?}: {}", ended.stderr);
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{arguments:?}");
        assert_eq!(requests[0].target, target, "{arguments:?}");
        assert_eq!(requests[0].authorization.as_deref(), Some(&*format!("Bearer {TOKEN}")));
        assert_eq!(serde_json::from_str(&requests[0].body).ok(), sent, "{arguments:?}");
        let route = target.split(['?', ' ']).nth(1).unwrap();
        let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
        let answered = answers::answer(target.split(' ').next().unwrap(), route, &requests[0].body);
        assert_eq!(printed, answered.unwrap().1, "{arguments:?}");
    }
}

#[test]
fn a_curl_command_and_a_har_entry_are_requests() {
    let curl = "curl 'https://shop.example/graphql' -H 'content-type: application/json' --data-raw '{\"query\":\"{ a }\"}'";
    let server = Server::start();
    assert_eq!(run_at(&server.url, &["explain", "--curl", curl]).status, 0);
    let har = fixture("har/firefox.har");
    assert_eq!(run_at(&server.url, &["explain", "--har", &har, "--entry", "3"]).status, 0);
    let sent =
        server.requests().into_iter().map(|request| serde_json::from_str(&request.body).unwrap());
    let sent: Vec<Value> = sent.collect();
    assert_eq!(
        (&sent[0]["method"], &sent[0]["body"]),
        (&json!("POST"), &json!("{\"query\":\"{ a }\"}"))
    );
    assert!(sent[1]["body"].as_str().unwrap().contains("query Products"));
    assert_eq!(sent[1]["headers"]["content-type"], json!("application/json"));
}

#[test]
fn uploads_are_sent_as_they_are() {
    let server = Server::start();
    let folder = in_folder(&[
        ("schema.graphql", "type Query { a: Int }"),
        ("documents.json", "{\"a\":\"{ a }\"}"),
    ]);
    for (command, file, route) in [
        ("schema", "schema.graphql", "POST schema"),
        ("documents", "documents.json", "POST documents"),
    ] {
        let ended = folder.run_at(&server.url, &[command, "push", file]);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        let request = server.requests().pop().unwrap();
        assert_eq!(request.target, route);
        assert_eq!(request.body, folder.text(file));
    }
}

#[test]
fn a_warming_goes_on_until_nothing_remains() {
    let server = Server::start();
    let folder = in_folder(&[("requests.json", r#"[{"url":"/a"},{"url":"/b"},{"url":"/c"}]"#)]);
    let ended = folder.run_at(
        &server.url,
        &[
            "warm",
            "--file",
            "requests.json",
            "--concurrency",
            "3",
            "--max-kv-writes",
            "9",
            "--json",
        ],
    );
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&printed["warmed"], &printed["kv_writes"]), (&json!(3), &json!(3)));
    let bodies: Vec<Value> = server
        .requests()
        .iter()
        .map(|request| serde_json::from_str(&request.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 3);
    assert_eq!(
        bodies[0],
        json!({ "requests": [{ "url": "/a" }, { "url": "/b" }, { "url": "/c" }], "concurrency": 3, "budget": { "kv_writes": 9 } })
    );
    assert_eq!(bodies[2], json!({ "requests": [{ "url": "/c" }] }));
}

#[test]
fn entries_are_read_page_by_page() {
    let server = Server::start();
    let ended = run_at(&server.url, &["entries", "gql/many/**", "--limit", "250", "--json"]);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(printed["entries"].as_array().unwrap().len(), 250);
    let targets: Vec<String> =
        server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert!(targets[2].contains("limit=50") && targets[2].contains("cursor=c2"), "{targets:?}");
}

/// A recording of an origin that changes by itself.
const STARS: &str = r#"{"at":1800000000000,"ms":5,"url":"https://h/api/stars","response":{"status":200,"headers":{"content-type":"application/json"},"body":{"stars":1}}}
{"at":1800000001000,"ms":5,"url":"https://h/api/stars","response":{"status":200,"headers":{"content-type":"application/json"},"body":{"stars":2}}}"#;

#[test]
fn every_way_to_end_has_its_status() {
    let server = Server::start();
    let har = fixture("har/chromium.har");
    let folder = in_folder(&[
        ("faulty.toml", "[default]\ntll = 5\n"),
        ("cut.har", &std::fs::read_to_string(&har).unwrap()[..30_000]),
        ("evergraph.toml", "service = \"x\"\n[default]\nttl = 60\n"),
        ("no.json", "{"),
        ("stars.ndjson", STARS),
        ("stars.toml", "[types.stars]\nmatch = [\"rest:/api/stars\"]\nttl = 60\n"),
    ]);
    for (arguments, status, message) in [
        (&["health"][..], 0, ""),
        (&["config", "check"], 0, ""),
        (&["replay", &har], 0, ""),
        (&["--help"], 0, ""),
        (&["--version"], 0, ""),
        (&["health", "--url", "DOWN"], 1, ""),
        (&["health", "--strict", "--url", "DEGRADED"], 1, ""),
        (&["health", "--strict", "--url", "FIRING"], 1, ""),
        (&["health", "--url", "FIRING"], 0, ""),
        (&["explain", "/bypassed", "--require-lookup"], 1, ""),
        (&["warm", "--top", "99"], 1, ""),
        (&["warm", "--top", "98"], 1, ""),
        (
            &["replay", &har, "--host", "other.example", "--require-fresh"],
            1,
            "nothing was replayed, so nothing is proved",
        ),
        (
            &["replay", &har, "--host", "other.example", "--require-hit-rate", "0.5"],
            1,
            "nothing was replayed, so nothing is proved",
        ),
        (&["config", "check", "--config", "faulty.toml"], 1, ""),
        (
            &["replay", &har, "--require-hit-rate", "0.99"],
            1,
            "--require-hit-rate 0.99: the hit rate is 0.",
        ),
        (
            &["replay", "stars.ndjson", "--require-fresh", "--config", "stars.toml"],
            1,
            "evergraph: --require-fresh: 1 stale answer\n",
        ),
        (
            &["replay", &har, "--require-fresh", "--config", "stale.toml"],
            5,
            "stale.toml: cannot be read",
        ),
        (&["entries", "shop/2/gql/product/**"], 2, "Leave out shop/2/"),
        (&["purge", "--pattern", "shop/2/rest/*/**"], 2, "Leave out shop/2/"),
        (&["entries", "gql/product/rest/**"], 0, ""),
        (&["entries", "**/gql/gql/**"], 0, ""),
        (&["purge"], 2, "purge what?"),
        (&["purge", "--all"], 2, "--yes"),
        (&["statistics"], 2, "statistics"),
        (&["stats", "--window", "soon"], 2, "expected a duration"),
        (&["config", "check", "--config", "a", "--config", "b"], 2, "only replay takes several"),
        (&["explain"], 2, "explain what?"),
        (&["stats", "--url", "api.example.com"], 2, "expected a URL"),
        (&["stats", "--url", "http://api.example.com"], 2, "Use https"),
        (&["stats", "--token", "a b"], 2, "a character that no token has"),
        (&["replay", &har, "--require-hit-rate", "80"], 2, "expected a share from 0 to 1"),
        (&["replay", &har, "--require-hit-rate", "NaN"], 2, "expected a share from 0 to 1"),
        (&["stats", "--url", "http://127.0.0.1:1"], 3, "cannot be reached"),
        (&["stats", "--url", "HTML403"], 4, "something before the Worker refuses"),
        (&["stats", "--url", "MOVED"], 4, "answered 301: a redirect"),
        (&["audit", "--token", "wrong"], 4, "the token is wrong"),
        (&["audit", "--token", ""], 4, "EVERGRAPH_TOKEN"),
        (&["audit", "--token", "reader"], 4, "the role read may not do this"),
        (&["audit", "--token", "often"], 4, "Wait a minute"),
        (&["config", "show", "--url", "OLD"], 4, "no such route"),
        (&["purge", "--tag", "a b"], 5, "tags[0]: a tag has no spaces"),
        (&["schema", "push", "missing.graphql"], 5, "missing.graphql: cannot be read"),
        (&["replay", "cut.har"], 5, "cut.har:1:30000: the file ends in the middle of a value"),
        (&["replay", "missing.har"], 5, "missing.har: cannot be read"),
        (&["warm", "--file", "no.json"], 5, "no.json: not JSON"),
        (&["explain", "--curl", "curl -F a=b http://h"], 5, "-F is not understood"),
        (&["explain", "--har", "missing.har"], 5, "missing.har: cannot be read"),
        (&["stats", "--url", "BROKEN"], 6, "answered 500"),
        (&["stats", "--url", "HTML"], 6, "not JSON"),
        (&["stats", "--url", "HTML502"], 6, "answered 502: the Worker failed"),
        (&["stats", "--url", "CUT"], 6, "cannot be read"),
    ] {
        // `--url NAME` is a Worker in that state.
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| match *argument {
                "DOWN" | "DEGRADED" | "OLD" | "BROKEN" | "FIRING" | "HTML" | "HTML403"
                | "HTML502" | "MOVED" | "CUT" => {
                    format!("{}/{argument}", server.url)
                }
                other => other.to_owned(),
            })
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = folder.run_at(&server.url, &arguments);
        assert_eq!(ended.status, status, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(message), "{arguments:?}: {}", ended.stderr);
        assert!(status != 0 || ended.stderr.is_empty(), "{arguments:?}: {}", ended.stderr);
        assert_no_secrets(&ended);
    }
    assert!(server.requests().iter().all(|request| !request.target.contains("OTHER")));
}

fn assert_no_secrets(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(TOKEN), "a token is printed: {text}");
    }
}

#[test]
fn errors_are_json_too() {
    let ended = run(&["stats", "--url", "http://127.0.0.1:1", "--json"]);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(printed["status"], json!(3));
    assert!(printed["error"].as_str().unwrap().contains("cannot be reached"));
    let ended = run(&["stats", "--bogus", "--json"]);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(printed, json!({ "error": "unexpected argument '--bogus' found", "status": 2 }));
}

/// The Worker cuts the list, so it has to know what to sort by. What it does not list is no operation.
#[test]
fn top_lists_the_operations_that_have_the_most_of_anything() {
    for by in ["traffic", "misses", "time", "bytes"] {
        let server = Server::start();
        let ended = run_at(&server.url, &["top", "--by", by, "--json"]);
        let target = format!("GET stats?window=3600&by=operation&sort={by}");
        assert_eq!(server.requests()[0].target, target);
        let rows: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
        let names: Vec<&str> = rows.iter().filter_map(|row| row["name"].as_str()).collect();
        assert_eq!(names[0], if ["misses", "time"].contains(&by) { "Product" } else { "Products" });
        assert!(names.len() == 4 && !names.contains(&"(other)"), "{names:?}");
    }
}

/// `evergraph top --watch | head -1`
#[test]
fn what_nobody_reads_ends() {
    let server = Server::start();
    let mut command = program::command(&server.url, &["top", "--watch", "1s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let waits = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        child.try_wait().unwrap()
    });
    if waits.is_none() {
        child.kill().unwrap();
    }
    let ended = child.wait_with_output().unwrap();
    assert_eq!((waits.and_then(|status| status.code()), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let server = Server::start();
    let ended = program::command(&server.url, &["stats"]).stdout(full).output().unwrap();
    let message = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(5), "{message}");
    assert!(message.contains("the output cannot be written"), "{message}");
}

/// The Worker says when the origin should be left alone.
#[test]
fn a_warming_stops_where_the_worker_stops() {
    let server = Server::start();
    let ended = run_at(&server.url, &["warm", "--top", "98", "--json"]);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    let said = (&printed["skipped"], &printed["stopped"]);
    assert_eq!(said, (&json!(2), &json!("origin-failing")));
    assert_eq!((server.requests().len(), ended.status), (1, 1));
}

#[test]
fn what_was_read_of_a_broken_file_counts() {
    let text = std::fs::read_to_string(fixture("har/chromium.har")).unwrap();
    let folder =
        in_folder(&[("cut.har", &text[..30_000]), ("evergraph.toml", "[default]\nttl = 60\n")]);
    let ended = folder.run_at("", &["replay", "cut.har", "--json"]);
    assert_eq!(ended.status, 5);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["is_complete"], json!(false));
    assert_eq!(report["replayed"], report["entries"]);
    assert!(report["replayed"].as_u64().unwrap() > 5, "{report}");
    assert!(report["fault"].as_str().unwrap().starts_with("cut.har:1:30000"), "{report}");
}

#[test]
fn a_schema_is_known_before_the_first_request() {
    let folder = in_folder(&[
        (
            "schema.graphql",
            "type Query { product(id: ID): Product, products(first: Int): [Product] }\ntype Mutation { ProductUpdate(id: ID, price: Float): Payload }\ntype Payload { product: Product }\ntype Product { id: ID, name: String, price: Float }",
        ),
        ("broken.graphql", "type Query {"),
        (
            "evergraph.toml",
            "[default]\nttl = 60\n[types.product]\nmatch = [\"graphql:Product\"]\nttl = 600\n",
        ),
    ]);
    let har = fixture("har/chromium.har");
    let by_type = |arguments: &[&str]| {
        let ended = folder.run_at("", &[&["replay", &har, "--json"], arguments].concat());
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        report["configurations"][0]["by_type"]["product"]["requests"].as_u64().unwrap_or(0)
    };
    assert_eq!((by_type(&["--schema", "schema.graphql"]), by_type(&[])), (10, 0));
    let broken = folder.run_at("", &["replay", &har, "--schema", "broken.graphql"]);
    assert_eq!(broken.status, 5);
    assert!(broken.stderr.contains("broken.graphql: line 1"), "{}", broken.stderr);
}

/// An environment's file is merged over each configuration.
#[test]
fn a_replay_takes_an_environment() {
    let folder = in_folder(&[
        ("evergraph.toml", "[default]\nttl = 60\n"),
        ("evergraph.short.toml", "[default]\nttl = 0\n"),
    ]);
    let har = fixture("har/chromium.har");
    let replayed = |arguments: &[&str]| {
        let ended = folder.run_at("", &[&["replay", &har, "--json"], arguments].concat());
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let one = &report["configurations"][0];
        (one["config"].as_str().unwrap().to_owned(), one["hits"].as_u64().unwrap())
    };
    let (name, hits) = replayed(&[]);
    assert!(name == "evergraph.toml" && hits > 0, "{name} {hits}");
    let with_environment = replayed(&["--env", "short"]);
    assert_eq!(with_environment, ("evergraph.toml + evergraph.short.toml".to_owned(), 0));
}

#[test]
fn explain_works_without_a_worker() {
    let har = fixture("har/firefox.har");
    let folder = in_folder(&[(
        "evergraph.toml",
        "[default]\nttl = 60\n[types.api]\nmatch = [\"rest:/api/**\"]\nttl = 9\n",
    )]);
    let explained = |arguments: &[&str]| {
        let ended = folder.run_at("", &[&["explain", "--offline", "--json"], arguments].concat());
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    let query = explained(&["--har", &har, "--entry", "3"]);
    assert_eq!(
        (&query["decision"], &query["terms"]["ttl"]["value"]),
        (&json!("lookup"), &json!(60))
    );
    let cookie = explained(&["/api/products", "-H", "Cookie: sid=1"]);
    assert_eq!(cookie["reason"]["detail"], json!("cookie-without-scope: sid"));
    // Methods are typed as they are spoken.
    assert_eq!(explained(&["get", "/api/products"])["decision"], json!("lookup"));
    let curl = explained(&["--curl", "curl -X DELETE http://h/api/products/1"]);
    assert_eq!(curl["decision"], json!("write"));
    let ended = folder.run_at("", &["explain", "--offline", "http://"]);
    assert_eq!(ended.status, 5, "{}", ended.stdout);
}

#[test]
fn the_url_is_configured_and_a_local_token_is_found() {
    let server = Server::start();
    let toml = format!("[operator]\nurl = \"{}\"\n", server.url);
    let folder = in_folder(&[
        ("evergraph.toml", &toml),
        (".dev.vars", "ADMIN_TOKENS=page:read:other,dev:admin:from-dev-vars\n"),
        ("evergraph.down.toml", &format!("[operator]\nurl = \"{}/DOWN\"\n", server.url)),
    ]);
    let ended = folder.run_with(&[], &["audit"]);
    assert_eq!(ended.status, 4, "{}", ended.stderr);
    assert_eq!(server.requests()[0].authorization.as_deref(), Some("Bearer from-dev-vars"));
    // A path is no part of the configured URL.
    let ended = folder.run_with(&[], &["health", "--env", "down"]);
    assert_eq!(ended.status, 5);
    assert!(ended.stderr.contains("operator.url"), "{}", ended.stderr);
    // The environment comes before the file, and an argument before both.
    let environment = [("EVERGRAPH_URL", "http://127.0.0.1:1")];
    assert_eq!(folder.run_with(&environment, &["health"]).status, 3);
    assert_eq!(folder.run_with(&environment, &["health", "--url", &server.url]).status, 0);
    // Variables that are set to nothing are not set, as those of a pipeline may be.
    let ended = folder.run_with(&[], &["audit", "--url", "", "--token", ""]);
    assert_eq!((ended.status, server.requests().len()), (4, 3), "{}", ended.stderr);
    // A password is not repeated.
    let ended = folder.run_with(&[], &["health", "--url", "https://me:passw0rd@a.example"]);
    assert!(ended.status == 2 && !ended.stderr.contains("passw0rd"), "{}", ended.stderr);
}

#[test]
fn only_color_always_has_colors() {
    let server = Server::start();
    let has_colors = |arguments: &[&str]| run_at(&server.url, arguments).stdout.contains('\u{1b}');
    assert!(has_colors(&["health", "--color", "always"]));
    assert!(!has_colors(&["health"]) && !has_colors(&["health", "--color", "never"]));
    assert!(!has_colors(&["health", "--color", "always", "--json"]));
}

/// The numbers of one isolate are a sample, and why that is depends.
#[test]
fn numbers_of_one_isolate_say_why() {
    let server = Server::start();
    for (state, why) in [
        ("UNBOUND", "as STATS is not bound, or stats.requests_per_day is 0"),
        ("SILENT", "as the statistics object did not answer (no answer in 1000 ms)"),
    ] {
        for command in ["stats", "top"] {
            let ended = run_at(&format!("{}/{state}", server.url), &[command]);
            let first = ended.stdout.lines().next().unwrap();
            assert!(first.contains("one isolate") && first.contains(why), "{command}: {first}");
            let ended = run_at(&server.url, &[command]);
            assert!(!ended.stdout.contains("one isolate"), "{command}: {}", ended.stdout);
        }
    }
}

#[test]
fn a_preview_says_what_is_counted() {
    let server = Server::start();
    let shown =
        |arguments: &[&str]| run_at(&server.url, &[arguments, &["--preview"]].concat()).stdout;
    let one = shown(&["purge", "--tag", "Product:42"]);
    for line in [
        "Nothing was purged. This would purge 1 tag and 0 patterns\n",
        "in KV and in the memory of one isolate that it would purge: at least 2\n",
        "Entries that it may purge, as not all of their tags are known: 1\n",
    ] {
        assert!(one.contains(line), "{line}: {one}");
    }
    let all = shown(&["purge", "--all"]);
    assert!(all.starts_with("Nothing was purged. This would purge everything\n"), "{all}");
}

#[test]
fn the_first_schema_changes_nothing() {
    let server = Server::start();
    let url = format!("{}/FIRST", server.url);
    let ended = run_at(&url, &["schema", "push", &fixture("schema.graphql")]);
    assert_eq!(ended.stdout, "The schema is in force: 24 types, and there was none before\n");
}

/// Whoever has paused the cache knows it: monitoring that runs `--strict` stays quiet.
#[test]
fn a_pause_and_useless_tokens_are_shown_and_no_faults() {
    let server = Server::start();
    let url = format!("{}/PAUSED", server.url);
    let ended = run_at(&url, &["health", "--strict"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    for line in [
        "Paused until `evergraph resume`",
        "ADMIN_TOKENS: entry 2 opens nothing",
        "ADMIN_TOKENS: entry 5 opens nothing",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
}

/// Names that clients choose are shown without what would control a terminal.
#[test]
fn control_characters_do_not_reach_the_terminal() {
    let server = Server::start();
    let ended = run_at(&server.url, &["top", "--window", "7s"]);
    assert!(ended.stdout.contains("Evil") && !ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
    let line = STARS.lines().next().unwrap();
    let evil = r#""body":{"operationName":"\u001b[31mEvil\u009b","query":"{ a }"},"response""#;
    let line = line.replace(r#""response""#, evil).replace(r#""url""#, r#""method":"POST","url""#);
    let folder = in_folder(&[("evil.ndjson", &line), ("evergraph.toml", "[default]\nttl = 60\n")]);
    let text = folder.run_at("", &["replay", "evil.ndjson"]).stdout;
    assert!(text.contains("Evil") && !text.contains(['\u{1b}', '\u{9b}']), "{text}");
}

#[test]
fn there_are_completions_and_a_man_page() {
    for (shell, sign) in
        [("bash", "_evergraph()"), ("zsh", "#compdef evergraph"), ("fish", "complete -c evergraph")]
    {
        let ended = run(&["completions", shell]);
        assert!(ended.status == 0 && ended.stdout.contains(sign), "{shell}");
        assert!(ended.stdout.contains("require-hit-rate"), "{shell}");
    }
    let page = run(&["man"]).stdout;
    for text in [
        ".SH \"ENVIRONMENT\"\n.TP\n\\fBEVERGRAPH_URL\\fR\n",
        "NO_COLOR",
        ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\ndone\n",
        ".SH \"FILES\"\n.TP\n\\fBevergraph.toml\\fR\n",
        "\\fB\\&.dev.vars\\fR",
        ".TH evergraph-config-check 1",
        ".TH evergraph-schema-push 1",
    ] {
        assert!(page.contains(text), "{text}");
    }
    for command in evergraph::cli::command().get_subcommands() {
        let name = command.get_name().replace('-', "\\-");
        assert!(page.contains(&format!("evergraph\\-{name}")) || page.contains(&name), "{name}");
    }
    assert!(
        page.contains("\\-\\-require\\-hit\\-rate") && page.starts_with(".ie"),
        "{}",
        &page[..200]
    );
}
