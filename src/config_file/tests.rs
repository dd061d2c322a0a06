use super::{TomlFile, read};
use serde_json::{Value, json};

fn file<'t>(name: &'t str, text: &'t str) -> TomlFile<'t> {
    TomlFile { name, text }
}

fn faults(text: &str) -> Vec<String> {
    read(&[file("evergraph.toml", text)], None).unwrap_err()
}

fn merged(base: &str, over: &str) -> Result<Value, Vec<String>> {
    read(&[file("evergraph.toml", base), file("evergraph.staging.toml", over)], None)
}

#[test]
fn a_fault_is_named_by_file_line_and_column() {
    let text = "service = \"shop\"\n\n[types.product]\nmatch = [\"rest:/p\"]\n  tll = 7200\n";
    assert_eq!(
        faults(text),
        [
            "evergraph.toml:3:8: types.product.ttl: required: how many seconds a response is fresh",
            "evergraph.toml:5:3: types.product.tll: unknown key; did you mean ttl?",
        ]
    );
}

#[test]
fn items_of_lists_and_tables_in_lists_have_places() {
    let text = "# é\nbypass = [\"/a\", \"b\"]\n[[resources]]\npath = \"/p\"\n[[resources]]\ntags = [\"é\"]\n";
    let found = faults(text);
    assert!(found[0].starts_with("evergraph.toml:2:17: bypass[1]: a path must begin"), "{found:?}");
    assert!(found[1].starts_with("evergraph.toml:5:1: resources[1].path: required"), "{found:?}");
    assert!(faults("a = 1")[0].starts_with("evergraph.toml:1:1: a: unknown key"));
}

#[test]
fn a_key_of_the_top_level_below_a_section_is_explained() {
    let found = faults("[graphql]\npaths = [\"/api\"]\n\nbypass = [\"/health\"]\n");
    assert!(found[0].starts_with("evergraph.toml:4:1: graphql.bypass: unknown key"), "{found:?}");
    assert!(found[0].ends_with("write it above the first [section])"), "{found:?}");
    assert!(!faults("[graphql]\nsort = 1\n")[0].contains("top level"));
}

#[test]
fn what_is_not_toml_has_a_place() {
    assert!(faults("a = 1\nb = = 2")[0].starts_with("evergraph.toml:2:5: "));
    assert!(faults("a = 1\na = 2")[0].starts_with("evergraph.toml:2:1: "));
}

#[test]
fn what_json_does_not_have_is_a_fault() {
    let text = "service = 2026-01-01\n[kv]\nmin_ttl = inf\ntimeout_ms = 9223372036854775808";
    assert_eq!(faults(text).len(), 3, "{:?}", faults(text));
    assert!(faults(text).iter().all(|fault| fault.starts_with("evergraph.toml:")));
}

#[test]
fn an_environment_is_merged_key_by_key() {
    let base = "origin = \"https://a.example\"\nbypass = [\"/a\", \"/b\"]\n[kv]\ntimeout_ms = 10\n[types.p]\nmatch = [\"rest:/p\"]\nttl = 60\n";
    let over =
        "bypass = [\"/c\"]\nkv.writes = \"never\"\ntypes.p.ttl = 5\n[purge]\nmax_lag = 0x7\n";
    let expected = json!({
        "origin": "https://a.example",
        "bypass": ["/c"],
        "kv": { "timeout_ms": 10, "writes": "never" },
        "types": { "p": { "match": ["rest:/p"], "ttl": 5 } },
        "purge": { "max_lag": 7 },
    });
    assert_eq!(merged(base, over).unwrap(), expected);
}

#[test]
fn a_fault_is_in_the_file_that_its_key_comes_from() {
    let base = "[types.p]\nmatch = [\"rest:/p\", \"x\"]\nttl = 60\nscop = \"user\"\n";
    let over = "\n[types.p]\nttl = -1\n[types.q]\nttl = 1\n";
    let found = merged(base, over).unwrap_err();
    let starts = |text: &str| found.iter().any(|fault| fault.starts_with(text));
    assert!(starts("evergraph.toml:2:21: types.p.match[1]: "), "{found:#?}");
    assert!(starts("evergraph.toml:4:1: types.p.scop: unknown key"), "{found:#?}");
    assert!(starts("evergraph.staging.toml:3:1: types.p.ttl: "), "{found:#?}");
    assert!(starts("evergraph.staging.toml:4:8: types.q.match: required"), "{found:#?}");
    // A list that is replaced leaves no place behind.
    let found = merged(base, "[types.p]\nmatch = [7]\n").unwrap_err();
    assert!(found[0].starts_with("evergraph.staging.toml:2:10: types.p.match[0]: "), "{found:#?}");
}

#[test]
fn the_origin_may_come_from_the_command_line() {
    let base = [file("evergraph.toml", "origin = \"https://a.example\"")];
    assert_eq!(read(&base, Some("http://b:1")).unwrap(), json!({ "origin": "http://b:1" }));
    let found = read(&base, Some("b")).unwrap_err();
    assert!(found[0].starts_with("--origin: origin: expected scheme"), "{found:?}");
}
