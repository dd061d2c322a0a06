//! What is measured, natively by the benchmarks in benches/ and in Wasm by src/bin/measure.rs: the same inputs
//! and the same work.

#![allow(missing_docs, reason = "no part of the crate")]

use evergraph::config::{self, Config};
use evergraph::engine::{Plan, plan_graphql};
use evergraph::graphql::{
    Analysis, InjectedDocument, OperationRequest, RequestForm, TypeKnowledge, analyze, read_post,
    strip,
};
use evergraph::http::{Headers, Method, Request, Url};
use evergraph::json::Index;
use evergraph::jwt::Claims;
use evergraph::limits::Amounts;
use serde_json::json;
use std::hint::black_box;

/// How many variants of each document are lexed.
const VARIANTS: u32 = 64;

/// An operation of 1 KB.
pub const OPERATION: &str = include_str!("../../bench/documents/catalog.graphql");

/// Documents as people and programs write them.
const DOCUMENTS: [&str; 5] = [
    OPERATION,
    include_str!("../../bench/documents/product.graphql"),
    include_str!("../../bench/documents/search.graphql"),
    include_str!("../../bench/documents/account.graphql"),
    include_str!("../../bench/documents/mutation.graphql"),
];

/// Variants of all documents, which differ in the lengths of their names.
pub fn documents() -> Vec<String> {
    (0..VARIANTS).flat_map(|n| DOCUMENTS.map(|document| varied(document, n))).collect()
}

/// The document with digits after its names, different ones for each variant. Otherwise the processor
/// would learn the input, because it reads the same bytes again and again.
fn varied(document: &str, variant: u32) -> String {
    const KEYWORDS: [&str; 7] =
        ["query", "mutation", "fragment", "on", "true", "false", "__typename"];
    let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let mut text = String::new();
    let mut chance = variant;
    let mut rest = document;
    while let Some(first) = rest.chars().next() {
        let end = if is_name(first) { rest.find(|c| !is_name(c)) } else { rest.find(is_name) };
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        text.push_str(run);
        if first.is_ascii_alphabetic() && !KEYWORDS.contains(&run) {
            chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend(std::iter::repeat_n('7', (chance >> 29) as usize));
        }
        rest = after;
    }
    text
}

pub fn analyzed(document: &str) -> Option<Analysis> {
    let knowledge = TypeKnowledge { schema: None, keys: &Default::default() };
    analyze(document, None, &Amounts::default_limits(), &knowledge).ok()
}

/// A request for a document that the isolate has already analyzed.
pub struct Known {
    config: Config,
    request: Request,
    query: OperationRequest,
    pub analysis: Analysis,
}

impl Known {
    pub fn new() -> Option<Self> {
        let variables = json!({ "first": 20, "after": -1_000_000_007, "category": "7", "text": "oak", "withUsers": true });
        let body =
            json!({ "operationName": "Catalog", "variables": variables, "query": OPERATION });
        let headers: Headers = [
            ("content-type", "application/json"),
            ("accept", "application/graphql-response+json,application/json;q=0.9"),
        ]
        .into_iter()
        .collect();
        let limits = Amounts::default_limits();
        let form = read_post(&headers, None, body.to_string().as_bytes(), &limits);
        let RequestForm::Single(query) = form else { return None };
        let config = config::parse(&json!({
            "service": "shop",
            "types": {
                "user": { "match": ["graphql:User", "graphql:Query.user*"], "ttl": 1800 },
                "product": {
                    "match": ["rest:/api/products/**", "graphql:Product", "graphql:Query.product*"],
                    "ttl": 7200,
                },
                "search": { "match": ["graphql:Query.search", "operation:Search*"], "ttl": 3600 },
            },
        }));
        let url = Url::parse("https://shop.example/graphql")?;
        let request = Request { method: Method::Post, url, headers };
        let known = Self { config: config.ok()?, request, query, analysis: analyzed(OPERATION)? };
        known.key().is_some().then_some(known)
    }

    pub fn key(&self) -> Option<Plan> {
        let Self { config, request, query, analysis } = black_box(self);
        plan_graphql(config, request, &Claims::NotChecked, query, analysis).ok()
    }
}

/// A response of about 100 KB to the operation with its additions.
pub fn answer() -> String {
    let product = |n: usize| {
        let added = "\"evergraph__typename\":";
        let reviews: Vec<String> = (0..n * 5 % 7)
            .map(|review| {
                format!(
                    "{{{added}\"Review\",\"id\":\"{n}{review}\",\"stars\":{},\"text\":\"{}\",\"author\":{{{added}\"User\",\"__typename\":\"User\",\"id\":\"{n}\",\"name\":\"Ada \\u00e9 {n}\",\"email\":\"user{n}@shop.example\"}}}}",
                    review + 2,
                    "good, and \\\"sturdy\\\" ".repeat((n * 7 + review * 3) % 5)
                )
            })
            .collect();
        format!(
            "{{{added}\"Product\",\"__typename\":\"Product\",\"id\":\"{n}\",\"title\":\"Oak Lamp {n}\",\"price\":{n}.25,\"stock\":{n},\"category\":{{{added}\"Category\",\"id\":\"7\",\"name\":\"Lamps\"}},\"reviews\":[{}]}}",
            reviews.join(",")
        )
    };
    let products: Vec<String> = (1..=112).map(product).collect();
    format!("{{\"data\":{{\"products\":[{}],\"productCount\":112}}}}", products.join(","))
}

pub fn is_stripped(answer: &str, injected: &InjectedDocument) -> bool {
    let index = Index::of(answer.as_bytes());
    let stripped = index.as_ref().and_then(|index| strip(index, injected));
    stripped
        .is_some_and(|stripped| stripped.len() < answer.len() && !stripped.contains("evergraph__"))
}
