//! What a cache type matches: `graphql:Product`, `rest:/api/products/**`.

use super::match_arguments::arguments;
use super::names::{glob_name, graphql_name};
use crate::http::PathPattern;

/// One entry of `types.*.match`.
#[derive(Debug, Clone, PartialEq, Hash)]
pub enum Match {
    /// `graphql:Product`: a type in the response.
    GraphQlType(String),
    /// `graphql:Query.products` or `graphql:Query.search(kind: PRODUCT)`: a root field.
    QueryField(FieldPattern),
    /// `operation:Catalog*`: an operation's name.
    Operation(String),
    /// `rest:/api/products/**`: a path.
    Rest(PathPattern),
}

/// The name and the arguments of a root field.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct FieldPattern {
    /// A glob that the field's name has to match.
    pub name: String,
    /// Arguments with the values that the field has to have. It may have others as well.
    pub arguments: Vec<(String, serde_json::Value)>,
}

pub(super) fn parse_match(text: &str) -> Result<Match, String> {
    let (kind, rest) = text.split_once(':').unwrap_or(("", text));
    match (kind, rest.split_once('.')) {
        ("graphql", None) => graphql_name(rest).map(Match::GraphQlType),
        ("graphql", Some(("Query", field))) => field_pattern(field).map(Match::QueryField),
        ("graphql", Some((parent, _))) => Err(format!(
            "expected \"graphql:Query.<field>\", where Query is the query root whatever the schema calls it; found the type {parent:?}"
        )),
        ("operation", _) => glob_name(rest).map(Match::Operation),
        ("rest", _) => PathPattern::parse(rest).map(Match::Rest),
        _ => Err(format!(
            "expected \"graphql:Type\", \"graphql:Query.field\", \"operation:Name\" or \"rest:/path\", found {text:?}"
        )),
    }
}

/// `products`, `product*`, or with arguments: `search(kind: PRODUCT, lang: "en")`.
fn field_pattern(text: &str) -> Result<FieldPattern, String> {
    let (name, arguments) = match text.split_once('(') {
        Some((name, rest)) => (name.trim_end(), arguments(rest)?),
        None => (text, Vec::new()),
    };
    Ok(FieldPattern { name: glob_name(name)?, arguments })
}
