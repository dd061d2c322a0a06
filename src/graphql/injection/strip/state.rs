//! The states of the stripper.

/// What is expected next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The response, or the rest of a byte-order mark of which this many bytes have passed.
    Start(usize),
    Value,
    /// A value, or the end of a list.
    ValueOrEnd,
    /// The rest of a string value.
    Text,
    /// The rest of a number or word.
    Scalar,
    /// A comma, or the end of the innermost container.
    AfterValue,
    /// A key, or the end of an object.
    KeyOrEnd,
    Key,
    /// The rest of a key.
    KeyText,
    Colon,
    /// A comma or the end of an object, after a member that was removed.
    AfterRemoved,
    /// A key, after a comma that was removed.
    KeyAfterRemoved,
    /// Anything: it is passed on unchanged.
    Broken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    List,
}

/// The part of a response, as far as the stripper distinguishes parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Outside `data` and `errors`.
    Other,
    Data,
    /// In a member of `data` that is being removed.
    Removed,
    Errors,
    /// In the `locations` of an error.
    Locations,
}

impl Mode {
    /// The part in which the value of a key is that was read outside `data`, within this many
    /// containers of a response.
    pub(super) fn in_member(self, name: &[u8], within: usize) -> Self {
        match (self, within) {
            (_, 0) => match name {
                b"data" => Self::Data,
                b"errors" => Self::Errors,
                _ => Self::Other,
            },
            (Self::Errors | Self::Locations, 2) if name == b"locations" => Self::Locations,
            (Self::Errors | Self::Locations, 2) => Self::Errors,
            (mode, _) => mode,
        }
    }
}

/// The gap before the next member of the innermost object in `data`: white space and a comma.
/// Positions are in the output, and count from the first byte that the current push can change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gap {
    /// The end of the opening brace, or of the last member that stays.
    pub(super) start: usize,
    /// The beginning of the last removed member.
    pub(super) end: usize,
    /// The beginning of the key that is being read.
    pub(super) key: usize,
    /// `true` if a member of the object stays.
    pub(super) after_member: bool,
}

impl Gap {
    pub(super) fn move_by(&mut self, distance: usize) {
        for position in [&mut self.start, &mut self.end, &mut self.key] {
            *position = position.saturating_sub(distance);
        }
    }
}
