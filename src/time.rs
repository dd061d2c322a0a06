//! Points in time and lifetimes.
//!
//! In scope: the two value types and their arithmetic. Not in scope: a clock; `now` is always a
//! parameter, so that every decision can be tested at any time of day.

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Milliseconds from `earlier` to `self`; 0 where `earlier` lies ahead (clocks go backwards).
    pub const fn millis_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether less than `millis` milliseconds have passed since `earlier`. If it lies ahead, the
    /// clock was set back and nobody knows: no.
    pub const fn is_within(self, millis: u64, earlier: Timestamp) -> bool {
        self.0 >= earlier.0 && self.millis_since(earlier) < millis
    }

    /// Whole seconds from `earlier` to `self`; 0 where `earlier` lies ahead.
    pub const fn seconds_since(self, earlier: Timestamp) -> u64 {
        self.millis_since(earlier) / 1000
    }
}

/// A lifetime in whole seconds. Zero means: not at all.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Ttl(u32);

impl Ttl {
    /// No lifetime.
    pub const ZERO: Ttl = Ttl(0);
    /// The longest lifetime there is: 2^31 seconds, as RFC 9111 §1.2.2 caps delta-seconds.
    pub const MAX: Ttl = Ttl(1 << 31);

    /// A lifetime of `seconds`, at most [`Ttl::MAX`].
    pub fn from_seconds(seconds: u64) -> Self {
        Self(u32::try_from(seconds).unwrap_or(u32::MAX).min(Self::MAX.0))
    }

    /// The lifetime in seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0 as u64
    }

    /// Whether this is no lifetime at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// What is left of the lifetime once `seconds` of it have passed.
    pub fn minus_seconds(self, seconds: u64) -> Ttl {
        Ttl::from_seconds(self.as_seconds().saturating_sub(seconds))
    }
}
