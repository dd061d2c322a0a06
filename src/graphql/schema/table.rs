//! The table of a schema. Look-ups do not allocate.

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
    /// `true` if it is a list, or a list of lists.
    pub list: bool,
    /// `true` if the field itself is non-null. For `[A]!` that is the list.
    pub nonnull: bool,
    /// `true` if it has a required argument.
    pub needs_arguments: bool,
    /// Its cache hint.
    pub hint: CacheHint,
}

/// A schema: its types, their fields and their possible types.
///
/// It contains neither `__typename`, `__schema` and `__type` nor the types of introspection.
/// Callers handle these before they look here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub(super) names: NameTable,
    /// The types, sorted by name.
    pub(super) types: Vec<TypeRow>,
    /// The fields of each type, sorted by name.
    pub(super) fields: GroupedRows<FieldRow>,
    /// The interfaces that each object and interface implements, and the members of each union, in
    /// order.
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
    /// Builds the table. `None` if its parts are inconsistent or exceed a limit.
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

    /// The root type of an operation kind (GraphQL §3.3.1).
    pub fn root(&self, kind: OperationKind) -> Option<TypeId> {
        match kind {
            OperationKind::Query => Some(self.roots.query),
            OperationKind::Mutation => self.roots.mutation,
            OperationKind::Subscription => self.roots.subscription,
        }
    }

    /// The type with this name.
    pub fn type_named(&self, name: &str) -> Option<TypeId> {
        let found = self.types.binary_search_by(|row| self.names.get(row.name).cmp(name));
        found.ok().and_then(TypeId::at)
    }

    /// The name of a type.
    pub fn name(&self, id: TypeId) -> &str {
        self.row(id).map_or("", |row| self.names.get(row.name))
    }

    /// The kind of a type.
    pub fn kind(&self, id: TypeId) -> TypeKind {
        self.row(id).map_or(TypeKind::Leaf, |row| row.kind)
    }

    /// The cache hint of a type.
    pub fn hint(&self, id: TypeId) -> CacheHint {
        self.row(id).map_or(CacheHint::NONE, |row| row.hint)
    }

    /// A field of an object or interface.
    pub fn field(&self, id: TypeId, name: &str) -> Option<FieldInfo> {
        let fields = self.fields.get(id.index());
        let found = fields.binary_search_by(|row| self.names.get(row.name).cmp(name)).ok()?;
        fields.get(found).map(|row| row.info)
    }

    /// The fields of an object or interface, sorted by name.
    pub fn fields(&self, id: TypeId) -> impl Iterator<Item = (&str, FieldInfo)> {
        self.fields.get(id.index()).iter().map(|row| (self.names.get(row.name), row.info))
    }

    /// The possible types of a type (GraphQL §5.5.2.3), sorted by name: an object itself, the
    /// implementations of an interface, the members of a union.
    pub fn possible_types(&self, id: TypeId) -> impl Iterator<Item = TypeId> {
        let itself = (self.kind(id) == TypeKind::Object).then_some(id);
        itself.into_iter().chain(self.possible.get(id.index()).iter().copied())
    }

    /// `true` if the object with this name is a possible type of a type.
    pub fn is_possible_type(&self, asked: TypeId, name: &str) -> bool {
        let Some(object) = self.type_named(name) else { return false };
        match self.kind(asked) {
            TypeKind::Object => asked == object,
            _ => self.possible.get(asked.index()).binary_search(&object).is_ok(),
        }
    }

    /// All types, sorted by name.
    pub fn types(&self) -> impl Iterator<Item = TypeId> {
        (0..self.types.len()).filter_map(TypeId::at)
    }

    /// The names of all types of every kind, sorted.
    pub fn type_names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(|row| self.names.get(row.name))
    }

    /// The interfaces that an object or interface implements, or the members of a union.
    pub(super) fn links(&self, id: TypeId) -> &[TypeId] {
        self.links.get(id.index())
    }

    fn row(&self, id: TypeId) -> Option<&TypeRow> {
        self.types.get(id.index())
    }
}

/// Checks that the parts of a table are sorted and refer only to each other. Look-ups rely on it.
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
