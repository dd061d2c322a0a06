//! A schema under construction: types by name, in any order, which are then checked and turned into
//! a table.
//!
//! In scope: merging extensions, limits, and faults that involve several definitions. Not in scope:
//! where the definitions come from.
//!
//! A type that is used but not defined gets the kind that its use implies, so that a partial schema
//! is useful too. An implemented type is an interface; a member of a union or a root is an object;
//! each has no fields. The type of any other field is a leaf.

use super::cache_hint::CacheHint;
use super::fault::{SourceFault, quoted};
use super::grouped_rows::GroupedRows;
use super::name_table::NameTable;
use super::table::{FieldInfo, FieldRow, Roots, Schema, TypeRow};
use super::type_id::{TypeId, TypeKind};
use crate::graphql::document::ast::OperationKind;
use crate::limits;
use crate::order;
use std::collections::BTreeMap;

/// The built-in scalars (GraphQL §3.5).
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

/// A schema under construction.
#[derive(Default)]
pub(super) struct SchemaDraft<'a> {
    types: BTreeMap<&'a str, TypeDraft<'a>>,
    roots: [Option<(&'a str, usize)>; 3],
    /// `true` if a schema definition names the roots, so that default names do not apply.
    roots_defined: bool,
    /// The number of fields so far, and of interfaces and members.
    fields: usize,
    links: usize,
}

/// Whether a definition defines a type or extends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefinitionKind {
    /// `type`
    Definition,
    /// `extend type`. Federated services extend types that they do not define.
    Extension,
}

/// One definition of a type, or all of them merged.
pub(super) struct TypeDraft<'a> {
    pub kind: TypeKind,
    pub definition_kind: DefinitionKind,
    pub at: usize,
    pub hint: CacheHint,
    pub fields: Vec<FieldDraft<'a>>,
    /// The interfaces it implements, or the members of a union.
    pub links: Vec<&'a str>,
}

/// A field of a type.
pub(super) struct FieldDraft<'a> {
    pub name: &'a str,
    pub at: usize,
    pub of: TypeUse<'a>,
    pub needs_arguments: bool,
    pub hint: CacheHint,
}

/// The type of a field or an argument (GraphQL §2.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypeUse<'a> {
    pub name: &'a str,
    pub list: bool,
    pub nonnull: bool,
}

impl<'a> TypeDraft<'a> {
    pub fn new(kind: TypeKind, definition_kind: DefinitionKind, at: usize) -> Self {
        let (fields, links) = (Vec::new(), Vec::new());
        Self { kind, definition_kind, at, hint: CacheHint::NONE, fields, links }
    }
}

impl<'a> SchemaDraft<'a> {
    /// Counts a field, so that a schema over the limit is rejected before it is held in memory.
    pub fn count_field(&mut self, at: usize) -> Result<(), SourceFault> {
        count(&mut self.fields, "fields", at)
    }

    /// Counts an implemented interface or a member of a union.
    pub fn count_link(&mut self, at: usize) -> Result<(), SourceFault> {
        count(&mut self.links, "interfaces and members of unions", at)
    }

    /// Adds a definition of a type. The types of introspection are skipped, because some tools
    /// print them.
    pub fn add(&mut self, name: &'a str, new: TypeDraft<'a>) -> Result<(), SourceFault> {
        if name.starts_with("__") {
            return Ok(());
        }
        let at = new.at;
        let Some(known) = self.types.get_mut(name) else {
            self.types.insert(name, new);
            return self.check_type_count(at);
        };
        if known.kind != new.kind {
            return Err(SourceFault::new(
                at,
                format!("type {} is defined with two kinds", quoted(name)),
            ));
        }
        if known.definition_kind == DefinitionKind::Definition
            && new.definition_kind == DefinitionKind::Definition
        {
            return Err(SourceFault::new(at, format!("type {} is defined twice", quoted(name))));
        }
        if new.definition_kind == DefinitionKind::Definition {
            (known.definition_kind, known.at) = (new.definition_kind, at);
        }
        known.hint = known.hint.and(new.hint);
        known.fields.extend(new.fields);
        known.links.extend(new.links);
        Ok(())
    }

    /// Notes that there is a schema definition. There may be only one.
    pub fn define_roots(&mut self, at: usize) -> Result<(), SourceFault> {
        if std::mem::replace(&mut self.roots_defined, true) {
            return Err(SourceFault::new(at, "the schema is defined twice"));
        }
        Ok(())
    }

    /// Sets the root type of an operation kind.
    pub fn add_root(
        &mut self,
        kind: OperationKind,
        name: &'a str,
        at: usize,
    ) -> Result<(), SourceFault> {
        let Some(root) = self.roots.get_mut(place(kind)) else { return Ok(()) };
        if root.replace((name, at)).is_some() {
            return Err(SourceFault::new(at, "an operation has two root types"));
        }
        Ok(())
    }

    /// Checks the draft and builds the table.
    pub fn finish(mut self) -> Result<Schema, SourceFault> {
        self.resolve_roots()?;
        self.infer()?;
        self.check_links()?;
        self.sort()?;
        self.table()
            .ok_or_else(|| SourceFault::new(0, "its interfaces have too many possible types"))
    }

    /// Determines the root types (GraphQL §3.3.1): those of the schema definition, or those with
    /// default names.
    fn resolve_roots(&mut self) -> Result<(), SourceFault> {
        let defaults = ["Query", "Mutation", "Subscription"];
        for (root, default) in self.roots.iter_mut().zip(defaults) {
            let is_object = |known: &&TypeDraft<'_>| known.kind == TypeKind::Object;
            if let (None, false) = (&root, self.roots_defined) {
                *root = self.types.get(default).filter(is_object).map(|known| (default, known.at));
            }
        }
        match self.roots {
            [None, ..] => Err(SourceFault::new(0, "the schema has no root type for queries")),
            [Some((name, at)), ..] if !self.types.contains_key(name) => {
                let message =
                    format!("the root type for queries, {}, is not defined", quoted(name));
                Err(SourceFault::new(at, message))
            }
            _ => Ok(()),
        }
    }

    /// Adds the types that are used but not defined.
    fn infer(&mut self) -> Result<(), SourceFault> {
        let mut inferred: BTreeMap<&'a str, (TypeKind, usize)> = BTreeMap::new();
        for (name, at) in self.roots.iter().flatten() {
            inferred.entry(name).or_insert((TypeKind::Object, *at));
        }
        for known in self.types.values() {
            let kind =
                if known.kind == TypeKind::Union { TypeKind::Object } else { TypeKind::Interface };
            for link in &known.links {
                inferred.entry(link).or_insert((kind, known.at));
            }
        }
        // The type of a field may also be a member of a union, which is an object. So leaves come
        // last.
        for field in self.types.values().flat_map(|known| &known.fields) {
            inferred.entry(field.of.name).or_insert((TypeKind::Leaf, field.at));
        }
        for name in BUILT_IN {
            inferred.entry(name).or_insert((TypeKind::Leaf, 0));
        }
        for (name, (kind, at)) in inferred {
            let new = || TypeDraft::new(kind, DefinitionKind::Definition, at);
            self.types.entry(name).or_insert_with(new);
            self.check_type_count(at)?;
        }
        Ok(())
    }

    /// Checks that only interfaces are implemented, and that members of unions and roots are
    /// objects (GraphQL §3.6 to 3.8).
    fn check_links(&self) -> Result<(), SourceFault> {
        let kind_of = |name: &str| self.types.get(name).map(|known| known.kind);
        for (name, known) in &self.types {
            for link in &known.links {
                let (right, is) = match known.kind {
                    TypeKind::Union => (TypeKind::Object, "not an object"),
                    _ => (TypeKind::Interface, "not an interface"),
                };
                if kind_of(link) != Some(right) {
                    let message = format!("{} names {}, which is {is}", quoted(name), quoted(link));
                    return Err(SourceFault::new(known.at, message));
                }
            }
        }
        for (name, at) in self.roots.iter().flatten() {
            if kind_of(name) != Some(TypeKind::Object) {
                return Err(SourceFault::new(
                    *at,
                    format!("root type {} is not an object", quoted(name)),
                ));
            }
        }
        Ok(())
    }

    /// Sorts fields and links. Duplicate links count once.
    fn sort(&mut self) -> Result<(), SourceFault> {
        for (name, known) in &mut self.types {
            order::sort(&mut known.links);
            known.links.dedup();
            order::sort_by_key(&mut known.fields, |field| field.name);
            let twice = known.fields.windows(2).find_map(|pair| match pair {
                [one, next] if one.name == next.name => Some(next),
                _ => None,
            });
            if let Some(field) = twice {
                let message = format!("{} has {} twice", quoted(name), quoted(field.name));
                return Err(SourceFault::new(field.at, message));
            }
        }
        Ok(())
    }

    fn table(&self) -> Option<Schema> {
        let all_fields = || self.types.values().flat_map(|known| &known.fields);
        let mut names: Vec<&str> = self.types.keys().copied().collect();
        names.extend(all_fields().map(|field| field.name));
        order::sort(&mut names);
        names.dedup();
        let number = |name: &str| {
            names.binary_search(&name).ok().and_then(|number| u32::try_from(number).ok())
        };
        let type_names: Vec<&str> = self.types.keys().copied().collect();
        let id = |name: &str| type_names.binary_search(&name).ok().and_then(TypeId::at);

        let mut types = Vec::with_capacity(self.types.len());
        let (mut fields, mut links) = (GroupedRows::new(), GroupedRows::new());
        for (name, known) in &self.types {
            types.push(TypeRow { name: number(name)?, kind: known.kind, hint: known.hint });
            for field in &known.fields {
                let info = FieldInfo {
                    type_id: id(field.of.name)?,
                    list: field.of.list,
                    nonnull: field.of.nonnull,
                    needs_arguments: field.needs_arguments,
                    hint: field.hint,
                };
                fields.push(FieldRow { name: number(field.name)?, info });
            }
            fields.close();
            for link in &known.links {
                links.push(id(link)?);
            }
            links.close();
        }
        let [query, mutation, subscription] = self.roots.map(|root| root.and_then(|r| id(r.0)));
        let roots = Roots { query: query?, mutation, subscription };
        Schema::assemble(NameTable::from_sorted(&names)?, types, fields, links, roots)
    }

    fn check_type_count(&self, at: usize) -> Result<(), SourceFault> {
        if self.types.len() > limits::SCHEMA_TYPES {
            let message = format!("the schema has more than {} types", limits::SCHEMA_TYPES);
            return Err(SourceFault::new(at, message));
        }
        Ok(())
    }
}

fn count(so_far: &mut usize, what: &str, at: usize) -> Result<(), SourceFault> {
    *so_far += 1;
    if *so_far > limits::SCHEMA_FIELDS {
        let message = format!("the schema has more than {} {what}", limits::SCHEMA_FIELDS);
        return Err(SourceFault::new(at, message));
    }
    Ok(())
}

fn place(kind: OperationKind) -> usize {
    match kind {
        OperationKind::Query => 0,
        OperationKind::Mutation => 1,
        OperationKind::Subscription => 2,
    }
}
