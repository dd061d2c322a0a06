//! Where in a response the stripper is.

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The answer, or more of a byte-order mark of which so many bytes came.
    Start(usize),
    Value,
    /// A value, or the end of a list.
    ValueOrEnd,
    /// More of a string that is a value.
    Text,
    /// More of a number or a word.
    Scalar,
    /// A comma, or the end of what is open.
    AfterValue,
    /// A key, or the end of an object.
    KeyOrEnd,
    Key,
    /// More of a key.
    KeyText,
    Colon,
    /// A comma or the end of an object, after a member that was removed.
    AfterRemoved,
    /// A key, after a comma that was removed.
    KeyAfterRemoved,
    /// Anything: it is passed on.
    Broken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    List,
}

/// In which part of an answer this is, as far as that part is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Outside `data` and `errors`.
    Other,
    Data,
    /// In a member of `data` that is being removed.
    Removed,
    Errors,
    /// In the member `locations` of an error.
    Locations,
}

/// The place of the next member in the innermost object of `data`. Positions are in the output,
/// counted from the first byte that a push can change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gap {
    /// After the opening brace, or after the last member that stays.
    pub(super) start: usize,
    /// Where the last removed member began.
    pub(super) end: usize,
    /// Where the key begins that is being read.
    pub(super) key: usize,
    /// Whether a member of the object stays.
    pub(super) after_member: bool,
}
