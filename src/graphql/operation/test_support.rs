//! Analyses of documents, for tests.

use super::analysis::{Analysis, analyse};
use crate::graphql::schema::Schema;
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::limits::Amounts;

/// A document's analysis under the default limits, for tests.
pub(crate) fn analysed(source: &str) -> Analysis {
    analysed_by(source, None)
}

/// The same with a schema.
pub(crate) fn analysed_with(source: &str, schema: &Schema) -> Analysis {
    analysed_by(source, Some(schema))
}

fn analysed_by(source: &str, schema: Option<&Schema>) -> Analysis {
    let knowledge = TypeKnowledge { schema, keys: &Default::default() };
    analyse(source, None, &Amounts::default_limits(), &knowledge).unwrap()
}
