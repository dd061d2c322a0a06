//! The table that a schema is, and the look-ups in it. None of them allocates.

use super::cache_hint::CacheHint;
use super::grouped_rows::GroupedRows;
use super::name_table::NameTable;
use super::possible_types::possible_types;
use super::type_id::{TypeId, TypeKind};
use crate::graphql::document::ast::OperationKind;
use crate::limits;

/// A field of an object or an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its type, without lists and `!`.
    pub type_id: TypeId,
    /// Whether it is a list, or a list of lists.
    pub list: bool,
    /// Whether it, as a whole, is never null.
    pub nonnull: bool,
    /// Whether it has an argument that has to be given.
    pub needs_arguments: bool,
    /// What the schema says of caching it.
    pub hint: CacheHint,
}

/// A schema: its types, their fields and which of them are possible where.
///
/// The meta fields `__typename`, `__schema` and `__type` are not in it, nor are the types of
/// introspection: callers handle them before they look here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub(super) names: NameTable,
    /// The types, in the order of their names.
    pub(super) types: Vec<TypeRow>,
    /// The fields of each type, in the order of their names.
    pub(super) fields: GroupedRows<FieldRow>,
    /// What each object and interface says it implements, the members of each union, in order.
    pub(super) links: GroupedRows<TypeId>,
    pub(super) roots: Roots,
    possible: GroupedRows<TypeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypeRow {
    pub name: u32,
    pub kind: TypeKind,
    pub hint: CacheHint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FieldRow {
    pub name: u32,
    pub info: FieldInfo,
}

/// The root operation types (GraphQL §3.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Roots {
    pub query: TypeId,
    pub mutation: Option<TypeId>,
    pub subscription: Option<TypeId>,
}

impl Schema {
    /// Puts the table together; none where its parts do not fit or are over a limit.
    pub(super) fn assemble(
        names: NameTable,
        types: Vec<TypeRow>,
        mut fields: GroupedRows<FieldRow>,
        mut links: GroupedRows<TypeId>,
        roots: Roots,
    ) -> Option<Self> {
        let over = types.len() > limits::SCHEMA_TYPES
            || fields.rows() > limits::SCHEMA_FIELDS
            || links.rows() > limits::SCHEMA_FIELDS;
        if over || !fits(&names, &types, &fields, &links, roots) {
            return None;
        }
        let kinds: Vec<TypeKind> = types.iter().map(|row| row.kind).collect();
        let mut possible = possible_types(&kinds, &links)?;
        fields.shrink();
        links.shrink();
        possible.shrink();
        Some(Self { names, types, fields, links, roots, possible })
    }

    /// The type whose fields operations of that kind select (GraphQL §3.3.1).
    pub fn root(&self, kind: OperationKind) -> Option<TypeId> {
        match kind {
            OperationKind::Query => Some(self.roots.query),
            OperationKind::Mutation => self.roots.mutation,
            OperationKind::Subscription => self.roots.subscription,
        }
    }

    /// The type of that name.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        let found = self.types.binary_search_by(|row| self.names.get(row.name).cmp(name));
        found.ok().and_then(TypeId::at)
    }

    /// A type's name.
    pub fn name(&self, id: TypeId) -> &str {
        self.row(id).map_or("", |row| self.names.get(row.name))
    }

    /// What a type is.
    pub fn kind(&self, id: TypeId) -> TypeKind {
        self.row(id).map_or(TypeKind::Leaf, |row| row.kind)
    }

    /// What the schema says of caching what has that type.
    pub fn hint(&self, id: TypeId) -> CacheHint {
        self.row(id).map_or(CacheHint::NONE, |row| row.hint)
    }

    /// The field of an object or interface.
    pub fn field(&self, id: TypeId, name: &str) -> Option<FieldInfo> {
        let fields = self.fields.get(id.index());
        let found = fields.binary_search_by(|row| self.names.get(row.name).cmp(name)).ok()?;
        fields.get(found).map(|row| row.info)
    }

    /// The fields of an object or interface, in the order of their names.
    pub fn fields(&self, id: TypeId) -> impl Iterator<Item = (&str, FieldInfo)> {
        self.fields.get(id.index()).iter().map(|row| (self.names.get(row.name), row.info))
    }

    /// The objects that may stand where a type is asked for (GraphQL §5.5.2.3), in the order of
    /// their names: an object itself, what implements an interface, the members of a union.
    pub fn possible_types(&self, id: TypeId) -> impl Iterator<Item = TypeId> {
        let itself = (self.kind(id) == TypeKind::Object).then_some(id);
        itself.into_iter().chain(self.possible.get(id.index()).iter().copied())
    }

    /// Whether the object of that name may stand where a type is asked for.
    pub fn is_possible_type(&self, asked: TypeId, name: &str) -> bool {
        let Some(object) = self.type_named(name) else { return false };
        match self.kind(asked) {
            TypeKind::Object => asked == object,
            _ => self.possible.get(asked.index()).binary_search(&object).is_ok(),
        }
    }

    /// All types, in the order of their names.
    pub fn types(&self) -> impl Iterator<Item = TypeId> {
        (0..self.types.len()).filter_map(TypeId::at)
    }

    /// The names of all types, of every kind, in order.
    pub fn type_names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|row| self.names.get(row.name))
    }

    /// What an object or an interface says it implements; the members of a union.
    pub(super) fn links(&self, id: TypeId) -> &[TypeId] {
        self.links.get(id.index())
    }

    fn row(&self, id: TypeId) -> Option<&TypeRow> {
        self.types.get(id.index())
    }
}

/// Whether the parts of a table are in order and name only what is there. Look-ups rely on it.
fn fits(
    names: &NameTable,
    types: &[TypeRow],
    fields: &GroupedRows<FieldRow>,
    links: &GroupedRows<TypeId>,
    roots: Roots,
) -> bool {
    let kind = |id: TypeId| types.get(id.index()).map(|row| row.kind);
    let named = |name: u32| usize::try_from(name).is_ok_and(|name| name < names.count());
    let of_type = |(at, row): (usize, &TypeRow)| {
        let (fields, links) = (fields.get(at), links.get(at));
        let linked = match row.kind {
            TypeKind::Object | TypeKind::Interface => Some(TypeKind::Interface),
            TypeKind::Union => Some(TypeKind::Object),
            TypeKind::Leaf | TypeKind::Input => None,
        };
        named(row.name)
            && (fields.is_empty() || matches!(row.kind, TypeKind::Object | TypeKind::Interface))
            && fields.is_sorted_by(|one, next| one.name < next.name)
            && fields.iter().all(|field| named(field.name) && kind(field.info.type_id).is_some())
            && links.is_sorted_by(|one, next| one < next)
            && links.iter().all(|link| linked.is_some() && kind(*link) == linked)
    };
    types.is_sorted_by(|one, next| one.name < next.name)
        && types.iter().enumerate().all(of_type)
        && [Some(roots.query), roots.mutation, roots.subscription]
            .into_iter()
            .flatten()
            .all(|root| kind(root) == Some(TypeKind::Object))
}

#[cfg(test)]
mod tests;
