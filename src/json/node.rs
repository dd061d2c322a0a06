//! What an index consists of: a node for each value and each name.

/// Why there is no index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexFault {
    /// The text is not JSON, or is nested too deep.
    NotJson,
    /// There is no memory for it.
    NoRoom,
}

/// A value or a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// Where the text of a scalar begins: a string's is inside its quotes.
    pub(super) start: u32,
    /// Where the text of a scalar ends. For a container, the index of the first node after what it contains.
    pub(super) end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    Null,
    False,
    True,
    Number,
    String,
    /// The name of a member.
    Name,
    Array,
    Object,
}
