//! Tables of the documentation, and the JSON Schema of the configuration, which are generated from
//! tables in the code.
//!
//! A table stands between `<!-- generated: NAME -->` and `<!-- end generated -->` in a file of
//! docs/. The test fails if it differs from the code. `UPDATE_DOCS=1 cargo test --test reference`
//! rewrites it.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use evergraph::admin::METRICS;
use evergraph::engine::{BypassOutcome, MissDetail, Warning, XCache, bypass_reasons};
use evergraph::policy::{CacheStatus, Forward, NotStored, Reason};
use evergraph::service::{ADDED_HEADERS, ADMIN_ROUTES};
use std::collections::{BTreeMap, BTreeSet};
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
        ("warnings", reasons_table(Warning::REASONS)),
        ("x-cache", reasons_table(XCache::REASONS)),
        ("response-headers", headers_table()),
        ("admin-routes", routes_table()),
        ("metrics", metrics_table()),
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

#[test]
fn openapi_json_is_generated_from_the_routes_and_their_types() {
    let undescribed = evergraph::service::undescribed();
    assert!(
        undescribed.is_empty(),
        "each route needs one row in src/service/admin/descriptions.rs, and each row a route: {undescribed:?}"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document = serde_json::to_string_pretty(&evergraph::service::openapi()).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, document).unwrap();
        return;
    }
    assert!(
        fs::read_to_string(path).unwrap() == document,
        "openapi.json differs from the code: run `UPDATE_DOCS=1 cargo test --test reference`"
    );
}

#[test]
fn every_reference_in_openapi_json_leads_to_a_schema() {
    fn references(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(members) => {
                found.extend(members.get("$ref").and_then(|path| path.as_str()).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            serde_json::Value::Array(items) => {
                items.iter().for_each(|item| references(item, found))
            }
            _ => {}
        }
    }
    let document = evergraph::service::openapi();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 5, "{found:?}");
    for reference in found {
        let schema = document.pointer(reference.trim_start_matches('#'));
        assert!(schema.is_some_and(|schema| schema.get("description").is_some()), "{reference}");
    }
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

fn headers_table() -> String {
    let mut table = "| header | present on | value |\n|---|---|---|\n".to_owned();
    for header in ADDED_HEADERS {
        let names: Vec<String> = header.names.iter().map(|name| format!("`{name}`")).collect();
        let (names, present_on, value) = (names.join(", "), header.present_on, header.value);
        table.push_str(&format!("| {names} | {present_on} | {value} |\n"));
    }
    table
}

fn routes_table() -> String {
    let mut table = "| route | role | does |\n|---|---|---|\n".to_owned();
    for route in ADMIN_ROUTES {
        let (method, path, doc) = (route.method, route.path, route.doc);
        let section = match is_of_the_page(path) {
            true => "page.md".to_owned(),
            false => {
                let (page, anchor) =
                    (page_of_route(method, path), anchor(&format!("{method} {path}")));
                format!("{page}#{anchor}")
            }
        };
        let role = route.role.map_or("none".to_owned(), |role| format!("`{}`", role.as_str()));
        let route = format!("{method} {path}");
        table.push_str(&format!("| [`{}`]({section}) | {role} | {doc} |\n", route.trim_end()));
    }
    table
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.to_lowercase().replace(' ', "-");
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The page with the section of a route, as docs/operations.md links to it.
fn page_of_route(method: &str, path: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let heading = format!("### {method} {path}");
    let has_section =
        |page: &&PathBuf| fs::read_to_string(page).unwrap().lines().any(|line| line == heading);
    let pages = pages(&docs);
    let page = pages.iter().find(has_section).and_then(|page| page.strip_prefix(&docs).ok());
    let page = page.filter(|page| *page != Path::new("operations.md"));
    page.map(|page| page.display().to_string()).unwrap_or_default()
}

/// The page and its files, which docs/page.md describes.
fn is_of_the_page(path: &str) -> bool {
    path.is_empty() || path.starts_with("page.")
}

fn metrics_table() -> String {
    let mut table = "| metric | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for metric in METRICS {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let (name, kind, labels) = (metric.name, metric.kind.as_str(), labels.join(", "));
        table.push_str(&format!("| `{name}` | {kind} | {labels} | {} |\n", metric.help));
    }
    table
}

#[test]
fn every_admin_route_has_a_section_and_every_such_section_a_route() {
    let is_method =
        |word: &str| ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE", "BAN"].contains(&word);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let text: String =
        pages(&docs).iter().map(|page| fs::read_to_string(page).unwrap() + "\n").collect();
    let headings = text.lines().filter_map(|line| line.strip_prefix("### ")?.split_once(' '));
    let documented: BTreeSet<(&str, &str)> =
        headings.filter(|(method, path)| is_method(method) && !path.contains(' ')).collect();
    let routes = ADMIN_ROUTES.iter().filter(|route| !is_of_the_page(route.path));
    let routes: BTreeSet<(&str, &str)> = routes.map(|route| (route.method, route.path)).collect();
    let heading = |(method, path): &(&str, &str)| format!("### {method} {path}");
    let missing: Vec<String> = routes.difference(&documented).map(heading).collect();
    assert!(missing.is_empty(), "docs/operations.md needs sections with the headings {missing:?}");
    let unknown: Vec<String> = documented.difference(&routes).map(heading).collect();
    assert!(
        unknown.is_empty(),
        "pages in docs/ have the headings {unknown:?}, which are no routes"
    );
}

/// The README explains the headers that only Evergraph writes. Those that origins write too are in
/// docs/operations.md.
#[test]
fn the_readme_has_the_headers_that_say_what_evergraph_did() {
    const ALSO_OF_ORIGINS: [&str; 6] =
        ["Age", "Date", "ETag", "Location", "Content-Location", "Set-Cookie"];
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, table) = readme.split_once("| header | value |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let explained: BTreeSet<&str> =
        cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`')).collect();
    let names = ADDED_HEADERS.iter().flat_map(|header| header.names).copied();
    let added: BTreeSet<&str> = names.filter(|name| !ALSO_OF_ORIGINS.contains(name)).collect();
    assert_eq!(
        explained, added,
        "the table under \"What a response says\" in README.md, and ADDED_HEADERS in \
         src/service/respond/added_headers.rs"
    );
}

/// The rescue makes some responses when Wasm has trapped twice, so it cannot ask Wasm for their headers.
#[test]
fn the_rescue_sets_the_headers_of_the_table_that_need_no_wasm() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/worker/js/rescue.js");
    let script = fs::read_to_string(script).unwrap();
    let (_, headers) = script.split_once("const headers = {").unwrap();
    let (headers, _) = headers.split_once("};").unwrap();
    let text_of = |text: &str| text.trim().trim_matches('"').to_owned();
    let pairs = headers.lines().filter_map(|line| line.trim_end_matches(',').split_once("\": "));
    let mut set: BTreeMap<String, String> =
        pairs.map(|(name, value)| (text_of(name), text_of(value))).collect();
    assert_eq!(set.remove("cache-control").as_deref(), Some("no-store"));
    let status = CacheStatus::Forwarded {
        forward: Forward::Bypass,
        status: None,
        stored: false,
        detail: Some(BypassOutcome::WorkerFailed.as_str()),
    };
    assert_eq!(set.get("x-cache").map(String::as_str), Some(XCache::Bypass.as_str()));
    assert_eq!(set.get("cache-status"), Some(&status.to_string()));
    let of_table = ADDED_HEADERS.iter().filter(|header| header.without_wasm);
    let mut of_table: Vec<String> =
        of_table.flat_map(|header| header.names).map(|name| name.to_lowercase()).collect();
    of_table.sort_unstable();
    assert_eq!(set.into_keys().collect::<Vec<_>>(), of_table);
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
