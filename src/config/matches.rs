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

impl Match {
    /// The match as it is written in a configuration.
    pub fn to_text(&self) -> String {
        match self {
            Self::GraphQlType(name) => format!("graphql:{name}"),
            Self::Operation(pattern) => format!("operation:{pattern}"),
            Self::Rest(path) => format!("rest:{}", path.to_text()),
            Self::QueryField(FieldPattern { name, arguments }) if arguments.is_empty() => {
                format!("graphql:Query.{name}")
            }
            Self::QueryField(FieldPattern { name, arguments }) => {
                let pairs = arguments.iter().map(|(name, value)| format!("{name}: {value}"));
                format!("graphql:Query.{name}({})", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_written_as_it_was_read() {
        for text in [
            "graphql:Product",
            "graphql:Query.product*",
            "graphql:Query.search(kind: \"PRODUCT\", first: 10)",
            "operation:Catalog*",
            "rest:/api/*/:id/**",
            "rest:/",
        ] {
            assert_eq!(parse_match(text).unwrap().to_text(), text);
        }
        let read = |text| parse_match(text).unwrap();
        let nested = read("graphql:Query.a(where: {id: 1, of: [A, \"b\"]})");
        // An object of JSON is no object of GraphQL, so this one cannot be read again.
        assert_eq!(nested.to_text(), r#"graphql:Query.a(where: {"id":1,"of":["A","b"]})"#);
    }
}
