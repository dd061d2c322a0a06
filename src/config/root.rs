//! The whole configuration: the top level and all sections.

use super::admin::{self, AdminSettings, admin};
use super::alerts::{self, Alerts, alerts};
use super::cache_types::{CacheType, DEFAULT_KEYS, default_type, types};
use super::forms;
use super::graphql::{self, GraphQl, graphql};
use super::jwt::{Jwt, jwt};
use super::key::{DefaultValue, Key, ValueType};
use super::kv::{self, Kv, kv};
use super::limits::{self, Limits, limits};
use super::log::{self, Log, log};
use super::mutations::{self, Mutations, mutations};
use super::names::{graphql_name, header_glob, header_names, name, tag_header};
use super::on_deploy::{self, OnDeploy, on_deploy};
use super::operator::{self, check_operator};
use super::origin_timeout::{self, OriginTimeout, origin_timeout};
use super::purge::{self, Purge, purge};
use super::resources::{Resource, resources};
use super::rest::{self, Rest, rest};
use super::scopes::{Scope, scopes};
use super::section::{Section, strings};
use super::share::Share;
use super::stats::{self, Stats, stats};
use super::warm::{self, Warm, warm};
use crate::http::PathPattern;
use crate::tag::{Aliases, Tagging};
use serde_json::Value;

/// A whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The name of the service: the first segment of every key.
    pub service: String,
    /// Former names of the service, the oldest first.
    pub formerly: Vec<String>,
    /// The origin's scheme, host and port, without a trailing slash. `None` if the Worker's route
    /// leads to the zone's own origin.
    pub origin: Option<String>,
    /// Paths that are never cached.
    pub bypass: Vec<PathPattern>,
    /// Globs that match names of cookies that are not signals.
    pub ignore_cookies: Vec<String>,
    /// Additional response headers that hold tags, in lower case.
    pub tag_headers: Vec<String>,
    /// Globs that match names of request headers that are not signals, in lower case.
    pub ignore_headers: Vec<String>,
    /// Names of request headers that belong to every key, in lower case and sorted.
    pub vary: Vec<String>,
    /// Groups of GraphQL types that stand for the same objects.
    pub same: Aliases,
    /// The share of hits that are compared with the origin's present response.
    pub shadow: Share,
    /// `graphql`
    pub graphql: GraphQl,
    /// `rest`
    pub rest: Rest,
    /// `default`: the cache type of root fields of GraphQL queries that no other type matches.
    pub default_type: CacheType,
    /// `types`, sorted by name.
    pub types: Vec<CacheType>,
    /// `scopes`
    pub scopes: Vec<Scope>,
    /// `jwt`: how tokens are verified. `None`: scopes cannot use claims.
    pub jwt: Option<Jwt>,
    /// `mutations`
    pub mutations: Mutations,
    /// `resources`
    pub resources: Vec<Resource>,
    /// `origin_timeout`
    pub origin_timeout: OriginTimeout,
    /// `limits`
    pub limits: Limits,
    /// `kv`
    pub kv: Kv,
    /// `purge`
    pub purge: Purge,
    /// `log`
    pub log: Log,
    /// `on_deploy`
    pub on_deploy: OnDeploy,
    /// `alerts`
    pub alerts: Alerts,
    /// `stats`
    pub stats: Stats,
    /// `warm`
    pub warm: Warm,
    /// `admin`
    pub admin: AdminSettings,
    /// The fingerprint of the rules by which this configuration makes tags.
    pub tagging: Tagging,
}

/// The service's name if none is configured.
pub(super) const DEFAULT_SERVICE: &str = "evergraph";

/// The keys of the top level.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "service",
        value: ValueType::Text(&forms::NAME),
        default: DefaultValue::Text(DEFAULT_SERVICE),
        doc: "The first segment of every key, and the name of the purge log.",
    },
    Key {
        name: "formerly",
        value: ValueType::List(&ValueType::Text(&forms::NAME)),
        default: DefaultValue::List(&[]),
        doc: "Former names of the service, the oldest first.",
    },
    Key {
        name: "origin",
        value: ValueType::Text(&forms::ORIGIN),
        default: DefaultValue::None,
        doc: "The origin's scheme, host and port.",
    },
    Key {
        name: "bypass",
        value: ValueType::List(&ValueType::Text(&forms::PATH)),
        default: DefaultValue::List(&[]),
        doc: "Path patterns that are never cached.",
    },
    Key {
        name: "ignore_cookies",
        value: ValueType::List(&ValueType::Text(&forms::COOKIE_GLOB)),
        default: DefaultValue::List(&[]),
        doc: "Names of cookies that are not signals, `*` allowed.",
    },
    Key {
        name: "ignore_headers",
        value: ValueType::List(&ValueType::Text(&forms::HEADER_GLOB)),
        default: DefaultValue::List(&[]),
        doc: "Names of request headers that are not signals, `*` allowed.",
    },
    Key {
        name: "vary",
        value: ValueType::List(&ValueType::Text(&forms::HEADER)),
        default: DefaultValue::List(&[]),
        doc: "Names of request headers that belong to every key.",
    },
    Key {
        name: "tag_headers",
        value: ValueType::List(&ValueType::Text(&forms::TAG_HEADER)),
        default: DefaultValue::List(&[]),
        doc: "Additional response headers that hold tags.",
    },
    Key {
        name: "same",
        value: ValueType::List(&ValueType::List(&ValueType::Text(&forms::GRAPHQL_NAME))),
        default: DefaultValue::List(&[]),
        doc: "Groups of GraphQL types that stand for the same objects.",
    },
    Key {
        name: "shadow",
        value: ValueType::Share,
        default: DefaultValue::Number(0),
        doc: "The share of hits that are compared with the origin's present response.",
    },
    section("graphql", "What speaks GraphQL, and how it is cached."),
    section("limits", "How large a GraphQL request may be."),
    section("rest", "How far HTTP's own caching rules apply to REST."),
    section("default", "How root fields of queries are cached that no type matches."),
    Key {
        name: "types",
        value: ValueType::Map { names: &forms::NAME, values: &ValueType::Section },
        default: DefaultValue::None,
        doc: "The cache types, by name.",
    },
    Key {
        name: "scopes",
        value: ValueType::Map { names: &forms::NAME, values: &ValueType::Section },
        default: DefaultValue::None,
        doc: "Who shares an entry, by name of the scope.",
    },
    section("jwt", "How JSON Web Tokens are verified."),
    section("mutations", "What a mutation purges."),
    Key {
        name: "resources",
        value: ValueType::List(&ValueType::Section),
        default: DefaultValue::None,
        doc: "Which REST paths stand for which entities.",
    },
    section("origin_timeout", "How long the origin may take."),
    section("kv", "How Workers KV is used."),
    section("purge", "How purges are recorded and read."),
    section("log", "Which responses write a log line."),
    section("on_deploy", "What each deployed version purges once."),
    section("alerts", "When an alert fires, and where it is sent."),
    section("stats", "What the statistics of all isolates may use."),
    section("warm", "After what the cache is warmed by itself, and how fast."),
    section("admin", "Who may use admin routes besides those with a token."),
    section("operator", "For people and their tools. The Worker ignores it."),
];

const fn section(name: &'static str, doc: &'static str) -> Key {
    Key { name, value: ValueType::Section, default: DefaultValue::None, doc }
}

/// Reads the whole configuration, without its tagging fingerprint.
pub(super) fn config(root: &Section<'_>) -> Config {
    let service = service(root);
    let stats = stats(&root.section("stats", stats::KEYS));
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
        shadow: root.share("shadow"),
        graphql: graphql(&root.section("graphql", graphql::KEYS)),
        rest: rest(&root.section("rest", rest::KEYS)),
        default_type: default_type(&root.section("default", DEFAULT_KEYS)),
        types: types(root),
        scopes: scopes(root),
        jwt: jwt(root),
        mutations: mutations(&root.section("mutations", mutations::KEYS)),
        resources: resources(root),
        origin_timeout: origin_timeout(&root.section("origin_timeout", origin_timeout::KEYS)),
        limits: limits(&root.section("limits", limits::KEYS)),
        kv: kv(&root.section("kv", kv::KEYS)),
        purge: purge(&root.section("purge", purge::KEYS)),
        log: log(&root.section("log", log::KEYS)),
        on_deploy: on_deploy(&root.section("on_deploy", on_deploy::KEYS)),
        alerts: alerts(&root.section("alerts", alerts::KEYS)),
        warm: warm(&root.section("warm", warm::KEYS), stats.requests_per_day > 0),
        stats,
        admin: admin(&root.section("admin", admin::KEYS)),
        tagging: Tagging::UNKNOWN,
    };
    check_operator(&root.section("operator", operator::KEYS));
    root.report_unknown();
    require_defined_scopes(root, &config);
    require_known_types(root, &config);
    config
}

fn require_defined_scopes(root: &Section<'_>, config: &Config) {
    let default = ("default".to_owned(), &config.default_type);
    let named = config.types.iter().map(|one| (format!("types.{}", one.name), one));
    for (path, one) in named.chain([default]) {
        let Some(scope) = &one.scope else { continue };
        if !config.scopes.iter().any(|known| known.name == *scope) {
            let message = format!("no scope is named {scope:?}; define scopes.{scope}");
            root.faults().add(&format!("{path}.scope"), message);
        }
    }
}

/// The name of a type that is mistyped in `on_deploy` would purge nothing.
fn require_known_types(root: &Section<'_>, config: &Config) {
    let names = config.on_deploy.purge.iter().filter_map(|tag| tag.as_str().strip_prefix("type:"));
    for message in names.filter_map(|name| config.check_type_name(name).err()) {
        root.faults().add("on_deploy.purge", message);
    }
}

pub(super) fn service(root: &Section<'_>) -> String {
    name(root.faults(), "service", root.text_or_default("service"))
}

fn formerly(root: &Section<'_>, service: &str) -> Vec<String> {
    let names = root.list("formerly", |text| Ok(text.to_owned()));
    for (index, text) in names.iter().enumerate() {
        let path = format!("formerly[{index}]");
        name(root.faults(), &path, text);
        if text == service {
            root.faults().add(&path, "this is the service's name now; list its former names only");
        }
        if names.iter().take(index).any(|before| before == text) {
            root.faults().add(&path, format!("{text:?} is listed twice"));
        }
    }
    names
}

/// The oldest name of the service, if it was renamed. The purge log keeps that name.
pub(super) fn oldest_name(root: &Section<'_>) -> Option<String> {
    let names = root.list("formerly", |text| Ok(text.to_owned()));
    names.first().map(|text| name(root.faults(), "formerly[0]", text))
}

pub(super) fn origin(root: &Section<'_>) -> Option<String> {
    let text = root.text("origin")?;
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.unwrap_or_default().trim_end_matches('/');
    if host.is_empty() || host.contains(['/', '?', '#', ' ']) {
        let message = format!(
            "expected scheme, host and port only, such as \"https://api.example.com\", found {text:?}"
        );
        root.fault("origin", message);
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn same(root: &Section<'_>) -> Aliases {
    let group =
        |(index, group)| strings(group, &format!("same[{index}]"), root.faults(), graphql_name);
    match root.value("same") {
        None => Vec::new(),
        Some(Value::Array(groups)) => groups.iter().enumerate().map(group).collect(),
        Some(other) => {
            root.fault("same", format!("expected a list of lists of types, found {other}"));
            Vec::new()
        }
    }
}
