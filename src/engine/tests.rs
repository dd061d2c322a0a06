//! The law of sharing: under any configuration, no response reaches a request that differs in a
//! signal which the configuration does not ignore. The origin is assumed to echo every signal in
//! every response, so that one key for two such requests is a leak.
//!
//! What the configuration says is computed here a second time, from the generated parts and as
//! plainly as possible.

use super::*;
use crate::config::Config;
use crate::graphql::{OperationRequest, ResponseJson, TypeKnowledge, analysis_of};
use crate::http::{Headers, Method, Request, Url};
use crate::json::Index;
use crate::jwt::Claims;
use crate::policy::{NotStored, ReceivedHead};
use crate::purge::Mark;
use crate::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const SIGNALS: [&str; 6] = [
    "header:authorization",
    "header:x-a",
    "header:x-b",
    "cookie:c1",
    "cookie:c2",
    // A cookie that follows a comma.
    "odd:c1",
];
const FIELDS: [&str; 4] = ["f0", "f1", "g", "__schema"];
const MATCHES: [&str; 9] = [
    "graphql:Query.f0",
    "graphql:Query.f*",
    "graphql:Query.g",
    "graphql:Query.__*",
    "operation:Op*",
    "operation:OpA",
    "rest:/a/**",
    "rest:/a/b",
    "rest:/**",
];

const IGNORED_COOKIES: [&[&str]; 3] = [&[], &["c2"], &["*"]];
const IGNORED_HEADERS: [&[&str]; 3] = [&[], &["x-b"], &["x-*"]];
const VARY: [&[&str]; 2] = [&[], &["x-a"]];

/// Which of these a match of the list covers.
fn fits(one: &str, of: &str) -> bool {
    match one {
        "graphql:Query.f*" => matches!(of, "f0" | "f1"),
        "graphql:Query.__*" => of == "__schema",
        "operation:Op*" => matches!(of, "OpA" | "OpB"),
        "rest:/a/**" => of.starts_with("/a/"),
        "rest:/**" => of.starts_with('/'),
        exact => {
            exact
                .trim_start_matches("graphql:Query.")
                .trim_start_matches("operation:")
                .trim_start_matches("rest:")
                == of
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct TestConfig {
    pub json: Value,
    pub config: Config,
}

#[derive(Debug, Clone)]
pub(crate) struct TestRequest {
    /// The root fields and the operation's name; none for REST.
    pub graphql: Option<(Vec<&'static str>, Option<&'static str>)>,
    path: &'static str,
    /// The value of each signal.
    values: [Option<&'static str>; 6],
}

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(all, 0..=all.len())
}

fn scope() -> impl Strategy<Value = Value> {
    let by = some_of(&["header:authorization", "header:x-a", "cookie:c1", "cookie:c2"]);
    let ignore = some_of(&["cookie:c1", "cookie:*", "header:x-a", "header:x-*"]);
    (by, ignore).prop_map(|(by, ignore)| json!({ "by": by, "ignore": ignore }))
}

fn cache_type() -> impl Strategy<Value = Value> {
    (
        subsequence(&MATCHES[..], 1..=4),
        select(&[0, 60, 600, -1][..]),
        select(&["public", "s0", "s1", "s2"][..]),
        any::<bool>(),
        some_of(&["x-a", "x-b"]),
    )
        .prop_map(|(matches, ttl, scope, overriding, vary)| {
            let rest_alone = matches.iter().all(|one| one.starts_with("rest:"));
            let ttl = match ttl {
                -1 if rest_alone => json!("origin"),
                ttl => json!(ttl.max(0)),
            };
            let vary = if vary.len() == 2 { vec![] } else { vary };
            json!({ "match": matches, "ttl": ttl, "scope": scope, "override": overriding, "vary": vary })
        })
}

pub(crate) fn made() -> impl Strategy<Value = TestConfig> {
    let default = (select(&[0, 300][..]), select(&["public", "s0", "s1", "s2"][..]), any::<bool>());
    (
        prop::collection::vec(scope(), 3),
        prop::collection::vec(cache_type(), 0..4),
        default,
        select(&IGNORED_COOKIES[..]),
        select(&IGNORED_HEADERS[..]),
        select(&VARY[..]),
    )
        .prop_map(|(scopes, types, (ttl, scope, overriding), cookies, headers, vary)| {
            let named = |prefix: &str, all: Vec<Value>| {
                let all = all.into_iter().enumerate();
                Value::Object(all.map(|(n, one)| (format!("{prefix}{n}"), one)).collect())
            };
            let json = json!({
                "scopes": named("s", scopes), "types": named("t", types),
                "default": { "ttl": ttl, "scope": scope, "override": overriding },
                "ignore_cookies": cookies, "ignore_headers": headers, "vary": vary,
            });
            TestConfig { config: crate::config::parse(&json).unwrap(), json }
        })
}

pub(crate) fn asked() -> impl Strategy<Value = TestRequest> {
    let values = prop::array::uniform6(select(&[None, None, Some("1"), Some("2")][..]));
    let operation = select(&[None, Some("OpA"), Some("OpB"), Some("X")][..]);
    let fields = subsequence(&FIELDS[..], 1..=3);
    let graphql = prop::option::of((fields, operation));
    (graphql, select(&["/a/b", "/a/c", "/z"][..]), values)
        .prop_map(|(graphql, path, values)| TestRequest { graphql, path, values })
}

impl TestRequest {
    pub fn request(&self) -> Request {
        let mut headers = Headers::new();
        let mut cookies = Vec::new();
        for (signal, value) in SIGNALS.iter().zip(self.values) {
            let Some(value) = value else { continue };
            match signal.split_once(':').unwrap() {
                ("header", name) => headers.append(name, value),
                ("cookie", name) => cookies.push(format!("{name}={value}")),
                (_, name) => cookies.push(format!("none, {name}={value}")),
            }
        }
        if !cookies.is_empty() {
            headers.append("cookie", cookies.join("; "));
        }
        let (method, path) = match self.graphql {
            Some(_) => (Method::Post, "/graphql"),
            None => (Method::Get, self.path),
        };
        Request { method, url: Url::parse(&format!("http://h{path}")).unwrap(), headers }
    }

    pub fn document(&self) -> Option<String> {
        let (fields, operation) = self.graphql.as_ref()?;
        let operation = operation.map_or(String::new(), |name| format!("query {name} "));
        Some(format!("{operation}{{ __typename {} }}", fields.join(" ")))
    }

    pub fn plan(&self, made: &TestConfig) -> Result<Plan, Bypass> {
        let request = self.request();
        match self.document() {
            None => plan_rest(&made.config, &request, &Claims::NotChecked),
            Some(document) => plan_graphql(
                &made.config,
                &request,
                &Claims::NotChecked,
                &OperationRequest::of(&document, "{}"),
                &analysis_of(&document),
            ),
        }
    }

    /// The types of each part, or the default; and the types that may only restrict the request.
    fn parts(&self, made: &TestConfig) -> (Vec<Value>, Vec<Value>) {
        let types: Vec<&Value> = made.json["types"].as_object().unwrap().values().collect();
        let matching = |of: &str| -> Vec<Value> {
            let fits_one = |one: &&&Value| {
                let matches = one["match"].as_array().unwrap();
                matches.iter().any(|one| fits(one.as_str().unwrap(), of))
            };
            types.iter().filter(fits_one).map(|one| (*one).clone()).collect()
        };
        let Some((fields, operation)) = &self.graphql else {
            return (matching(self.path), vec![]);
        };
        let mut parts = Vec::new();
        for field in fields {
            match matching(field) {
                none if none.is_empty() => parts.push(made.json["default"].clone()),
                some => parts.extend(some),
            }
        }
        (parts, operation.map(matching).unwrap_or_default())
    }

    fn by_origin(&self, made: &TestConfig) -> bool {
        let (parts, _) = self.parts(made);
        self.graphql.is_none() && parts.iter().all(|one| one["ttl"] == json!("origin"))
    }
}

pub(crate) fn rest_request(path: &str) -> Request {
    let url = Url::parse(&format!("http://h{path}")).unwrap();
    Request { method: Method::Get, url, headers: Headers::new() }
}

fn has(list: &Value, text: &str) -> bool {
    list.as_array().is_some_and(|list| list.contains(&json!(text)))
}

impl TestConfig {
    /// Whether a list of names and `*` names a signal that is not reserved.
    fn names(list: &Value, kind: &str, name: &str, reserved: bool, prefix: &str) -> bool {
        let star = if kind == "header" && !name.starts_with("x-") { "" } else { prefix };
        has(list, &format!("{prefix}{name}"))
            || (!reserved
                && ((kind == "cookie" && has(list, &format!("{star}*")))
                    || (kind == "header"
                        && name.starts_with("x-")
                        && has(list, &format!("{star}x-*")))))
    }

    /// Whether the configuration says that a signal never matters.
    fn is_ignored(&self, kind: &str, name: &str) -> bool {
        if name == "authorization" {
            return false;
        }
        let kind = if kind == "odd" { "cookie" } else { kind };
        let identity = format!("{kind}:{name}");
        let scopes = self.json["scopes"].as_object().unwrap();
        let reserved = scopes.values().any(|scope| has(&scope["by"], &identity));
        let list = if kind == "cookie" { "ignore_cookies" } else { "ignore_headers" };
        Self::names(&self.json[list], kind, name, reserved, "")
    }

    /// Whether a part's scope ignores a signal.
    fn sets_aside(&self, part: &Value, kind: &str, name: &str) -> bool {
        let kind = if kind == "odd" { "cookie" } else { kind };
        let scope = &self.json["scopes"][part["scope"].as_str().unwrap()];
        let reserved = has(&scope["by"], &format!("{kind}:{name}"));
        scope.is_object()
            && (scope["by"] == json!([])
                || Self::names(&scope["ignore"], kind, name, reserved, &format!("{kind}:")))
    }

    fn goes_by(&self, part: &Value, identity: &str) -> bool {
        has(&self.json["scopes"][part["scope"].as_str().unwrap()]["by"], identity)
    }

    /// Whether `vary` makes a header part of the key.
    fn is_keyed(&self, asked: &TestRequest, name: &str) -> bool {
        let (parts, of_operation) = asked.parts(self);
        let mut lists = parts.iter().chain(&of_operation).map(|one| &one["vary"]);
        has(&self.json["vary"], name) || lists.any(|list| has(list, name))
    }
}

/// Tries to store a response to a GraphQL request that is marked as private.
fn private_answer(made: &TestConfig, asked: &TestRequest, plan: &Plan) -> Result<(), NotStored> {
    let document = asked.document().unwrap();
    let analysis = analysis_of(&document);
    let json = json!({ "data": { "__typename": "Query", "f0": 1 } });
    let fields = [("content-type", "application/json"), ("cache-control", "private, no-store")];
    let (headers, request) = (fields.into_iter().collect(), asked.request());
    let at = Timestamp::from_millis(0);
    let fetched = FetchedResponse {
        request: &request,
        received: ReceivedHead { status: 200, headers: &headers, asked_at: at, at },
        body: json.to_string().into_bytes().into(),
        mark: Mark { epoch: 1, seq: 1 },
    };
    let knowledge = TypeKnowledge { schema: None, keys: &made.config.graphql.keys };
    let index = Index::from(&json);
    let shown = ResponseJson { json: index.root(), has_additions: false };
    graphql_entry(&made.config, plan, &analysis, &knowledge, shown, fetched).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_answer_reaches_who_differs_in_an_undeclared_signal(
        made in made(),
        one in asked(),
        at in 0..SIGNALS.len(),
        value in select(&[None, Some("1"), Some("2"), Some("3")][..]),
    ) {
        let mut other = one.clone();
        other.values[at] = value;
        if one.values[at] == value {
            return Ok(());
        }
        let (Ok(plan), Ok(others)) = (one.plan(&made), other.plan(&made)) else { return Ok(()) };
        if plan.key != others.key {
            return Ok(());
        }
        let (kind, name) = SIGNALS[at].split_once(':').unwrap();
        let is_standard = kind != "header" || name == "authorization";
        let (parts, _) = one.parts(&made);
        let set_aside = !parts.is_empty()
            && parts.iter().all(|part| made.sets_aside(part, kind, name));
        prop_assert!(
            made.is_ignored(kind, name) || set_aside || (one.by_origin(&made) && !is_standard),
            "{} {}", SIGNALS[at], plan.key.as_str()
        );
    }

    /// The control: a request whose signals are all covered is looked up.
    #[test]
    fn what_covers_every_signal_is_looked_up(made in made(), asked in asked()) {
        let (parts, _) = asked.parts(&made);
        let covered = |(signal, value): (&&str, Option<&str>)| {
            let (kind, name) = signal.split_once(':').unwrap();
            let is_header = kind == "header" && name != "authorization";
            let covers = |part: &Value| {
                made.goes_by(part, signal) || made.sets_aside(part, kind, name)
            };
            value.is_none()
                || made.is_ignored(kind, name)
                || (is_header && (asked.by_origin(&made) || made.is_keyed(&asked, name)))
                || (!parts.is_empty() && parts.iter().all(covers))
        };
        let declared = SIGNALS.iter().zip(asked.values).all(covered)
            // What precedes the comma is a cookie of its own.
            && (asked.values[5].is_none() || made.is_ignored("cookie", "none")
                || (!parts.is_empty()
                    && parts.iter().all(|part| made.sets_aside(part, "cookie", "none"))));
        let plan = asked.plan(&made);
        let refused = matches!(&plan, Err(bypass) if *bypass != Bypass::TtlZero);
        prop_assert!(!declared || !refused, "{plan:?}");
    }

    #[test]
    fn no_part_is_widened_by_another(made in made(), asked in asked()) {
        let (parts, of_operation) = asked.parts(&made);
        let Ok(plan) = asked.plan(&made) else { return Ok(()) };
        let mut all = parts.iter().chain(&of_operation);
        prop_assert!(all.all(|one| one["ttl"] != json!(0)));
        if asked.graphql.is_some() && private_answer(&made, &asked, &plan).is_ok() {
            prop_assert!(parts.iter().all(|one| one["override"] == json!(true)));
        }
    }
}
