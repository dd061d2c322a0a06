//! A type of a schema, by its number, and what kind of type it is.

/// A type of one schema. With another schema it stands for whatever has that place there, or for
/// a leaf without a name.
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

/// What a type is (GraphQL §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeKind {
    /// Has fields.
    Object,
    /// Has fields, and objects that implement it.
    Interface,
    /// Has members, which are objects.
    Union,
    /// A scalar or an enum, or a type that the schema names and does not define.
    Leaf,
    /// An input object. Its fields are not kept.
    Input,
}

impl TypeKind {
    /// Whether a field of such a type has selections.
    pub fn is_composite(self) -> bool {
        matches!(self, Self::Object | Self::Interface | Self::Union)
    }
}
