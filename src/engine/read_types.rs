//! The cache types of a read, as far as they are known before its response is.
//!
//! A plan has them as well. This is for reads that have no plan, because they are not looked up.

use super::merged_terms::naming_type;
use super::query_parts::QueryParts;
use crate::config::{CacheType, Config};
use crate::graphql::{Analysis, OperationRequest};
use crate::http::Url;

/// The cache types of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadTypes {
    /// The one that names the key, and counts the request.
    pub name: String,
    /// The names of all that match, without the default type.
    pub matched: Vec<String>,
}

impl ReadTypes {
    /// The cache types of a REST read.
    pub fn of_path(config: &Config, url: &Url) -> Self {
        let types = config.types_of_path(&url.comparable_path());
        Self { name: rest_type_name(&types).to_owned(), matched: type_names(&types) }
    }

    /// The cache types of a GraphQL query.
    pub fn of_query(config: &Config, query: &OperationRequest, analysis: &Analysis) -> Self {
        let parts = QueryParts::of(config, query, analysis);
        Self { name: query_type_name(&parts).to_owned(), matched: type_names(&parts.types) }
    }
}

/// The type that names the key of a REST read with these types.
pub(super) fn rest_type_name<'c>(types: &[&'c CacheType]) -> &'c str {
    naming_type(types).map_or("default", |one| one.name.as_str())
}

/// The type that names the key of a query.
pub(super) fn query_type_name<'c>(parts: &QueryParts<'c>) -> &'c str {
    match naming_type(&parts.types) {
        Some(one) => one.name.as_str(),
        None if parts.is_introspection => "introspection",
        None => "default",
    }
}

/// The names of types.
pub(super) fn type_names(types: &[&CacheType]) -> Vec<String> {
    types.iter().map(|one| one.name.clone()).collect()
}
