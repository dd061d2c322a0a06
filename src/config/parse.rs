//! JSON to a validated configuration. Every fault is found at once, each with its path.

use super::ConfigError;
use super::jwt::jwt;
use super::kinds::*;
use super::section::{Faults, Section, strings};
use crate::http::PathPattern;
use crate::limits::{Amounts, Limit};
use crate::tag::Tag;
use crate::time::Ttl;
use serde_json::Value;

/// How long a GraphQL answer lives where nothing says otherwise.
const DEFAULT_TTL_SECONDS: u64 = 300;

/// The service where none is named.
const DEFAULT_SERVICE: &str = "evergraph";

/// Names that keys use themselves.
const RESERVED_TYPES: [&str; 2] = ["default", "introspection"];

/// Reads a configuration, or says everything that is wrong with it.
pub fn parse(value: &Value) -> Result<Config, Vec<ConfigError>> {
    let faults = Faults::default();
    let config = read(&Section::new(String::new(), Some(value), &faults));
    let faults = faults.into_list();
    if faults.is_empty() { Ok(config) } else { Err(faults) }
}

/// The origin of a configuration that has faults, if that part of it has none: requests still
/// have to go somewhere.
pub fn origin_of(value: &Value) -> Option<String> {
    let faults = Faults::default();
    let found = origin(&Section::new(String::new(), Some(value), &faults));
    found.filter(|_| faults.into_list().is_empty())
}

/// The service of a configuration that has faults, if that part of it has none: writes still have
/// to be purged.
pub fn service_of(value: &Value) -> String {
    let faults = Faults::default();
    let found = service(&Section::new(String::new(), Some(value), &faults));
    if faults.into_list().is_empty() { found } else { DEFAULT_SERVICE.to_owned() }
}

fn service(root: &Section<'_>) -> String {
    name(root, "service", root.text("service").unwrap_or(DEFAULT_SERVICE))
}

fn read(root: &Section<'_>) -> Config {
    let config = Config {
        service: service(root),
        origin: origin(root),
        bypass: root.list("bypass", PathPattern::parse),
        ignore_cookies: root.list("ignore_cookies", |text| Ok(text.to_owned())),
        same: same(root),
        graphql: graphql(root.section("graphql")),
        default_type: cache_type("default", root.section("default"), false),
        types: types(root),
        scopes: scopes(root),
        jwt: jwt(root),
        mutations: mutations(root.section("mutations")),
        resources: resources(root),
        origin_timeout: origin_timeout(root.section("origin_timeout")),
        limits: limits(root.section("limits")),
        kv: kv(root.section("kv")),
        purge: purge(root.section("purge")),
    };
    root.report_unknown();
    let default = ("default".to_owned(), &config.default_type);
    let named = config.types.iter().map(|one| (format!("types.{}", one.name), one));
    for (path, one) in named.chain([default]) {
        let Some(scope) = &one.scope else { continue };
        if !config.scopes.iter().any(|known| known.name == *scope) {
            let message = format!("no scope is named {scope:?}; define scopes.{scope}");
            root.faults().add(&format!("{path}.scope"), message);
        }
    }
    config
}

fn origin(root: &Section<'_>) -> Option<String> {
    let text = root.text("origin")?;
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.unwrap_or_default().trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '?', '#', ' ']) {
        root.faults().add(
            "origin",
            format!("expected scheme, host and port alone, such as \"https://api.example.com\", found {text:?}"),
        );
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn same(root: &Section<'_>) -> Vec<Vec<String>> {
    match root.value("same") {
        None => Vec::new(),
        Some(Value::Array(groups)) => groups
            .iter()
            .enumerate()
            .map(|(index, group)| {
                strings(group, &format!("same[{index}]"), root.faults(), graphql_name)
            })
            .collect(),
        Some(other) => {
            root.faults().add("same", format!("expected a list of lists of types, found {other}"));
            Vec::new()
        }
    }
}

fn graphql(section: Section<'_>) -> GraphQl {
    let paths = match section.value("paths") {
        None => PathPattern::parse("/graphql").into_iter().collect(),
        Some(value) => {
            strings(value, &section.path_of("paths"), section.faults(), PathPattern::parse)
        }
    };
    let graphql = GraphQl {
        paths,
        inject: section.flag("inject", true),
        apq: section
            .one_of("apq", &[("own", Apq::Own), ("origin", Apq::Origin)])
            .unwrap_or(Apq::Own),
        schema: section
            .one_of(
                "schema",
                &[("none", SchemaSource::None), ("introspect", SchemaSource::Introspect)],
            )
            .unwrap_or(SchemaSource::None),
        keys: key_fields(&section),
    };
    section.report_unknown();
    graphql
}

/// How long the origin may take for a read where nothing says otherwise.
const READ_MILLIS: u64 = 30_000;

fn origin_timeout(section: Section<'_>) -> OriginTimeout {
    let millis = |key, default| {
        let given = section.number(key, "milliseconds", 0..=600_000);
        Some(given.unwrap_or(default)).filter(|millis| *millis > 0)
    };
    let timeout =
        OriginTimeout { read_ms: millis("read_ms", READ_MILLIS), write_ms: millis("write_ms", 0) };
    section.report_unknown();
    timeout
}

fn key_fields(section: &Section<'_>) -> KeyFields {
    let mut keys = KeyFields::new();
    for (type_name, value) in section.entries("keys") {
        let path = section.path_of(&format!("keys.{type_name}"));
        if let Err(fault) = graphql_name(type_name) {
            section.faults().add(&path, fault);
        }
        let fields = match value {
            Value::String(_) => {
                strings(&Value::Array(vec![value.clone()]), &path, section.faults(), graphql_name)
            }
            list => strings(list, &path, section.faults(), graphql_name),
        };
        if fields.is_empty() {
            section.faults().add(&path, "expected a field or a list of fields");
        }
        keys.insert(type_name.to_owned(), fields);
    }
    keys
}

fn limits(section: Section<'_>) -> Limits {
    let mut amounts = Amounts::default_limits();
    for limit in Limit::ALL {
        let most = limit.default_and_most().1 as u64;
        if let Some(amount) = section.number(limit.as_str(), limit.as_str(), 1..=most) {
            amounts.set(limit, usize::try_from(amount).unwrap_or(usize::MAX));
        }
    }
    let limits = Limits { amounts, refuse: section.flag("refuse", false) };
    section.report_unknown();
    limits
}

fn types(root: &Section<'_>) -> Vec<CacheType> {
    root.entries("types")
        .into_iter()
        .map(|(type_name, value)| {
            let path = format!("types.{type_name}");
            if RESERVED_TYPES.contains(&type_name) {
                root.faults().add(&path, "this name is Evergraph's own; choose another");
            }
            name(root, &path, type_name);
            cache_type(type_name, Section::new(path, Some(value), root.faults()), true)
        })
        .collect()
}

fn cache_type(type_name: &str, section: Section<'_>, named: bool) -> CacheType {
    if named && section.value("match").is_none() {
        section.faults().add(&section.path_of("match"), "a cache type says what it matches");
    }
    let ttl = section.seconds("ttl");
    if named && section.value("ttl").is_none() {
        section.faults().add(&section.path_of("ttl"), "a cache type says how long it lives");
    }
    let cache_type = CacheType {
        name: type_name.to_owned(),
        matches: if named { section.list("match", parse_match) } else { Vec::new() },
        ttl: ttl.unwrap_or(Ttl::from_seconds(DEFAULT_TTL_SECONDS)),
        swr: section.seconds("swr").unwrap_or(Ttl::ZERO),
        sie: section.seconds("sie").unwrap_or(Ttl::ZERO),
        scope: section.text("scope").filter(|scope| *scope != "public").map(str::to_owned),
        tags: section.list("tags", parse_tag),
        overriding: section.flag("override", false),
        client_ttl: section.seconds("client_ttl"),
    };
    section.report_unknown();
    cache_type
}

fn parse_match(text: &str) -> Result<Match, String> {
    let (kind, rest) = text.split_once(':').unwrap_or(("", text));
    match (kind, rest.split_once('.')) {
        ("graphql", None) => graphql_name(rest).map(Match::GraphQlType),
        ("graphql", Some(("Query", field))) => glob_name(field).map(Match::QueryField),
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

fn graphql_name(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    if text.is_empty() || !plain || text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("expected the name of a GraphQL type, found {text:?}"));
    }
    Ok(text.to_owned())
}

fn glob_name(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|b| matches!(b, b'_' | b'*') || b.is_ascii_alphanumeric());
    if text.is_empty() || !plain {
        return Err(format!("expected a GraphQL name, \"*\" allowed, found {text:?}"));
    }
    Ok(text.to_owned())
}

fn parse_tag(text: &str) -> Result<Tag, String> {
    Tag::parse(text).map_err(|fault| format!("{fault}, found {text:?}"))
}

fn scopes(root: &Section<'_>) -> Vec<Scope> {
    let has_tokens = root.has("jwt");
    root.entries("scopes")
        .into_iter()
        .map(|(scope_name, value)| {
            let path = format!("scopes.{scope_name}");
            if scope_name == "public" {
                root.faults().add(&path, "this name is Evergraph's own; choose another");
            }
            name(root, &path, scope_name);
            let section = Section::new(path, Some(value), root.faults());
            if section.value("by").is_none() {
                section
                    .faults()
                    .add(&section.path_of("by"), "a scope says what tells people apart");
            }
            let by = section.list("by", |text| parse_identity(text, has_tokens));
            section.report_unknown();
            Scope { name: scope_name.to_owned(), by }
        })
        .collect()
}

fn parse_identity(text: &str, has_tokens: bool) -> Result<Identity, String> {
    match text.split_once(':') {
        Some(("header", header)) if !header.is_empty() => {
            Ok(Identity::Header(header.to_ascii_lowercase()))
        }
        Some(("cookie", cookie)) if !cookie.is_empty() => Ok(Identity::Cookie(cookie.to_owned())),
        Some(("jwt", claim)) if claim.split('.').all(|name| !name.is_empty()) => {
            let without =
                format!("{text:?} needs the table jwt, which says how tokens are verified");
            has_tokens.then(|| Identity::Claim(claim.to_owned())).ok_or(without)
        }
        _ => Err(format!(
            "expected \"header:<name>\", \"cookie:<name>\" or \"jwt:<claim>\", found {text:?}"
        )),
    }
}

fn mutations(section: Section<'_>) -> Mutations {
    let policy = section
        .one_of(
            "policy",
            &[
                ("entity", MutationPolicy::Entity),
                ("list", MutationPolicy::List),
                ("type", MutationPolicy::Type),
                ("all", MutationPolicy::All),
            ],
        )
        .unwrap_or(MutationPolicy::Type);
    let path = section.path_of("rules");
    let rules = section
        .entries("rules")
        .into_iter()
        .map(|(field, value)| {
            let path = format!("{path}.{field}");
            if let Err(message) = glob_name(field) {
                section.faults().add(&path, message);
            }
            let tags = strings(value, &path, section.faults(), parse_tag);
            MutationRule { field: field.to_owned(), tags }
        })
        .collect();
    section.report_unknown();
    Mutations { policy, rules }
}

fn resources(root: &Section<'_>) -> Vec<Resource> {
    let Some(value) = root.value("resources") else { return Vec::new() };
    let Value::Array(items) = value else {
        root.faults().add("resources", format!("expected [[resources]] tables, found {value}"));
        return Vec::new();
    };
    items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            resource(Section::new(format!("resources[{index}]"), Some(item), root.faults()))
        })
        .collect()
}

fn resource(section: Section<'_>) -> Option<Resource> {
    let text = section.text("path");
    if text.is_none() {
        section.faults().add(&section.path_of("path"), "a resource has a path");
    }
    let tags = section.list("tags", |text| Ok(text.to_owned()));
    let path = PathPattern::parse(text?)
        .map_err(|message| section.faults().add(&section.path_of("path"), message))
        .ok();
    if let Some(path) = &path {
        for (index, tag) in tags.iter().enumerate() {
            let place = format!("{}[{index}]", section.path_of("tags"));
            check_template(tag, path, &place, section.faults());
        }
    }
    section.report_unknown();
    Some(Resource { path: path?, tags })
}

/// A template is right when it is a tag once its parameters, which the path has, are filled in.
fn check_template(tag: &str, path: &PathPattern, place: &str, faults: &Faults) {
    let filled = path
        .parameters()
        .fold(tag.to_owned(), |text, name| text.replace(&format!("{{{name}}}"), "1"));
    if filled.contains(['{', '}']) {
        faults.add(place, format!("{tag:?} names a parameter that the path does not have"));
    } else if let Err(message) = parse_tag(&filled) {
        faults.add(place, message);
    }
}

fn kv(section: Section<'_>) -> Kv {
    let writes = [
        ("always", KvWrites::Always),
        ("second-request", KvWrites::SecondRequest),
        ("never", KvWrites::Never),
    ];
    let kv = Kv {
        timeout_ms: section.number("timeout_ms", "milliseconds", 1..=30_000).unwrap_or(50),
        writes: section.one_of("writes", &writes).unwrap_or(KvWrites::Always),
        min_ttl: section.number("min_ttl", "seconds", 0..=Ttl::MAX.as_seconds()).unwrap_or(0),
    };
    section.report_unknown();
    kv
}

fn purge(section: Section<'_>) -> Purge {
    let unreadable = [("miss", Unreadable::Miss), ("serve", Unreadable::Serve)];
    let purge = Purge {
        max_lag: section.number("max_lag", "seconds", 1..=86_400).unwrap_or(5),
        wait: section.flag("wait", true),
        settle: section.number("settle", "seconds", 0..=60).unwrap_or(0),
        unreadable: section.one_of("unreadable", &unreadable).unwrap_or(Unreadable::Miss),
        cookie: section.flag("cookie", false),
    };
    section.report_unknown();
    purge
}

/// A name that becomes a segment of keys.
fn name(root: &Section<'_>, path: &str, text: &str) -> String {
    let plain = text.bytes().all(|b| matches!(b, b'_' | b'-') || b.is_ascii_alphanumeric());
    if text.is_empty() || text.len() > 64 || !plain {
        root.faults()
            .add(path, format!("expected 1 to 64 letters, digits, \"-\" or \"_\", found {text:?}"));
    }
    text.to_owned()
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
