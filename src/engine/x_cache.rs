//! `X-Cache`: how a response came to be, in one word.

/// `X-Cache`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XCache {
    /// Answered from the cache.
    Hit,
    /// Answered from the cache, though stale.
    Stale,
    /// Answered from the cache, after the origin said that it has not changed.
    Revalidated,
    /// Answered by the origin, after a look-up.
    Miss,
    /// Answered by the origin.
    Bypass,
}

impl XCache {
    /// The header's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Stale => "STALE",
            Self::Revalidated => "REVALIDATED",
            Self::Miss => "MISS",
            Self::Bypass => "BYPASS",
        }
    }
}
