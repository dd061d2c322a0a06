//! All that is known of an operation before its response. It is computed once per document and
//! isolate.

use super::expected_response::ExpectedResponse;
use super::root_fields::{ArgumentsByKey, RootField, arguments_by_key, root_fields};
use super::variables::DeclaredVariable;
use crate::graphql::document::ast::*;
use crate::graphql::document::shape::{Shape, ShapeFault};
use crate::graphql::document::{canonical_text, lexer, literal_directives, parser};
use crate::graphql::injection::additions;
use crate::graphql::injection::injected_document::InjectedDocument;
use crate::graphql::types::knowledge::TypeKnowledge;
use crate::key::{Digest, DigestBuilder};
use crate::limits::{Amounts, Limit};
use std::collections::BTreeMap;

/// An analyzed operation.
#[derive(Debug)]
pub struct Analysis {
    /// Query, mutation or subscription.
    pub kind: OperationKind,
    /// Its name. `None` if it is anonymous.
    pub name: Option<String>,
    /// Its root fields, by name.
    pub roots: BTreeMap<String, RootField>,
    /// The variables it declares.
    pub variables: Vec<DeclaredVariable>,
    /// The digest of its canonical text, by which it is cached.
    pub digest: Digest,
    /// The shape of its response.
    pub shape: Shape,
    /// `true` if it uses `@defer`, `@stream` or `@live`, so that its response comes in several
    /// parts.
    pub incremental: bool,
    /// The document with additions, for the origin on a miss. `None` if there is nothing to add.
    pub injected: Option<InjectedDocument>,
    /// What the schema says about its response.
    pub expected: ExpectedResponse,
    /// The arguments of its root fields, if it is a mutation.
    pub(crate) arguments: ArgumentsByKey,
    /// What it takes of each limit.
    pub needed: Amounts,
}

/// Why an operation cannot be analyzed, and is left to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnalysisError {
    /// The text is not an executable document.
    Unparsable,
    /// The document exceeds a limit.
    OverLimit(Limit),
    /// The document does not have the requested operation, or has several and none was requested.
    NoSuchOperation,
}

impl AnalysisError {
    /// The reason as it appears in `Cache-Status`, logs and docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unparsable => "unparsable",
            Self::OverLimit(_) => "over-limit",
            Self::NoSuchOperation => "no-such-operation",
        }
    }
}

/// Analyzes the operation with this name, or the only one (§6.1 GetOperation).
pub fn analyze(
    source: &str,
    operation_name: Option<&str>,
    limits: &Amounts,
    knowledge: &TypeKnowledge<'_>,
) -> Result<Analysis, AnalysisError> {
    let mut needed = Amounts::ZERO;
    let mut document = parse(source, limits, &mut needed)?;
    let incremental = is_incremental(&document);
    literal_directives::resolve_literal_directives(&mut document);
    let operation =
        select_operation(&document, operation_name).ok_or(AnalysisError::NoSuchOperation)?;
    let (shape, selections) =
        Shape::of(&document, operation, limits).map_err(|fault| match fault {
            ShapeFault::MissingFragment | ShapeFault::DuplicateFragment => {
                AnalysisError::Unparsable
            }
            ShapeFault::OverLimit => AnalysisError::OverLimit(Limit::Selections),
        })?;
    needed.raise(Limit::Selections, selections);
    let text =
        canonical_text::canonical_text(&document, operation).ok_or(AnalysisError::Unparsable)?;
    Ok(Analysis {
        kind: operation.kind,
        name: operation.name.clone(),
        roots: root_fields(&document, operation, knowledge.schema),
        variables: operation.variables.iter().map(DeclaredVariable::of).collect(),
        digest: DigestBuilder::new("operation").part(text.as_bytes()).finish(),
        shape,
        injected: match operation.kind {
            OperationKind::Query if !incremental => {
                additions::inject(source, &document, operation, knowledge)
            }
            _ => None,
        },
        expected: knowledge
            .schema
            .map(|schema| ExpectedResponse::of(&document, operation, schema))
            .unwrap_or_default(),
        arguments: match operation.kind {
            OperationKind::Mutation => arguments_by_key(&document, operation),
            _ => Vec::new(),
        },
        incremental,
        needed,
    })
}

/// The canonical text of the operation with this name, or the only one. `analyze` makes the digest of
/// the same text.
pub fn canonical_document(
    source: &str,
    operation_name: Option<&str>,
    limits: &Amounts,
) -> Option<String> {
    let mut document = parse(source, limits, &mut Amounts::ZERO.clone()).ok()?;
    literal_directives::resolve_literal_directives(&mut document);
    let operation = select_operation(&document, operation_name)?;
    canonical_text::canonical_text(&document, operation)
}

/// Parses a document within the limits, and raises `needed` to what it takes of them.
fn parse(source: &str, limits: &Amounts, needed: &mut Amounts) -> Result<Document, AnalysisError> {
    let tokens = lexer::tokens(source, limits, needed).map_err(|error| match error {
        lexer::LexError::Syntax => AnalysisError::Unparsable,
        lexer::LexError::Limit(limit) => AnalysisError::OverLimit(limit),
    })?;
    let document = parser::parse(&tokens).ok_or(AnalysisError::Unparsable)?;
    needed.raise(Limit::Operations, document.operations.len());
    needed.raise(Limit::Aliases, document.aliases());
    for limit in [Limit::Operations, Limit::Aliases] {
        if needed.of(limit) > limits.of(limit) {
            return Err(AnalysisError::OverLimit(limit));
        }
    }
    Ok(document)
}

fn select_operation<'d>(document: &'d Document, name: Option<&str>) -> Option<&'d Operation> {
    match (name, document.operations.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(name), operations) => {
            let mut named = operations.iter().filter(|one| one.name.as_deref() == Some(name));
            // Two operations with one name are invalid, and servers differ in which one they run.
            named.next().filter(|_| named.next().is_none())
        }
    }
}

impl Document {
    fn aliases(&self) -> usize {
        let is_alias = |selection: &&Selection| matches!(selection, Selection::Field(field) if field.alias.is_some());
        self.every_selection().filter(is_alias).count()
    }

    /// All selections, nested ones included, in no particular order.
    fn every_selection(&self) -> impl Iterator<Item = &Selection> {
        let mut pending: Vec<&Selection> = Vec::new();
        pending.extend(self.operations.iter().flat_map(|operation| &operation.selections));
        pending.extend(self.fragments.iter().flat_map(|fragment| &fragment.selections));
        std::iter::from_fn(move || {
            let selection = pending.pop()?;
            match selection {
                Selection::Field(field) => pending.extend(&field.selections),
                Selection::InlineFragment { selections, .. } => pending.extend(selections),
                Selection::FragmentSpread { .. } => {}
            }
            Some(selection)
        })
    }
}

fn is_incremental(document: &Document) -> bool {
    let look = |directives: &[Directive]| {
        directives.iter().any(|d| matches!(d.name.as_str(), "defer" | "stream" | "live"))
    };
    document.operations.iter().any(|operation| look(&operation.directives))
        || document.fragments.iter().any(|fragment| look(&fragment.directives))
        || document.every_selection().any(|selection| match selection {
            Selection::Field(field) => look(&field.directives),
            Selection::FragmentSpread { directives, .. }
            | Selection::InlineFragment { directives, .. } => look(directives),
        })
}

#[cfg(test)]
mod tests;
