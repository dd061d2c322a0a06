//! The configuration: `evergraph.toml`, which reaches the Worker as JSON.
//!
//! In scope: reading it, reporting every fault with its path, and finding what matches a request.
//! Not in scope: what is done with the result.
//!
//! Each section has a file with its values, the table of its keys and the code that reads it. A new
//! key goes there; docs/configuration.md needs a row for it, which a test demands.

mod admin;
mod alerts;
mod cache_types;
mod error;
mod filled;
mod forms;
mod graphql;
mod jwt;
mod key;
mod keys;
mod kv;
mod limits;
mod log;
mod match_arguments;
mod matches;
mod matching;
mod mutations;
mod names;
mod nearest;
mod on_deploy;
mod operator;
mod origin_timeout;
mod parse;
mod purge;
mod resources;
mod rest;
mod rest_rules;
mod rest_settings;
mod role;
mod root;
#[cfg(not(target_arch = "wasm32"))]
mod schema;
mod scopes;
mod section;
mod share;
mod signals;
mod stats;
mod tagging;
mod warm;

pub use admin::{AdminSettings, CloudflareAccess};
pub use alerts::Alerts;
pub use cache_types::{CacheType, TypeTtl};
pub use error::ConfigError;
pub use filled::with_defaults;
pub use graphql::{Apq, GraphQl, KeyFields, SchemaSource};
pub use jwt::{Algorithm, Jwt, TokenPlace};
pub use key::{DefaultValue, Key, TextForm, ValueType};
pub use keys::SECTIONS;
pub use kv::{Kv, KvWrites};
pub use limits::Limits;
pub use log::Log;
pub use matches::{FieldPattern, Match};
pub use mutations::{MutationPolicy, MutationRule, Mutations};
pub use names::{is_trustworthy, shown_host};
pub use nearest::nearest;
pub use on_deploy::OnDeploy;
pub use origin_timeout::OriginTimeout;
pub use parse::{log_name_of, origin_of, parse};
pub use purge::{Purge, Unreadable};
pub use resources::Resource;
pub use rest::{Authorization, CdnCacheControl, Rest};
pub use rest_rules::{QueryRules, RestRules, RestTtl};
pub use rest_settings::{Parameters, RestSettings};
pub use role::Role;
pub use root::Config;
#[cfg(not(target_arch = "wasm32"))]
pub use schema::json_schema;
pub use scopes::{Identity, Scope, SignalPattern};
pub use share::Share;
pub use stats::Stats;
pub use warm::{Warm, WarmOn};
