//! The analyses of documents: clients send the same few documents again and again, and each is
//! analyzed once.

use crate::graphql::{Analysis, AnalysisError, TypeKnowledge, analyze};
use crate::limits::{self, Amounts};
use crate::purge::SchemaInForce;
use crate::service::byte_lru::ByteLru;
use crate::service::limit_usage::LimitUsage;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// An analyzed document, and how the origin takes it.
#[derive(Debug)]
pub struct AnalyzedDocument {
    /// What the document asks for.
    pub analysis: Analysis,
    /// The schema by which it was analyzed.
    pub schema: SchemaInForce,
    /// Whether the origin accepts what Evergraph adds to it.
    pub injection: Cell<InjectionState>,
}

/// Whether the origin is asked with the fields that Evergraph adds to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InjectionState {
    /// Yes, until the origin refuses the document with them.
    #[default]
    Added,
    /// The origin refused the document with and without them. It is asked without next time, and if
    /// that succeeds, with them again.
    Refused,
    /// No: the origin refused the document with them and accepted it without.
    LeftAlone,
}

/// A document's analysis, or why there is none.
pub type AnalysisResult = Result<Rc<AnalyzedDocument>, AnalysisError>;

/// A document's text, and the name of the operation that runs.
type Key = (Rc<str>, Option<String>);

/// The analyses of one isolate, within a budget of bytes.
pub struct Analyses {
    known: RefCell<ByteLru<Key, AnalysisResult>>,
    usage: Rc<LimitUsage>,
}

impl Analyses {
    /// No analyses yet. What each document needs of the limits is noted in `usage`.
    pub fn new(usage: Rc<LimitUsage>) -> Self {
        let known = ByteLru::new(limits::ANALYSIS_BYTES, limits::ANALYSIS_BYTES);
        Self { known: RefCell::new(known), usage }
    }

    /// The analysis of a document by a schema, without keeping it or counting as a use.
    pub fn look_at(
        &self,
        document: &Rc<str>,
        operation: Option<&str>,
        limits: &Amounts,
        knowledge: &TypeKnowledge<'_>,
        schema: SchemaInForce,
    ) -> AnalysisResult {
        let key = (document.clone(), operation.map(str::to_owned));
        if let Some(known) = self.known.borrow().peek(&key)
            && known.as_ref().map_or(true, |known| known.schema == schema)
        {
            return known.clone();
        }
        let analysis = analyze(document, operation, limits, knowledge)?;
        Ok(Rc::new(AnalyzedDocument { analysis, schema, injection: Cell::default() }))
    }

    /// The analysis of a document by a schema. One that was made by another schema is made again.
    pub fn of(
        &self,
        document: &Rc<str>,
        operation: Option<&str>,
        limits: &Amounts,
        knowledge: &TypeKnowledge<'_>,
        schema: SchemaInForce,
    ) -> AnalysisResult {
        let analyze = || {
            let analysis = analyze(document, operation, limits, knowledge)?;
            self.usage.note(&analysis.needed);
            Ok(Rc::new(AnalyzedDocument { analysis, schema, injection: Cell::default() }))
        };
        // Clients choose names: very long ones would fill the cache.
        if operation.is_some_and(|name| name.len() > limits::OPERATION_NAME_BYTES) {
            return analyze();
        }
        let key = (document.clone(), operation.map(str::to_owned));
        if let Some(known) = self.known.borrow_mut().get(&key)
            && known.as_ref().map_or(true, |known| known.schema == schema)
        {
            return known.clone();
        }
        let analyzed = analyze();
        let bytes = bytes_of(document, &analyzed);
        self.known.borrow_mut().put(key, analyzed.clone(), bytes);
        analyzed
    }
}

/// About how many bytes an analysis takes. A short document can have many fields: its fragments may be
/// spread often.
fn bytes_of(document: &str, analyzed: &AnalysisResult) -> usize {
    // The text, the text with additions, and where its lines and tokens begin.
    const DOCUMENT_COPIES: usize = 7;
    const LEAST_BYTES: usize = 8_000;
    const FIELD_BYTES: usize = 300;
    let fields = analyzed.as_ref().map_or(0, |known| known.analysis.shape.size());
    document.len() * DOCUMENT_COPIES + LEAST_BYTES + fields * FIELD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::limits::Limit;

    fn analyzed(
        analyses: &Analyses,
        document: &str,
        name: Option<&str>,
        schema: u64,
    ) -> AnalysisResult {
        let config = config::parse(&serde_json::json!({})).unwrap();
        let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
        let schema = SchemaInForce::of(schema);
        analyses.of(&document.into(), name, &config.limits.amounts, &knowledge, schema)
    }

    #[test]
    fn a_document_is_analyzed_once_by_each_schema() {
        let analyses = Analyses::new(Rc::default());
        let first = analyzed(&analyses, "{ a }", None, 1).unwrap();
        let again = analyzed(&analyses, "{ a }", None, 1).unwrap();
        assert!(Rc::ptr_eq(&first, &again));
        let by_another = analyzed(&analyses, "{ a }", None, 3).unwrap();
        assert!(!Rc::ptr_eq(&first, &by_another));
        assert!(Rc::ptr_eq(&by_another, &analyzed(&analyses, "{ a }", None, 3).unwrap()));
    }

    #[test]
    fn a_refusal_is_remembered_too() {
        let analyses = Analyses::new(Rc::default());
        assert!(analyzed(&analyses, "{ a", None, 1).is_err());
        let key: Key = ("{ a".into(), None);
        assert!(analyses.known.borrow_mut().get(&key).is_some());
    }

    #[test]
    fn a_very_long_operation_name_is_not_remembered() {
        let analyses = Analyses::new(Rc::default());
        let name = "x".repeat(limits::OPERATION_NAME_BYTES + 1);
        let document = format!("query {name} {{ a }}");
        let first = analyzed(&analyses, &document, Some(&name), 1).unwrap();
        let again = analyzed(&analyses, &document, Some(&name), 1).unwrap();
        assert!(!Rc::ptr_eq(&first, &again));
    }

    #[test]
    fn what_documents_need_of_the_limits_is_noted() {
        let usage = Rc::new(LimitUsage::default());
        let analyses = Analyses::new(usage.clone());
        analyzed(&analyses, "{ a { b { c } } }", None, 1).unwrap();
        analyzed(&analyses, "{ a }", None, 1).unwrap();
        assert_eq!(usage.highest().of(Limit::Depth), 3);
    }
}
