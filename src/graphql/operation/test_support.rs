//! Analyses of documents, for tests.

use super::analysis::{Analysis, analyze};
use crate::graphql::schema::Schema;
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::limits::Amounts;

/// The analysis of a document under the default limits, without a schema.
pub(crate) fn analysis_of(source: &str) -> Analysis {
    analysed_by(source, None)
}

/// The analysis of a document under the default limits, with a schema.
pub(crate) fn analysis_with_schema(source: &str, schema: &Schema) -> Analysis {
    analysed_by(source, Some(schema))
}

fn analysed_by(source: &str, schema: Option<&Schema>) -> Analysis {
    let knowledge = TypeKnowledge { schema, keys: &Default::default() };
    analyze(source, None, &Amounts::default_limits(), &knowledge).unwrap()
}
