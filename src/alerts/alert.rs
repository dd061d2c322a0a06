//! The alerts.

/// Something that an operator should know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alert {
    /// The hit rate is low.
    HitRate,
    /// There are many errors.
    Errors,
    /// Workers KV is unavailable.
    Kv,
    /// The purge log is unavailable.
    PurgeLog,
}

impl Alert {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::HitRate, Self::Errors, Self::Kv, Self::PurgeLog];

    /// The word in messages, in metrics and in the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HitRate => "hit-rate",
            Self::Errors => "errors",
            Self::Kv => "kv",
            Self::PurgeLog => "purge-log",
        }
    }
}
