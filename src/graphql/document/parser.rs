//! Parses tokens into a document. The only file that imports graphql-parser.
//!
//! graphql-parser rejects some documents that the specification allows, reads numbers into machine
//! types, and does not keep the positions of values. So it gets a prepared text: each value is
//! replaced by the index of its first token, and read from the tokens here. Descriptions and the
//! directives of variable definitions are left out. Every token is on a line of its own, so that a
//! line number identifies a token.

use super::ast::*;
use super::input_value::{read_value, value_end};
use super::lexer::{Token, TokenKind};
use graphql_parser::query as parsed;
use std::collections::HashMap;

/// Parses the tokens of an executable document. `None` if they do not form one.
pub(crate) fn parse(tokens: &[Token<'_>]) -> Option<Document> {
    let input = ParserInput::of(tokens);
    let document = graphql_parser::parse_query::<&str>(&input.text).ok()?;
    let mut operations = Vec::new();
    let mut fragments = Vec::new();
    let converter =
        Converter { tokens, lines: &input.lines, variable_directives: &input.variable_directives };
    for definition in document.definitions {
        match definition {
            parsed::Definition::Operation(operation) => {
                operations.push(converter.operation(operation)?);
            }
            parsed::Definition::Fragment(fragment) => fragments.push(converter.fragment(fragment)?),
        }
    }
    Some(Document { operations, fragments })
}

/// Parses a document with graphql-parser alone. The benchmark compares [`parse`] with it.
#[cfg(feature = "measure")]
pub(crate) fn parses_unprepared(source: &str) -> bool {
    std::hint::black_box(graphql_parser::parse_query::<&str>(source)).is_ok()
}

/// The text that graphql-parser gets.
struct ParserInput<'t, 'a> {
    tokens: &'t [Token<'a>],
    text: String,
    /// The index of the token on each line.
    lines: Vec<usize>,
    /// The directives of variable definitions, by the index of the definition's first token.
    variable_directives: HashMap<usize, String>,
}

impl<'t, 'a> ParserInput<'t, 'a> {
    fn of(tokens: &'t [Token<'a>]) -> Self {
        let mut input = Self {
            tokens,
            text: String::new(),
            lines: Vec::with_capacity(tokens.len()),
            variable_directives: HashMap::new(),
        };
        let mut at = 0;
        let mut depth = 0_usize;
        let mut in_fragment = false;
        while let Some(token) = tokens.get(at) {
            let of_directive = at.checked_sub(2).is_some_and(|two| input.is(two, b'@'));
            at = match token.kind {
                // A description is outside all brackets, where no value can be.
                TokenKind::String | TokenKind::BlockString if depth == 0 => at + 1,
                TokenKind::Punctuator(b'(') if depth == 0 && !in_fragment && !of_directive => {
                    input.variables(at)
                }
                TokenKind::Punctuator(b'(') => input.arguments(at),
                _ => {
                    match token.kind {
                        TokenKind::Punctuator(b'{') => depth += 1,
                        TokenKind::Punctuator(b'}') => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    in_fragment = match depth {
                        0 => in_fragment || (token.text == "fragment" && input.begins(at)),
                        _ => false,
                    };
                    input.copy(at)
                }
            };
        }
        input
    }

    /// Arguments: names and values. If anything else follows, it is copied for the parser to
    /// reject.
    fn arguments(&mut self, opening: usize) -> usize {
        let mut at = self.copy(opening);
        while self.is_name(at) && self.is(at + 1, b':') {
            let value = self.copy_pair(at);
            let Some(end) = value_end(self.tokens, value) else { return value };
            self.copy_value(value);
            at = end;
        }
        at
    }

    /// Variable definitions, without their descriptions and directives.
    fn variables(&mut self, opening: usize) -> usize {
        let mut at = self.copy(opening);
        let mut variable = at;
        while let Some(token) = self.tokens.get(at) {
            at = match token.kind {
                TokenKind::Punctuator(b')') => return self.copy(at),
                TokenKind::Punctuator(b'$') => {
                    variable = at;
                    self.copy(at)
                }
                TokenKind::Punctuator(b'=') => {
                    let value = self.copy(at);
                    let Some(end) = value_end(self.tokens, value) else { return value };
                    self.copy_value(value);
                    end
                }
                TokenKind::Punctuator(b'@') => {
                    let end = self.directive_end(at);
                    let text = self.variable_directives.entry(variable).or_default();
                    for token in self.tokens.get(at..end).into_iter().flatten() {
                        text.push_str(token.text);
                        text.push(' ');
                    }
                    end
                }
                // A description precedes its variable.
                TokenKind::String | TokenKind::BlockString if self.is(at + 1, b'$') => at + 1,
                TokenKind::Punctuator(b'{') => return at,
                _ => self.copy(at),
            };
        }
        at
    }

    /// Whether a definition can begin at this token, outside all brackets (§2.2): at the start,
    /// after a `}`, or after a description.
    fn begins(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.tokens.get(before));
        before.is_none_or(|token| {
            token.is(b'}') || matches!(token.kind, TokenKind::String | TokenKind::BlockString)
        })
    }

    fn directive_end(&self, at: usize) -> usize {
        match self.is(at + 2, b'(') {
            true => value_end(self.tokens, at + 2).unwrap_or(at + 2),
            false => at + 2,
        }
    }

    fn is(&self, at: usize, punctuator: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(punctuator))
    }

    fn is_name(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Name)
    }

    fn copy(&mut self, at: usize) -> usize {
        if let Some(token) = self.tokens.get(at) {
            self.text.push_str(token.text);
            self.text.push('\n');
            self.lines.push(at);
        }
        at + 1
    }

    fn copy_pair(&mut self, at: usize) -> usize {
        self.copy(at);
        self.copy(at + 1)
    }

    fn copy_value(&mut self, at: usize) {
        self.text.push_str(&at.to_string());
        self.text.push('\n');
        self.lines.push(at);
    }
}

struct Converter<'t, 'a> {
    tokens: &'t [Token<'a>],
    lines: &'t [usize],
    variable_directives: &'t HashMap<usize, String>,
}

impl Converter<'_, '_> {
    fn operation<'p>(
        &self,
        operation: parsed::OperationDefinition<'p, &'p str>,
    ) -> Option<Operation> {
        use parsed::OperationDefinition as Definition;
        let (kind, name, variables, directives, set) = match operation {
            Definition::SelectionSet(set) => {
                (OperationKind::Query, None, Vec::new(), Vec::new(), set)
            }
            Definition::Query(q) => (
                OperationKind::Query,
                q.name,
                q.variable_definitions,
                q.directives,
                q.selection_set,
            ),
            Definition::Mutation(m) => (
                OperationKind::Mutation,
                m.name,
                m.variable_definitions,
                m.directives,
                m.selection_set,
            ),
            Definition::Subscription(s) => (
                OperationKind::Subscription,
                s.name,
                s.variable_definitions,
                s.directives,
                s.selection_set,
            ),
        };
        Some(Operation {
            kind,
            name: name.map(str::to_owned),
            variables: variables.into_iter().map(|v| self.variable(v)).collect::<Option<_>>()?,
            directives: self.directives(directives)?,
            selections: self.selections(set)?,
        })
    }

    fn fragment<'p>(&self, fragment: parsed::FragmentDefinition<'p, &'p str>) -> Option<Fragment> {
        // FragmentName (§2.8): any name but `on`.
        if fragment.name == "on" {
            return None;
        }
        let parsed::TypeCondition::On(on) = fragment.type_condition;
        Some(Fragment {
            name: fragment.name.to_owned(),
            on: on.to_owned(),
            directives: self.directives(fragment.directives)?,
            selections: self.selections(fragment.selection_set)?,
        })
    }

    fn variable<'p>(
        &self,
        variable: parsed::VariableDefinition<'p, &'p str>,
    ) -> Option<VariableDefinition> {
        let begins = self.token_at(variable.position);
        Some(VariableDefinition {
            directives: begins
                .and_then(|at| self.variable_directives.get(&at))
                .cloned()
                .unwrap_or_default(),
            name: variable.name.to_owned(),
            type_text: variable.var_type.to_string(),
            default: match variable.default_value {
                Some(value) => Some(self.value(value).filter(Value::is_constant)?),
                None => None,
            },
        })
    }

    fn directives<'p>(&self, list: Vec<parsed::Directive<'p, &'p str>>) -> Option<Vec<Directive>> {
        list.into_iter()
            .map(|directive| {
                Some(Directive {
                    name: directive.name.to_owned(),
                    arguments: self.arguments(directive.arguments)?,
                })
            })
            .collect()
    }

    fn arguments<'p>(
        &self,
        list: impl IntoIterator<Item = (&'p str, parsed::Value<'p, &'p str>)>,
    ) -> Option<Vec<(String, Value)>> {
        list.into_iter().map(|(name, value)| Some((name.to_owned(), self.value(value)?))).collect()
    }

    fn selections<'p>(&self, set: parsed::SelectionSet<'p, &'p str>) -> Option<Vec<Selection>> {
        set.items.into_iter().map(|selection| self.selection(selection)).collect()
    }

    fn selection<'p>(&self, selection: parsed::Selection<'p, &'p str>) -> Option<Selection> {
        Some(match selection {
            parsed::Selection::Field(field) => Selection::Field(Field {
                alias: field.alias.map(str::to_owned),
                name: field.name.to_owned(),
                arguments: self.arguments(field.arguments)?,
                directives: self.directives(field.directives)?,
                selection_set_start: self.selection_set_start(&field.selection_set),
                selections: self.selections(field.selection_set)?,
            }),
            parsed::Selection::FragmentSpread(spread) => Selection::FragmentSpread {
                name: spread.fragment_name.to_owned(),
                directives: self.directives(spread.directives)?,
            },
            parsed::Selection::InlineFragment(inline) => Selection::InlineFragment {
                on: inline.type_condition.map(|parsed::TypeCondition::On(on)| on.to_owned()),
                directives: self.directives(inline.directives)?,
                selections: self.selections(inline.selection_set)?,
            },
        })
    }

    /// The byte offset just inside the `{` of a selection set. `None` if there is no selection set.
    fn selection_set_start<'p>(&self, set: &parsed::SelectionSet<'p, &'p str>) -> Option<usize> {
        if set.items.is_empty() {
            return None;
        }
        let token = self.tokens.get(self.token_at(set.span.0)?)?;
        token.is(b'{').then_some(token.start + 1)
    }

    /// The index of the token at a position.
    fn token_at(&self, position: graphql_parser::Pos) -> Option<usize> {
        self.lines.get(position.line.checked_sub(1)?).copied()
    }

    fn value<'p>(&self, value: parsed::Value<'p, &'p str>) -> Option<Value> {
        // Every value was replaced by the index of its first token.
        let parsed::Value::Int(number) = value else { return None };
        read_value(self.tokens, usize::try_from(number.as_i64()?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer;
    use super::*;
    use crate::limits::Amounts;

    fn tokens(source: &str) -> Vec<Token<'_>> {
        lexer::tokens(source, &Amounts::default_limits(), &mut Amounts::ZERO.clone()).unwrap()
    }

    fn parses(source: &str) -> Document {
        parse(&tokens(source)).unwrap_or_else(|| panic!("{source}"))
    }

    #[test]
    fn literals_keep_their_own_text() {
        let document = parses("{ a(x: 1.0, y: 1e0, z: \"\"\"b\"\"\", w: [99999999999999999999]) }");
        let Selection::Field(field) = &document.operations[0].selections[0] else { panic!() };
        let texts: Vec<String> = field.arguments.iter().map(|(_, v)| format!("{v:?}")).collect();
        assert_eq!(
            texts,
            [
                "Literal(\"1.0\")",
                "Literal(\"1e0\")",
                "Literal(\"\\\"\\\"\\\"b\\\"\\\"\\\"\")",
                "List([Literal(\"99999999999999999999\")])"
            ]
        );
    }

    #[test]
    fn selection_sets_tell_where_they_open() {
        let source =
            "query($v: I = {a: 1}) { a(x: {b: [1]}) @d(y: {}) { ...F ... on T { c{d} } } }";
        let document = parses(source);
        let Selection::Field(field) = &document.operations[0].selections[0] else { panic!() };
        let rest = source.get(field.selection_set_start.unwrap()..).unwrap();
        assert!(rest.starts_with(" ...F"), "{rest}");
        let Selection::InlineFragment { selections, .. } = &field.selections[1] else { panic!() };
        let Selection::Field(inner) = &selections[0] else { panic!() };
        assert!(source.get(inner.selection_set_start.unwrap()..).unwrap().starts_with("d}"));
    }

    #[test]
    fn reads_what_the_parser_alone_refuses() {
        parses(
            "\"What it does\" query Q(\"id\" $a: ID = \"x\" @d(r: \"y\") @e \"more\" $b: Int @f) @g(h: 1) { a }",
        );
        parses(
            "\"\"\"F\"\"\" fragment F on T @d(x: 1) { a } query ($v: [Int!]! = [1, 2] @d) { ...F }",
        );
        let document = parses("query ($a: Int @d(x: {y: 1}) $b: Int) { a(s: \"\\u{1F600}\") }");
        assert_eq!(document.operations[0].variables.len(), 2);
        let directives: Vec<_> =
            document.operations[0].variables.iter().map(|one| one.directives.as_str()).collect();
        assert_eq!(directives, ["@ d ( x : { y : 1 } ) ", ""]);
        let document = parses(
            "fragment fragment on T @d(x: 1) { a } query fragment(\"fragment\" $fragment: Int @d @e(x: 1)) { ...fragment }",
        );
        assert_eq!(document.operations[0].variables[0].directives, "@ d @ e ( x : 1 ) ");
    }

    #[test]
    fn refuses_what_is_no_executable_document() {
        for bad in [
            "",
            "{",
            "query { }",
            "type T { a: Int }",
            "{ a } }",
            "fragment on on T { a }",
            "{ a(x: ) }",
            "{ a(x: [1) }",
            "{ a(x: {b}) }",
            "{ a(x: 1 }",
            "{ a(1: x) }",
            "{ a(x: $) }",
            "query ($v: Int = $w) { a }",
            "query ($v: Int = [$w]) { a }",
            "query ($v: Int = ) { a }",
            "query ($v: Int @) { a }",
            "query ($v: Int { a }",
        ] {
            assert!(parse(&tokens(bad)).is_none(), "{bad}");
        }
    }
}
