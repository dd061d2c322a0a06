//! The configuration: `[vars.EVERGRAPH]` of wrangler.toml, which reaches the worker as JSON.
//!
//! In scope: reading it, with every fault named by its path, and asking it what matches. Not in
//! scope: what the answers are used for.

mod arguments;
mod jwt;
mod kinds;
mod matching;
mod parse;
mod rest;
mod section;
mod signals;
mod tagging;
mod terms;
mod types;
mod words;

pub use kinds::{
    Algorithm, Apq, CacheType, Config, FieldPattern, GraphQl, Identity, Jwt, KeyFields, Kv,
    KvWrites, Limits, Match, MutationPolicy, MutationRule, Mutations, OriginTimeout, Purge,
    SchemaSource, Scope, SignalPattern, TokenPlace, TypeTtl, Unreadable,
};
pub use parse::{log_name_of, origin_of, parse};
pub use rest::{Authorization, CdnCacheControl, Parameters, Resource, Rest, RestSettings};
pub use terms::{QueryTerms, RestTerms, RestTtl};

/// One fault of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where, such as `types.product.ttl`.
    pub path: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            "" => out.write_str(&self.message),
            path => write!(out, "{path}: {}", self.message),
        }
    }
}
