//! All that is known of an operation before its answer, found once per document and isolate.

use super::ast::*;
use super::shape::Shape;
use super::{canonical, document, lexer};
use crate::key::{Digest, DigestBuilder};

/// An operation, understood.
#[derive(Debug)]
pub struct Analysis {
    /// What it does.
    pub kind: OperationKind,
    /// Its name.
    pub name: Option<String>,
    /// The names of its root fields, each once.
    pub root_fields: Vec<String>,
    /// The variables that it declares.
    pub variables: Vec<String>,
    /// The digest of its canonical text.
    pub digest: Digest,
    /// What its answer looks like.
    pub shape: Shape,
    /// Whether it uses `@defer`, `@stream` or `@live`, so that its answer comes in parts.
    pub incremental: bool,
}

/// Why an operation is left to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is no executable document.
    Unparsable,
    /// It is over a limit.
    OverLimit,
    /// It does not say which of its operations is meant, or one that it does not have.
    NoSuchOperation,
}

impl Refusal {
    /// The reason as `Cache-Status`, logs and docs name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unparsable => "unparsable",
            Self::OverLimit => "over-limit",
            Self::NoSuchOperation => "no-such-operation",
        }
    }
}

/// Understands the operation of that name, or the only one (§6.1 GetOperation).
pub fn analyse(source: &str, operation_name: Option<&str>) -> Result<Analysis, Refusal> {
    let tokens = lexer::tokens(source).map_err(|error| match error {
        lexer::LexError::Syntax => Refusal::Unparsable,
        lexer::LexError::Limit => Refusal::OverLimit,
    })?;
    let document = document::parse(&tokens).ok_or(Refusal::Unparsable)?;
    let operation = select(&document, operation_name).ok_or(Refusal::NoSuchOperation)?;
    let shape = Shape::of(&document, operation).ok_or(Refusal::OverLimit)?;
    let text = canonical::canonical(&document, operation).ok_or(Refusal::Unparsable)?;
    Ok(Analysis {
        kind: operation.kind,
        name: operation.name.clone(),
        root_fields: shape.names().into_iter().map(str::to_owned).collect(),
        variables: operation.variables.iter().map(|variable| variable.name.clone()).collect(),
        digest: DigestBuilder::new("operation").part(text.as_bytes()).finish(),
        shape,
        incremental: comes_in_parts(&document),
    })
}

fn select<'d>(document: &'d Document, name: Option<&str>) -> Option<&'d Operation> {
    match (name, document.operations.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(name), operations) => {
            let mut named = operations.iter().filter(|one| one.name.as_deref() == Some(name));
            // Two of one name make the document invalid; which of them a server would run is open.
            named.next().filter(|_| named.next().is_none())
        }
    }
}

fn comes_in_parts(document: &Document) -> bool {
    let mut pending: Vec<&Selection> = Vec::new();
    let mut found = false;
    let mut look = |directives: &[Directive]| {
        found |= directives.iter().any(|d| matches!(d.name.as_str(), "defer" | "stream" | "live"));
    };
    for operation in &document.operations {
        look(&operation.directives);
        pending.extend(&operation.selections);
    }
    for fragment in &document.fragments {
        look(&fragment.directives);
        pending.extend(&fragment.selections);
    }
    while let Some(selection) = pending.pop() {
        match selection {
            Selection::Field(field) => {
                look(&field.directives);
                pending.extend(&field.selections);
            }
            Selection::Spread { directives, .. } => look(directives),
            Selection::Inline { directives, selections, .. } => {
                look(directives);
                pending.extend(selections);
            }
        }
    }
    found
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
mod tests;
