//! Reads a schema from a type-system document (GraphQL §3, October 2021 and September 2025).
//!
//! In scope: the grammar, as far as the table needs it. The rest is skipped by its brackets:
//! values, input fields, enum values, and all directives except `@cacheControl`. Not in scope:
//! validation, and executable definitions, which are faults.
//!
//! It deviates from the grammar in one way: `{}` and `()` may be empty.

use super::cache_hint::{self, CacheHint};
use super::cursor::Cursor;
use super::draft::{DefinitionKind, FieldDraft, SchemaDraft, TypeDraft, TypeUse};
use super::fault::{SchemaFault, SourceFault, quoted};
use super::table::Schema;
use super::type_id::TypeKind;
use crate::graphql::document::ast::OperationKind;
use crate::limits;

impl Schema {
    /// Reads the schema that a type-system document defines, with extensions merged.
    ///
    /// A type that is used but not defined gets the kind that its use implies (see `draft`). A type
    /// that is not defined may be extended.
    pub fn from_sdl(source: &str) -> Result<Self, SchemaFault> {
        if source.len() > limits::SCHEMA_BYTES {
            let message = format!("the schema has more than {} bytes", limits::SCHEMA_BYTES);
            return Err(SchemaFault { message, line: None });
        }
        read(source).map_err(|flaw| flaw.in_text(source))
    }
}

fn read(source: &str) -> Result<Schema, SourceFault> {
    let mut reader = Reader { cursor: Cursor::new(source)?, draft: SchemaDraft::default() };
    while reader.cursor.peek().is_some() {
        reader.definition()?;
    }
    reader.draft.finish()
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    draft: SchemaDraft<'a>,
}

impl<'a> Reader<'a> {
    /// TypeSystemDefinitionOrExtension (§3).
    fn definition(&mut self) -> Result<(), SourceFault> {
        self.cursor.skip_description()?;
        let definition_kind = if self.cursor.takes_word("extend")? {
            DefinitionKind::Extension
        } else {
            DefinitionKind::Definition
        };
        let at = self.cursor.at();
        match self.cursor.name()? {
            "schema" => self.schema(definition_kind, at),
            "directive" if definition_kind == DefinitionKind::Definition => {
                self.directive_definition()
            }
            "type" => self.named_type(TypeDraft::new(TypeKind::Object, definition_kind, at)),
            "interface" => {
                self.named_type(TypeDraft::new(TypeKind::Interface, definition_kind, at))
            }
            "union" => self.named_type(TypeDraft::new(TypeKind::Union, definition_kind, at)),
            "scalar" | "enum" => {
                self.named_type(TypeDraft::new(TypeKind::Leaf, definition_kind, at))
            }
            "input" => self.named_type(TypeDraft::new(TypeKind::Input, definition_kind, at)),
            other => {
                let message = format!("expected a definition of a type, found {}", quoted(other));
                Err(SourceFault::new(at, message))
            }
        }
    }

    /// SchemaDefinition, SchemaExtension (§3.3).
    fn schema(&mut self, definition_kind: DefinitionKind, at: usize) -> Result<(), SourceFault> {
        if definition_kind == DefinitionKind::Definition {
            self.draft.define_roots(at)?;
        }
        self.directives()?;
        if !self.cursor.takes(b'{')? {
            return Ok(());
        }
        while !self.cursor.takes(b'}')? {
            self.cursor.skip_description()?;
            let at = self.cursor.at();
            let kind = match self.cursor.name()? {
                "query" => OperationKind::Query,
                "mutation" => OperationKind::Mutation,
                "subscription" => OperationKind::Subscription,
                other => {
                    let message = format!("expected an operation, found {}", quoted(other));
                    return Err(SourceFault::new(at, message));
                }
            };
            self.cursor.expect(b':')?;
            let name = self.cursor.name()?;
            self.draft.add_root(kind, name, at)?;
        }
        Ok(())
    }

    /// The definition of a type (§3.5 to §3.10), after its keyword.
    fn named_type(&mut self, mut new: TypeDraft<'a>) -> Result<(), SourceFault> {
        let name = self.cursor.name()?;
        let has_fields = matches!(new.kind, TypeKind::Object | TypeKind::Interface);
        if has_fields && self.cursor.takes_word("implements")? {
            new.links = self.names_between(b'&')?;
        }
        new.hint = self.directives()?;
        let is_open = self.cursor.peek().is_some_and(|token| token.is(b'{'));
        match new.kind {
            TypeKind::Object | TypeKind::Interface if is_open => new.fields = self.fields()?,
            TypeKind::Union if self.cursor.takes(b'=')? => new.links = self.names_between(b'|')?,
            TypeKind::Leaf | TypeKind::Input if is_open => self.cursor.skip_group()?,
            _ => {}
        }
        self.draft.add(name, new)
    }

    /// ImplementsInterfaces (§3.6), UnionMemberTypes (§3.8): names separated by a punctuator, which
    /// may also come first.
    fn names_between(&mut self, punctuator: u8) -> Result<Vec<&'a str>, SourceFault> {
        let mut names = Vec::new();
        self.cursor.takes(punctuator)?;
        loop {
            self.draft.count_link(self.cursor.at())?;
            names.push(self.cursor.name()?);
            if !self.cursor.takes(punctuator)? {
                return Ok(names);
            }
        }
    }

    /// FieldsDefinition (§3.6).
    fn fields(&mut self) -> Result<Vec<FieldDraft<'a>>, SourceFault> {
        let mut fields = Vec::new();
        self.cursor.expect(b'{')?;
        while !self.cursor.takes(b'}')? {
            self.cursor.skip_description()?;
            let at = self.cursor.at();
            self.draft.count_field(at)?;
            let name = self.cursor.name()?;
            let needs_arguments = self.arguments()?;
            self.cursor.expect(b':')?;
            let of = self.type_use()?;
            let hint = self.directives()?;
            fields.push(FieldDraft { name, at, of, needs_arguments, hint });
        }
        Ok(fields)
    }

    /// ArgumentsDefinition (§3.6.1), if there is one. Returns `true` if an argument is required
    /// (§5.4.2.1).
    fn arguments(&mut self) -> Result<bool, SourceFault> {
        let mut required = false;
        if !self.cursor.takes(b'(')? {
            return Ok(false);
        }
        while !self.cursor.takes(b')')? {
            self.cursor.skip_description()?;
            self.cursor.name()?;
            self.cursor.expect(b':')?;
            let of = self.type_use()?;
            let has_default = self.cursor.takes(b'=')?;
            if has_default {
                self.cursor.skip_value()?;
            }
            self.directives()?;
            required |= of.nonnull && !has_default;
        }
        Ok(required)
    }

    /// Type (§2.11).
    fn type_use(&mut self) -> Result<TypeUse<'a>, SourceFault> {
        let mut lists = 0;
        while self.cursor.takes(b'[')? {
            lists += 1;
            if lists > limits::SCHEMA_DEPTH {
                return Err(self.cursor.too_deep());
            }
        }
        let name = self.cursor.name()?;
        let mut nonnull = self.cursor.takes(b'!')?;
        for _ in 0..lists {
            self.cursor.expect(b']')?;
            nonnull = self.cursor.takes(b'!')?;
        }
        Ok(TypeUse { name, list: lists > 0, nonnull })
    }

    /// Directives (§2.12). Returns their cache hint.
    fn directives(&mut self) -> Result<CacheHint, SourceFault> {
        let mut hint = CacheHint::NONE;
        while self.cursor.takes(b'@')? {
            let name = self.cursor.name()?;
            let has_arguments = self.cursor.peek().is_some_and(|token| token.is(b'('));
            if has_arguments && name == cache_hint::DIRECTIVE {
                hint = hint.and(CacheHint::read(&mut self.cursor)?);
            } else if has_arguments {
                self.cursor.skip_group()?;
            }
        }
        Ok(hint)
    }

    /// DirectiveDefinition (§3.13), which is skipped.
    fn directive_definition(&mut self) -> Result<(), SourceFault> {
        self.cursor.expect(b'@')?;
        self.cursor.name()?;
        self.arguments()?;
        self.cursor.takes_word("repeatable")?;
        if !self.cursor.takes_word("on")? {
            return Err(self.cursor.unexpected("`on`"));
        }
        self.cursor.takes(b'|')?;
        loop {
            self.cursor.name()?;
            if !self.cursor.takes(b'|')? {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
