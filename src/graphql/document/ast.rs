//! The syntax tree of an executable document (GraphQL §2). Numbers and strings keep their source
//! text.

/// What an operation does (§2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// A read-only fetch.
    Query,
    /// A write followed by a fetch.
    Mutation,
    /// A long-lived request that fetches data for each event.
    Subscription,
}

/// A document (§2.2).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub operations: Vec<Operation>,
    pub fragments: Vec<Fragment>,
}

/// An operation (§2.3).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation {
    pub kind: OperationKind,
    pub name: Option<String>,
    pub variables: Vec<VariableDefinition>,
    pub directives: Vec<Directive>,
    pub selections: Vec<Selection>,
}

/// A fragment definition (§2.8).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fragment {
    pub name: String,
    pub on: String,
    pub directives: Vec<Directive>,
    pub selections: Vec<Selection>,
}

/// A variable definition (§2.10).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VariableDefinition {
    pub name: String,
    pub type_text: String,
    pub default: Option<Value>,
    /// The source text of its directives, which graphql-parser cannot read.
    pub directives: String,
}

/// A directive (§2.12).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Directive {
    pub name: String,
    pub arguments: Vec<(String, Value)>,
}

/// A selection (§2.4).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selection {
    Field(Field),
    FragmentSpread { name: String, directives: Vec<Directive> },
    InlineFragment { on: Option<String>, directives: Vec<Directive>, selections: Vec<Selection> },
}

/// A field (§2.5).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub alias: Option<String>,
    pub name: String,
    pub arguments: Vec<(String, Value)>,
    pub directives: Vec<Directive>,
    /// The byte offset just inside the `{` of its selection set. `None` for a leaf.
    pub selection_set_start: Option<usize>,
    pub selections: Vec<Selection>,
}

impl Field {
    /// The key under which the response holds the field (§2.7).
    pub fn response_key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

/// An input value (§2.9).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Variable(String),
    /// The source text of a number or string.
    Literal(String),
    /// `true`, `false`, `null` or an enum value.
    Word(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}
