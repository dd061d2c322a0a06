//! The canonical text of an operation: equal for two documents that ask for the same response, and
//! different for any others.
//!
//! It holds the operation and the fragments that it reaches. Fragments are numbered in the order in
//! which they are first spread, so that their names do not matter. Arguments, object fields and
//! variable definitions are sorted. Fields keep their order and aliases, because the response has
//! them too.

use super::ast::*;
use crate::order;
use std::collections::HashMap;

/// The canonical text of an operation. `None` if it spreads a fragment that the document does not
/// define.
pub(crate) fn canonical_text(document: &Document, operation: &Operation) -> Option<String> {
    let by_name: HashMap<&str, &Fragment> =
        document.fragments.iter().map(|f| (f.name.as_str(), f)).collect();
    let mut writer =
        Writer { text: String::new(), numbers: HashMap::new(), fragments: Vec::new(), by_name };
    writer.operation(operation)?;
    let mut next = 0;
    while let Some(fragment) = writer.fragments.get(next).copied() {
        next += 1;
        writer.word("fragment on");
        writer.word(&fragment.on);
        writer.directives(&fragment.directives);
        writer.selections(&fragment.selections)?;
    }
    Some(writer.text)
}

struct Writer<'d> {
    text: String,
    numbers: HashMap<&'d str, usize>,
    fragments: Vec<&'d Fragment>,
    by_name: HashMap<&'d str, &'d Fragment>,
}

impl<'d> Writer<'d> {
    fn word(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push(' ');
    }

    fn operation(&mut self, operation: &'d Operation) -> Option<()> {
        self.word(match operation.kind {
            OperationKind::Query => "query",
            OperationKind::Mutation => "mutation",
            OperationKind::Subscription => "subscription",
        });
        self.word(operation.name.as_deref().unwrap_or_default());
        let mut variables: Vec<_> = operation.variables.iter().collect();
        order::sort_by(&mut variables, |a, b| a.name.cmp(&b.name));
        for variable in variables {
            self.word("$");
            self.word(&variable.name);
            self.word(&variable.type_text);
            if let Some(default) = &variable.default {
                self.word("=");
                self.value(default);
            }
            if !variable.directives.is_empty() {
                // A marker that sets them apart from the operation's own directives.
                self.word("$@");
                self.word(&variable.directives);
            }
        }
        self.directives(&operation.directives);
        self.selections(&operation.selections)
    }

    fn directives(&mut self, directives: &[Directive]) {
        for directive in directives {
            self.word("@");
            self.word(&directive.name);
            self.arguments(&directive.arguments);
        }
    }

    fn arguments(&mut self, arguments: &[(String, Value)]) {
        if arguments.is_empty() {
            return;
        }
        self.word("(");
        self.pairs(arguments);
        self.word(")");
    }

    fn pairs(&mut self, pairs: &[(String, Value)]) {
        let mut sorted: Vec<_> = pairs.iter().collect();
        order::sort_by(&mut sorted, |a, b| a.0.cmp(&b.0));
        for (name, value) in sorted {
            self.word(name);
            self.word(":");
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => {
                self.word("$");
                self.word(name);
            }
            Value::Literal(text) | Value::Word(text) => self.word(text),
            Value::List(items) => {
                self.word("[");
                for item in items {
                    self.value(item);
                }
                self.word("]");
            }
            Value::Object(fields) => {
                self.word("{");
                self.pairs(fields);
                self.word("}");
            }
        }
    }

    fn selections(&mut self, selections: &'d [Selection]) -> Option<()> {
        if selections.is_empty() {
            return Some(());
        }
        self.word("{");
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    if let Some(alias) = &field.alias {
                        self.word(alias);
                        self.word(":");
                    }
                    self.word(&field.name);
                    self.arguments(&field.arguments);
                    self.directives(&field.directives);
                    match field.selection_set_start {
                        // Literal directives removed all of its selections, but the field is still
                        // not a leaf.
                        Some(_) if field.selections.is_empty() => self.word("{ }"),
                        _ => self.selections(&field.selections)?,
                    }
                }
                Selection::FragmentSpread { name, directives } => {
                    let number = self.number_of(name)?;
                    self.word(&format!("...{number}"));
                    self.directives(directives);
                }
                Selection::InlineFragment { on, directives, selections } => {
                    self.word("...on");
                    self.word(on.as_deref().unwrap_or_default());
                    self.directives(directives);
                    self.selections(selections)?;
                }
            }
        }
        self.word("}");
        Some(())
    }

    fn number_of(&mut self, name: &str) -> Option<usize> {
        let fragment = *self.by_name.get(name)?;
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = self.fragments.len();
        self.numbers.insert(&fragment.name, number);
        self.fragments.push(fragment);
        Some(number)
    }
}
