//! Points in time and lifetimes.
//!
//! In scope: the two value types and their arithmetic. Not in scope: a clock. `now` is always a
//! parameter, so that every decision can be tested at any time.

use crate::record::{Read, Reader};
use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Read for Timestamp {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

impl Timestamp {
    /// The point `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Milliseconds from `earlier` to `self`; 0 if `earlier` is later (clocks may be set back).
    pub const fn millis_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether less than `millis` milliseconds have passed since `earlier`. `false` if `earlier` is
    /// later: the clock was set back, so the answer is unknown.
    pub const fn is_within(self, millis: u64, earlier: Timestamp) -> bool {
        self.0 >= earlier.0 && self.millis_since(earlier) < millis
    }

    /// Whole seconds from `earlier` to `self`; 0 if `earlier` is later.
    pub const fn seconds_since(self, earlier: Timestamp) -> u64 {
        self.millis_since(earlier) / 1000
    }
}

/// A lifetime in whole seconds. Zero means none.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Ttl(u32);

impl Read for Ttl {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

impl Ttl {
    /// No lifetime.
    pub const ZERO: Ttl = Ttl(0);
    /// The longest lifetime: 2^31 seconds, the cap that RFC 9111 §1.2.2 sets for delta-seconds.
    pub const MAX: Ttl = Ttl(1 << 31);

    /// A lifetime of `seconds`, at most [`Ttl::MAX`].
    pub fn from_seconds(seconds: u64) -> Self {
        Self(u32::try_from(seconds).unwrap_or(u32::MAX).min(Self::MAX.0))
    }

    /// The lifetime in seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0 as u64
    }

    /// Whether the lifetime is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The rest of the lifetime after `seconds`.
    pub fn minus_seconds(self, seconds: u64) -> Ttl {
        Ttl::from_seconds(self.as_seconds().saturating_sub(seconds))
    }
}
