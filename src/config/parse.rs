//! JSON to a validated configuration. Every fault is found at once, each with its path.

use super::ConfigError;
use super::jwt::jwt;
use super::kinds::*;
use super::rest::{resources, rest};
use super::section::{Faults, Section, strings};
use super::signals::scopes;
use super::tagging::tagging;
use super::types::{default_type, types};
use super::words::{
    glob_name, graphql_name, header_glob, header_names, name, parse_tag, tag_header,
};
use crate::http::PathPattern;
use crate::limits::{Amounts, Limit, MEMORY_IN_FLIGHT, MEMORY_IN_FLIGHT_RANGE};
use crate::tag::Tagging;
use crate::time::Ttl;
use serde_json::Value;

/// The service where none is named.
const DEFAULT_SERVICE: &str = "evergraph";

/// Reads a configuration, or says everything that is wrong with it.
pub fn parse(value: &Value) -> Result<Config, Vec<ConfigError>> {
    let faults = Faults::default();
    let mut config = read(&Section::new(String::new(), Some(value), &faults));
    config.tagging = tagging(&config);
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

/// The name of the purge log: the service's, or the first one that it had. Of a configuration with
/// faults it is known as far as it has none itself: writes still have to be purged.
pub fn log_name_of(value: &Value) -> String {
    let without_faults = |read: &dyn Fn(&Section<'_>) -> Option<String>| {
        let faults = Faults::default();
        let found = read(&Section::new(String::new(), Some(value), &faults));
        found.filter(|_| faults.into_list().is_empty())
    };
    let first = |root: &Section<'_>| {
        let names = root.list("formerly", |text| Ok(text.to_owned()));
        names.first().map(|text| name(root, "formerly[0]", text))
    };
    without_faults(&first)
        .or_else(|| without_faults(&|root| Some(service(root))))
        .unwrap_or_else(|| DEFAULT_SERVICE.to_owned())
}

fn service(root: &Section<'_>) -> String {
    name(root, "service", root.text("service").unwrap_or(DEFAULT_SERVICE))
}

/// The names that the service had before. Its log has the first of them.
fn formerly(root: &Section<'_>, service: &str) -> Vec<String> {
    let names = root.list("formerly", |text| Ok(text.to_owned()));
    for (index, text) in names.iter().enumerate() {
        let path = format!("formerly[{index}]");
        name(root, &path, text);
        if text == service {
            root.faults().add(&path, "this is the service's name now; name those that it had");
        }
        if names.iter().take(index).any(|before| before == text) {
            root.faults().add(&path, format!("{text:?} stands there twice"));
        }
    }
    names
}

fn read(root: &Section<'_>) -> Config {
    let service = service(root);
    let config = Config {
        formerly: formerly(root, &service),
        service,
        origin: origin(root),
        bypass: root.list("bypass", PathPattern::parse),
        ignore_cookies: root.list("ignore_cookies", |text| Ok(text.to_owned())),
        tag_headers: root.list("tag_headers", tag_header),
        ignore_headers: root.list("ignore_headers", header_glob),
        vary: header_names(root, "vary"),
        same: same(root),
        graphql: graphql(root.section("graphql")),
        rest: rest(root.section("rest")),
        default_type: default_type(&root.section("default")),
        types: types(root),
        scopes: scopes(root),
        jwt: jwt(root),
        mutations: mutations(root.section("mutations")),
        resources: resources(root),
        origin_timeout: origin_timeout(root.section("origin_timeout")),
        limits: limits(root.section("limits")),
        kv: kv(root.section("kv")),
        purge: purge(root.section("purge")),
        tagging: Tagging::UNKNOWN,
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
        let most = limit.default_and_maximum().1 as u64;
        if let Some(amount) = section.number(limit.as_str(), limit.as_str(), 1..=most) {
            amounts.set(limit, usize::try_from(amount).unwrap_or(usize::MAX));
        }
    }
    let (least, most) = MEMORY_IN_FLIGHT_RANGE;
    let memory = section.number("memory_in_flight", "bytes", least as u64..=most as u64);
    let memory_in_flight = memory.map_or(MEMORY_IN_FLIGHT, |bytes| bytes as usize);
    let limits = Limits { amounts, refuse: section.flag("refuse", false), memory_in_flight };
    section.report_unknown();
    limits
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

#[cfg(test)]
mod tests;
