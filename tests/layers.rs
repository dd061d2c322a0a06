//! Imports go down only: no cycle of files or folders, and the orders of docs/architecture.md.
//!
//! A file may import only files below it. `mod.rs` is its folder's table of contents: what it
//! re-exports counts as imported from the file that defines it. Tests may import anything.
//!
//! `cargo test --test layers` names, for each group of files that import each other, one of the
//! shortest cycles with its lines.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "layers/graph.rs"]
mod graph;
#[path = "layers/graph_tests.rs"]
mod graph_tests;
#[path = "layers/javascript.rs"]
mod javascript;
#[path = "layers/rust.rs"]
mod rust;
#[path = "layers/rust_tests.rs"]
mod rust_tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The order within a folder of `src` (`""` is `src` itself). Each row holds the names of files and
/// folders, separated by spaces. They may import those of the rows before, and not each other.
const ORDERS: [(&str, &[&str]); 6] = [
    (
        "",
        &[
            "order record",
            "time decimal http json limits shadow",
            "key",
            "tag",
            "config",
            "alerts",
            "config_file purge statistics",
            "stored",
            "policy",
            "graphql jwt rest admin",
            "engine",
            "service",
            "offline sim worker",
            "cli",
            "bin",
        ],
    ),
    ("graphql", &["document", "schema", "types", "injection", "operation", "request response"]),
    (
        "service",
        &[
            "backoff byte_lru expiring_map limit_usage stats",
            "answers",
            "runtime",
            "cached_entry slots",
            "body_memory context failed_attempts report timeout",
            "last_outcome",
            "origin tiers token_verifier",
            "purges respond",
            "stats_reports",
            "base cache incoming knowledge scope_changes",
            "pass_through planning read",
            "decision write",
            "explain warming",
            "auto_warming",
            "admin batch degraded socket",
            "graphql",
            "configured",
            "isolate",
            "answer_model router",
        ],
    ),
    ("offline", &["executor purge_log recorded signals store", "platform", "runtime", "world"]),
    (
        "cli",
        &[
            "cmd_words curl_flags duration exit_status request_spec shell_words words",
            "output",
            "arguments curl failure recording",
            "knowledge settings",
            "client replay",
            "commands",
            "run",
        ],
    ),
    (
        "sim",
        &[
            "faults random tokens",
            "executor form_mix",
            "laws plan turns",
            "environment requests",
            "origin stores",
            "universe",
            "lifecycle",
            "runtime",
            "fleet",
            "exchanges judging sharing",
            "client forms log_reads",
            "oracle run",
            "deploys slow",
        ],
    ),
];

/// Where JavaScript is.
const JAVASCRIPT: [&str; 7] =
    ["bench", "examples", "page/src", "scripts", "src/worker/js", "tests/e2e", "tools"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of the files in a folder with one of these extensions, by their paths below `base`.
fn sources(base: &Path, folder: &str, extensions: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(base.join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(base).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.extend(sources(base, &name, extensions));
        } else if extensions.iter().any(|extension| name.ends_with(extension)) {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

fn rust_sources() -> BTreeMap<String, String> {
    sources(&root().join("src"), "", &[".rs"])
}

#[test]
fn no_file_or_folder_imports_itself_through_others() {
    let (_, imports) = rust::imports("evergraph", &rust_sources());
    let faults: Vec<String> = graph::faults(&imports).into_iter().map(|(_, text)| text).collect();
    assert!(
        faults.is_empty(),
        "
{}",
        faults.join(
            "

"
        )
    );
}

#[test]
fn modules_import_only_from_below() {
    let (files, imports) = rust::imports("evergraph", &rust_sources());
    let wrong: Vec<String> = ORDERS
        .iter()
        .flat_map(|(folder, rows)| graph::out_of_order(folder, rows, &files, &imports))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_javascript_module_imports_itself_through_others() {
    let mut files = BTreeMap::new();
    for folder in JAVASCRIPT {
        files.extend(sources(root(), folder, &[".js", ".jsx", ".mjs"]));
    }
    let faults: Vec<String> =
        graph::faults(&javascript::imports(&files)).into_iter().map(|(_, text)| text).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n\n"));
}

#[test]
fn every_source_is_read() {
    let sources = rust_sources();
    let (files, imports) = rust::imports("evergraph", &sources);
    let is_test = |file: &&String| file.ends_with("tests.rs");
    for file in sources.keys().filter(|file| !is_test(file) && !files.contains(file)) {
        // Declared under `#[cfg(test)]`.
        let importers = imports.keys().filter(|(_, to)| to == file).count();
        assert_eq!(importers, 0, "{file} is imported, and not declared");
    }
    assert!(files.len() > 150, "only {} files are read", files.len());
    assert!(imports.len() > files.len(), "only {} imports are read", imports.len());
}

#[test]
fn only_the_worker_module_names_the_runtime_and_only_one_file_the_parser() {
    for (file, text) in rust_sources() {
        let names = |what: &str| text.contains(&format!("{what}::"));
        if !file.starts_with("worker/") {
            for runtime in ["worker", "wasm_bindgen", "js_sys"] {
                assert!(!names(runtime), "{file} names {runtime}");
            }
        }
        if file != "graphql/document/parser.rs" {
            assert!(!names("graphql_parser"), "{file} names graphql_parser");
        }
    }
}
