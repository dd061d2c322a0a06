//! Tokens to a document. The only importer of graphql-parser.
//!
//! graphql-parser refuses some documents that the specification allows, and reads numbers into
//! machine types. So it gets the document without what it cannot read and need not: each literal
//! is replaced by its token's number, descriptions are left out, and so are the directives of
//! variable definitions. Its structure then gets the literals' own text back.

use super::ast::*;
use super::lexer::{Kind, Token};
use graphql_parser::query as parsed;

/// Parses the tokens of an executable document; none where they make none.
pub(super) fn parse(tokens: &[Token<'_>]) -> Option<Document> {
    let readable = Readable::of(tokens);
    let document = graphql_parser::parse_query::<&str>(&readable.text).ok()?;
    let mut operations = Vec::new();
    let mut fragments = Vec::new();
    let convert = Convert { tokens };
    for definition in document.definitions {
        match definition {
            parsed::Definition::Operation(operation) => {
                operations.push(convert.operation(operation)?);
            }
            parsed::Definition::Fragment(fragment) => fragments.push(convert.fragment(fragment)?),
        }
    }
    Some(Document { operations, fragments, variable_directives: readable.variable_directives })
}

/// The document as graphql-parser can read it.
struct Readable {
    text: String,
    variable_directives: String,
}

/// Where in a document a token stands, as far as descriptions and variable definitions go.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Outside all brackets.
    Top,
    /// In an operation's variable definitions.
    Variables,
    /// In a variable definition's directive, before its arguments.
    VariableDirective,
    /// Anywhere else.
    Inside,
}

impl Readable {
    fn of(tokens: &[Token<'_>]) -> Self {
        let mut readable = Self { text: String::new(), variable_directives: String::new() };
        let mut place = Place::Top;
        let mut depth = 0_usize;
        let mut fragment_head = false;
        let mut previous: Option<&Token<'_>> = None;
        for (index, token) in tokens.iter().enumerate() {
            let depth_before = depth;
            match token.kind {
                Kind::Punctuator(b'{' | b'(' | b'[') => depth += 1,
                Kind::Punctuator(b'}' | b')' | b']') => depth = depth.saturating_sub(1),
                _ => {}
            }
            let string = matches!(token.kind, Kind::String | Kind::BlockString);
            match place {
                Place::Top if string => continue,
                Place::Top => {
                    if token.kind == Kind::Name {
                        fragment_head |= token.text == "fragment";
                    }
                    // A parenthesis after `@name` is the directive's, not the operation's.
                    let of_operation = token.is(b'(') && !follows_directive(tokens, index);
                    place = match depth {
                        0 => Place::Top,
                        _ if of_operation && !fragment_head => Place::Variables,
                        _ => Place::Inside,
                    };
                    fragment_head &= depth == 0;
                }
                Place::Inside => {
                    if depth == 0 {
                        place = Place::Top;
                    }
                }
                Place::Variables => {
                    if depth == 0 {
                        place = Place::Top;
                    } else if depth == 1 && token.is(b'@') {
                        place = Place::VariableDirective;
                        readable.leave_out(token);
                        previous = Some(token);
                        continue;
                    } else if depth == 1 && string && !previous.is_some_and(|t| t.is(b'=')) {
                        continue; // the description of a variable
                    }
                }
                Place::VariableDirective => {
                    let ends = depth_before <= 1
                        && depth <= 1
                        && (token.is(b'$') || token.is(b')') || string);
                    if ends {
                        place = if depth == 0 { Place::Top } else { Place::Variables };
                        if string {
                            continue;
                        }
                    } else {
                        readable.leave_out(token);
                        continue;
                    }
                }
            }
            previous = Some(token);
            readable.keep(index, token);
        }
        readable
    }

    fn keep(&mut self, index: usize, token: &Token<'_>) {
        if token.is_literal() {
            self.text.push_str(&index.to_string());
        } else {
            self.text.push_str(token.text);
        }
        self.text.push(' ');
    }

    fn leave_out(&mut self, token: &Token<'_>) {
        self.variable_directives.push_str(token.text);
        self.variable_directives.push(' ');
    }
}

fn follows_directive(tokens: &[Token<'_>], index: usize) -> bool {
    index.checked_sub(2).and_then(|at| tokens.get(at)).is_some_and(|token| token.is(b'@'))
}

struct Convert<'t, 'a> {
    tokens: &'t [Token<'a>],
}

impl Convert<'_, '_> {
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

    fn variable<'p>(&self, variable: parsed::VariableDefinition<'p, &'p str>) -> Option<Variable> {
        Some(Variable {
            name: variable.name.to_owned(),
            kind: variable.var_type.to_string(),
            default: match variable.default_value {
                Some(value) => Some(self.value(value)?),
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
                selections: self.selections(field.selection_set)?,
            }),
            parsed::Selection::FragmentSpread(spread) => Selection::Spread {
                name: spread.fragment_name.to_owned(),
                directives: self.directives(spread.directives)?,
            },
            parsed::Selection::InlineFragment(inline) => Selection::Inline {
                on: inline.type_condition.map(|parsed::TypeCondition::On(on)| on.to_owned()),
                directives: self.directives(inline.directives)?,
                selections: self.selections(inline.selection_set)?,
            },
        })
    }

    fn value<'p>(&self, value: parsed::Value<'p, &'p str>) -> Option<Value> {
        Some(match value {
            parsed::Value::Variable(name) => Value::Variable(name.to_owned()),
            parsed::Value::Int(number) => {
                let index = usize::try_from(number.as_i64()?).ok()?;
                Value::Literal(self.tokens.get(index)?.text.to_owned())
            }
            // Every number and string was replaced, so these cannot come.
            parsed::Value::Float(_) | parsed::Value::String(_) => return None,
            parsed::Value::Boolean(flag) => Value::Word(flag.to_string()),
            parsed::Value::Null => Value::Word("null".to_owned()),
            parsed::Value::Enum(word) => Value::Word(word.to_owned()),
            parsed::Value::List(items) => {
                Value::List(items.into_iter().map(|v| self.value(v)).collect::<Option<_>>()?)
            }
            parsed::Value::Object(fields) => Value::Object(self.arguments(fields)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    fn parses(source: &str) -> Document {
        parse(&tokens(source).unwrap()).unwrap_or_else(|| panic!("{source}"))
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
    fn reads_what_the_parser_alone_refuses() {
        parses(
            "\"What it does\" query Q(\"id\" $a: ID = \"x\" @d(r: \"y\") @e \"more\" $b: Int @f) @g(h: 1) { a }",
        );
        parses(
            "\"\"\"F\"\"\" fragment F on T @d(x: 1) { a } query ($v: [Int!]! = [1, 2] @d) { ...F }",
        );
        let document = parses("query ($a: Int @d(x: {y: 1}) $b: Int) { a(s: \"\\u{1F600}\") }");
        assert_eq!(document.operations[0].variables.len(), 2);
        assert_eq!(document.variable_directives, "@ d ( x : { y : 1 } ) ");
    }

    #[test]
    fn refuses_what_is_no_executable_document() {
        for bad in ["", "{", "query { }", "type T { a: Int }", "{ a } }", "fragment on on T { a }"]
        {
            assert!(parse(&tokens(bad).unwrap()).is_none(), "{bad}");
        }
    }
}
