//! Cache types: what they match, and how that is cached.

use super::arguments::arguments;
use super::kinds::{CacheType, FieldPattern, Match, TypeTtl};
use super::rest::{require_rest, settings};
use super::section::Section;
use super::words::{glob_name, graphql_name, header_names, name, parse_tag};
use crate::http::PathPattern;
use crate::time::Ttl;
use serde_json::Value;

/// How long a GraphQL answer lives where nothing says otherwise.
const DEFAULT_TTL_SECONDS: u64 = 300;

/// Names that keys use themselves.
const RESERVED: [&str; 2] = ["default", "introspection"];

fn default_ttl() -> Ttl {
    Ttl::from_seconds(DEFAULT_TTL_SECONDS)
}

/// Reads `types`.
pub(super) fn types(root: &Section<'_>) -> Vec<CacheType> {
    root.entries("types")
        .into_iter()
        .map(|(type_name, value)| {
            let path = format!("types.{type_name}");
            if RESERVED.contains(&type_name) {
                root.faults().add(&path, "this name is Evergraph's own; choose another");
            }
            name(root, &path, type_name);
            named_type(type_name, &Section::new(path, Some(value), root.faults()))
        })
        .collect()
}

/// Reads `default`, which is of GraphQL alone and matches what nothing else does.
pub(super) fn default_type(section: &Section<'_>) -> CacheType {
    let ttl = TypeTtl::Seconds(section.seconds("ttl").unwrap_or(default_ttl()));
    let default = cache_type("default", section, ttl);
    section.report_unknown();
    default
}

fn named_type(type_name: &str, section: &Section<'_>) -> CacheType {
    if section.value("match").is_none() {
        section.faults().add(&section.path_of("match"), "a cache type says what it matches");
    }
    let matches = section.list("match", parse_match);
    let ttl = ttl(section, &matches);
    let rest = settings(section, &matches);
    let one = CacheType { matches, rest, ..cache_type(type_name, section, ttl) };
    section.report_unknown();
    one
}

fn ttl(section: &Section<'_>, matches: &[Match]) -> TypeTtl {
    match section.value("ttl") {
        None => {
            let message = "a cache type says how long it lives";
            section.faults().add(&section.path_of("ttl"), message);
            TypeTtl::Seconds(default_ttl())
        }
        Some(Value::String(text)) if text == "origin" => {
            require_rest(section, "ttl", matches);
            TypeTtl::Origin
        }
        Some(Value::String(text)) => {
            let message =
                format!("expected a whole number of seconds or \"origin\", found {text:?}");
            section.faults().add(&section.path_of("ttl"), message);
            TypeTtl::Seconds(default_ttl())
        }
        Some(_) => TypeTtl::Seconds(section.seconds("ttl").unwrap_or(default_ttl())),
    }
}

/// What a named type and the default have in common.
fn cache_type(type_name: &str, section: &Section<'_>, ttl: TypeTtl) -> CacheType {
    CacheType {
        name: type_name.to_owned(),
        matches: Vec::new(),
        ttl,
        swr: section.seconds("swr"),
        sie: section.seconds("sie"),
        scope: section.text("scope").filter(|scope| *scope != "public").map(str::to_owned),
        vary: header_names(section, "vary"),
        tags: section.list("tags", parse_tag),
        overriding: section.flag("override", false),
        client_ttl: section.seconds("client_ttl"),
        rest: Default::default(),
    }
}

fn parse_match(text: &str) -> Result<Match, String> {
    let (kind, rest) = text.split_once(':').unwrap_or(("", text));
    match (kind, rest.split_once('.')) {
        ("graphql", None) => graphql_name(rest).map(Match::GraphQlType),
        ("graphql", Some(("Query", field))) => field_pattern(field).map(Match::QueryField),
        ("graphql", Some((parent, _))) => Err(format!(
            "expected \"graphql:Query.<field>\", the query root by that name whatever the schema calls it; found the type {parent:?}"
        )),
        ("operation", _) => glob_name(rest).map(Match::Operation),
        ("rest", _) => PathPattern::parse(rest).map(Match::Rest),
        _ => Err(format!(
            "expected \"graphql:Type\", \"graphql:Query.field\", \"operation:Name\" or \"rest:/path\", found {text:?}"
        )),
    }
}

/// `products`, `product*`, or with arguments: `search(kind: PRODUCT, lang: "en")`.
fn field_pattern(text: &str) -> Result<FieldPattern, String> {
    let (name, arguments) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), arguments(rest)?),
        None => (text, Vec::new()),
    };
    Ok(FieldPattern { name: glob_name(name)?, arguments })
}
