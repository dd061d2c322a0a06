//! Tables of the documentation, and the JSON Schema of the configuration, which are generated from
//! tables in the code.
//!
//! A table stands between `<!-- generated: NAME -->` and `<!-- end generated -->` in a file of
//! docs/. The test fails if it differs from the code. `UPDATE_DOCS=1 cargo test --test reference`
//! rewrites it.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use evergraph::engine::{MissDetail, XCache, bypass_reasons};
use evergraph::policy::{NotStored, Reason};
use std::fs;
use std::path::{Path, PathBuf};

const END: &str = "<!-- end generated -->";

#[test]
fn the_reference_is_generated_from_the_code() {
    let reasons: Vec<Reason> = NotStored::REASONS.to_vec();
    for (name, table) in [
        ("bypass-reasons", reasons_table(&bypass_reasons())),
        ("not-stored-reasons", reasons_table(&reasons)),
        ("miss-details", reasons_table(MissDetail::REASONS)),
        ("x-cache", reasons_table(XCache::REASONS)),
    ] {
        check(name, &table);
    }
}

#[test]
fn the_json_schema_is_generated_from_the_tables_of_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("evergraph.schema.json");
    let schema = serde_json::to_string_pretty(&evergraph::config::json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, schema).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(path).unwrap() == schema,
        "evergraph.schema.json differs from the code: run `UPDATE_DOCS=1 cargo test --test reference`"
    );
}

fn reasons_table(reasons: &[Reason]) -> String {
    let has_remedy = reasons.iter().any(|reason| !reason.remedy.is_empty());
    let mut table = match has_remedy {
        true => "| word | meaning | remedy |\n|---|---|---|\n".to_owned(),
        false => "| word | meaning |\n|---|---|\n".to_owned(),
    };
    for reason in reasons {
        let name = if reason.has_name { ": <name>" } else { "" };
        let Reason { word, meaning, remedy, .. } = reason;
        table.push_str(&format!("| `{word}{name}` | {meaning} |"));
        table.push_str(&if has_remedy { format!(" {remedy} |\n") } else { "\n".to_owned() });
    }
    table
}

/// Compares the table of that name with the documentation, or rewrites it there.
fn check(name: &str, table: &str) {
    let begin = format!("<!-- generated: {name} -->\n");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages: Vec<PathBuf> = pages(&docs);
    let has_marker = |path: &&PathBuf| fs::read_to_string(path).unwrap().contains(&begin);
    let path = pages.iter().find(has_marker).unwrap_or_else(|| panic!("no page has {begin}"));
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(&begin).unwrap();
    let (current, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, format!("{before}{begin}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(
        current == table,
        "{} differs from the code: run `UPDATE_DOCS=1 cargo test --test reference`",
        path.display()
    );
}

fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => pages(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}
