//! `POST explain`: the form of its answer.
//!
//! In scope: the types that become JSON, and the request in its body (`explain/request.rs`). Not in
//! scope: making the explanation (`engine/explanation`, `service/explain`).

mod request;

pub use request::{ExplainRequest, RequestFault, read_explain_request};
#[cfg(not(target_arch = "wasm32"))]
pub use request::{ExplainRequestForm, HeaderForm};

use serde::Serialize;
use serde_json::Value;

/// What is done with a request, and why.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Explanation {
    /// What is done with the request.
    pub decision: DecisionWord,
    /// How the request was understood.
    pub request: UnderstoodRequest,
    /// What `X-Cache` says, as far as that is known without asking the origin: `HIT`, `STALE`, `MISS`
    /// or `BYPASS`. A `MISS` becomes `REVALIDATED` if the origin answers with 304.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_cache: Option<&'static str>,
    /// The named reason why it is not looked up, or why what is stored is not used.
    pub reason: Option<ExplainedReason>,
    /// The parts of the request that may say who is asking, and what covers each.
    pub signals: Vec<ExplainedSignal>,
    /// The cache types of the request, and which of their matches matched.
    pub types: Vec<MatchedType>,
    /// The names of cache types that may match as well once the response shows its GraphQL types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types_by_response: Vec<String>,
    /// How a response may be stored. Absent if the request is no read that could be planned.
    pub terms: Option<ExplainedTerms>,
    /// The key under which it is looked up.
    pub key: Option<String>,
    /// The tags that its entry gets whatever the response is.
    pub tags: Vec<String>,
    /// What a write purges, judged by the request alone. Its response may add to that, or narrow it.
    pub purges: Option<ExplainedPurge>,
    /// What is stored for it.
    pub entry: Option<ExplainedEntry>,
    /// What is allowed, and unwise.
    pub warnings: Vec<ExplainedWarning>,
    /// Each operation of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<Explanation>>,
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DecisionWord {
    /// It is looked up, and answered from the cache or by the origin.
    Lookup,
    /// It goes to the origin and back without a look-up.
    Bypass,
    /// It goes to the origin once, and purges.
    Write,
    /// Evergraph answers it itself, and nothing reaches the origin.
    Refused,
    /// It is for the admin routes.
    Admin,
    /// It is a batch whose operations are looked up one by one.
    Batch,
    /// It opens a WebSocket.
    Socket,
}

/// How a request was understood.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct UnderstoodRequest {
    /// Its form in words, as in `GraphQL by POST`.
    pub form: String,
    /// The operation that it runs, if it is GraphQL and was understood.
    pub operation: Option<ExplainedOperation>,
    /// The operation and its fragments in their normal form. Two documents with the same normal form
    /// share entries.
    pub document: Option<String>,
    /// The variables that the operation declares, with their defaults. They are part of the key.
    pub variables: Option<Value>,
}

/// A GraphQL operation.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedOperation {
    /// `query`, `mutation` or `subscription`.
    pub kind: &'static str,
    /// Its name; `null` if it has none.
    pub name: Option<String>,
}

/// A named reason. All of them are in docs/reasons.md.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedReason {
    /// The word, as in `cookie-without-scope`.
    pub word: &'static str,
    /// The word with the name of a signal, as in `cookie-without-scope: sid`; it is the `detail` of
    /// `Cache-Status`.
    pub detail: String,
    /// What it means.
    pub meaning: String,
    /// What can be done about it.
    pub remedy: String,
}

/// A part of a request that may say who is asking.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedSignal {
    /// Its name, as in `cookie: sid` or `header: authorization`. Its value is never shown.
    pub signal: String,
    /// What covers it: scopes such as `scopes.user`, or a setting that sets it aside, such as
    /// `ignore_cookies`.
    pub covered_by: Vec<String>,
    /// The cache types of the request that do not cover it.
    pub not_covered_by: Vec<String>,
    /// Whether every cache type covers it. Otherwise the request passes through.
    pub is_covered: bool,
}

/// A cache type of a request.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct MatchedType {
    /// Its name; `default` for root fields that no other type matches.
    pub name: String,
    /// The entries of its `match` that match; for `default`, the root fields without a type.
    pub matched_by: Vec<String>,
}

/// How a response may be stored, and what decides that.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedTerms {
    /// How many seconds it is fresh; `null` if the origin's headers decide.
    pub ttl: ExplainedTerm<Option<u64>>,
    /// How many seconds longer it may be served stale while it is fetched again.
    pub swr: ExplainedTerm<Option<u64>>,
    /// How many seconds longer it may be served stale if the origin fails.
    pub sie: ExplainedTerm<Option<u64>>,
    /// The scopes that say who shares an entry. None: everybody does.
    pub scope: Vec<ExplainedTerm<String>>,
    /// The request headers whose values are part of the key.
    pub vary: Vec<ExplainedTerm<String>>,
    /// The `max-age` for clients; `null` if the origin's `Cache-Control` stays.
    pub client_ttl: ExplainedTerm<Option<u64>>,
    /// Whether it is stored although the origin's headers forbid it.
    #[serde(rename = "override")]
    pub overriding: ExplainedTerm<bool>,
    /// By which rules the origin's headers decide.
    pub origin_rules: Vec<&'static str>,
}

/// A value, and what set it.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedTerm<T> {
    /// The value.
    pub value: T,
    /// What set it: a cache type such as `types.product`, another key of the configuration, the schema,
    /// the origin, or Evergraph's default.
    pub from: String,
}

/// What a write purges.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedPurge {
    /// Whether it is everything of the service.
    pub all: bool,
    /// The tags.
    pub tags: Vec<String>,
}

/// What is stored for a request.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedEntry {
    /// Where it was found: `memory`, `edge` or `kv`.
    pub tier: &'static str,
    /// When it was stored, in milliseconds since 1970.
    pub stored_at: u64,
    /// Its age in seconds.
    pub age: u64,
    /// Its freshness lifetime in seconds.
    pub ttl: u64,
    /// How many seconds of that are left; negative if it is too old.
    pub ttl_left: i64,
    /// How it may be used: `fresh`, `stale-allowed`, `stale-while-revalidate`, `stale-if-error`,
    /// `expired` or `purged`.
    pub freshness: &'static str,
    /// What the purge log says: `valid`, `stale` after a soft purge, or `purged`.
    pub verdict: &'static str,
    /// The purge that is the reason for the verdict.
    pub purged_by: Option<ExplainedCause>,
    /// The status code of the stored response.
    pub status: u16,
    /// How many bytes the stored body has.
    pub bytes: u64,
    /// The tags.
    pub tags: Vec<String>,
}

/// The purge that an entry was purged by.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedCause {
    /// The number of its record in the log; `null` if the log has not taken it yet, or forgot it.
    pub seq: Option<u64>,
    /// What of it names the entry: `tag Product:42`, `pattern gql/**`, `everything`, or why the entry
    /// counts as purged without that.
    pub by: String,
}

/// What is allowed, and unwise. All warnings are in docs/reasons.md.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExplainedWarning {
    /// The word, as in `browser-keeps-copy`.
    pub word: &'static str,
    /// What it is about here.
    pub message: String,
    /// What can be done about it.
    pub remedy: String,
}
