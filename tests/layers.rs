//! A module imports only from layers below its own; docs/architecture.md has the same table.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers. Within one, no module imports another, but for those named here.
const LAYERS: [(&str, u8); 16] = [
    ("time", 0),
    ("http", 0),
    ("json", 0),
    ("limits", 0),
    ("key", 1),
    ("tag", 1),
    ("stored", 1),
    ("policy", 1),
    ("config", 1),
    ("purge", 1),
    ("graphql", 2),
    ("jwt", 2),
    ("rest", 2),
    ("admin", 2),
    ("engine", 3),
    ("service", 4),
];

/// Layer 1 is ordered within itself: each may import those before it.
const WITHIN: [&str; 6] = ["key", "tag", "config", "purge", "stored", "policy"];

fn layer(module: &str) -> Option<u8> {
    if matches!(module, "worker" | "sim") {
        return Some(5);
    }
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

fn allowed(from: &str, to: &str) -> bool {
    let (Some(above), Some(below)) = (layer(from), layer(to)) else { return false };
    let place = |module| WITHIN.iter().position(|name| *name == module);
    from == to || below < above || matches!((place(from), place(to)), (Some(f), Some(t)) if t < f)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The modules that a source names as `crate::<module>`.
fn imports(source: &str) -> Vec<String> {
    source
        .split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .filter(|name: &String| !name.is_empty())
        .collect()
}

#[test]
fn modules_import_only_from_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap();
        let first = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if matches!(first, "lib" | "bin") {
            continue;
        }
        assert!(layer(first).is_some(), "{first} has no layer");
        // Tests may reach anywhere: they make what they need.
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        if relative.to_str().unwrap().ends_with("tests.rs") {
            continue;
        }
        for to in imports(code) {
            if !allowed(first, &to) {
                wrong.push(format!("{} imports {to}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_worker_module_names_the_runtime_and_only_one_file_the_parser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let names = |what: &str| text.contains(&format!("{what}::"));
        if !relative.starts_with("worker/") {
            for runtime in ["worker", "wasm_bindgen", "js_sys"] {
                assert!(!names(runtime), "{relative} names {runtime}");
            }
        }
        if relative != "graphql/document/parser.rs" {
            assert!(!names("graphql_parser"), "{relative} names graphql_parser");
        }
    }
}
