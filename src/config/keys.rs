//! Every configuration key, section by section.

use super::key::Key;
use super::{
    admin, alerts, cache_types, graphql, jwt, kv, limits, log, mutations, on_deploy, operator,
    origin_timeout, purge, resources, rest, rest_settings, root, scopes, stats, warm,
};

/// Every section with its keys. The first one is the top level; `*` stands for a name that the user
/// chooses.
pub const SECTIONS: &[(&str, &[Key])] = &[
    ("", root::KEYS),
    ("graphql", graphql::KEYS),
    ("origin_timeout", origin_timeout::KEYS),
    ("limits", limits::KEYS),
    ("rest", rest::KEYS),
    ("default", cache_types::DEFAULT_KEYS),
    ("types.*", cache_types::TYPE_KEYS),
    ("types.*.query", rest_settings::QUERY_KEYS),
    ("scopes.*", scopes::KEYS),
    ("jwt", jwt::KEYS),
    ("mutations", mutations::KEYS),
    ("resources", resources::KEYS),
    ("kv", kv::KEYS),
    ("purge", purge::KEYS),
    ("log", log::KEYS),
    ("on_deploy", on_deploy::KEYS),
    ("alerts", alerts::KEYS),
    ("stats", stats::KEYS),
    ("warm", warm::KEYS),
    ("admin", admin::KEYS),
    ("operator", operator::KEYS),
];

#[cfg(test)]
mod tests;
