//! The versions of the messages.

/// A version of the messages between isolates and the log.
///
/// Isolates write in version 5. The earlier ones are for logs and isolates of earlier builds, which
/// run at the same time during a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Records are never repeated.
    V2,
    /// A new record says when it is repeated.
    V3,
    /// Records carry a tagging fingerprint, and there are intents and encoded snapshots.
    V4,
    /// Records may pause the cache, and snapshots say until when it is paused.
    V5,
}

impl Version {
    /// The version in which this build asks.
    pub const CURRENT: Self = Self::V5;
    /// The version in which a log is asked that refuses the current one.
    pub const PREVIOUS: Self = Self::V4;

    /// The byte that stands for it in messages.
    pub fn byte(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
            Self::V4 => 4,
            Self::V5 => 5,
        }
    }

    pub(in crate::purge) fn of_byte(byte: u8) -> Option<Self> {
        [Self::V2, Self::V3, Self::V4, Self::V5].into_iter().find(|version| version.byte() == byte)
    }
}
