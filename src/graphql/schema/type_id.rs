//! Identifies a type within a schema, and says of which kind it is.

/// A type of one schema, by number. Used with another schema, it identifies the type with that
/// number, or a leaf without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(u32);

impl TypeId {
    pub(super) fn at(index: usize) -> Option<Self> {
        u32::try_from(index).ok().map(Self)
    }

    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The kind of a type (GraphQL §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeKind {
    /// An object type.
    Object,
    /// An interface, which objects implement.
    Interface,
    /// A union of object types.
    Union,
    /// A scalar or an enum, or a type that is used but not defined.
    Leaf,
    /// An input object. Its fields are not in the table.
    Input,
}

impl TypeKind {
    /// `true` if a field of this kind has selections.
    pub fn is_composite(self) -> bool {
        matches!(self, Self::Object | Self::Interface | Self::Union)
    }
}
