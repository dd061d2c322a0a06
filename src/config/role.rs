//! What an administrator may do.

/// A role: what the requests of an administrator may do. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// Sees statistics, explanations, and what is stored, without bodies.
    #[default]
    Read,
    /// Purges and warms, and pauses the cache.
    Purge,
    /// Uploads schemas and documents, and sees the bodies of stored responses.
    Admin,
}

impl Role {
    /// All roles, from the lowest.
    pub const ALL: [Self; 3] = [Self::Read, Self::Purge, Self::Admin];

    /// The word in `ADMIN_TOKENS`, in the configuration, in errors and in the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Purge => "purge",
            Self::Admin => "admin",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}
