//! What is asked of the statistics.

use crate::record::{Read, Reader, members};
use serde::Serialize;

/// What is asked of the object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct Ask {
    /// The last so many seconds; `None`: everything that is kept.
    pub window: Option<u64>,
    /// Which names are shown over time.
    pub by: Option<By>,
}

members!(Ask { window, by });

/// What requests are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The cache type.
    Type,
    /// The GraphQL operation.
    Operation,
    /// The path.
    Path,
    /// The reason why a request was not looked up, or its response not stored.
    Reason,
}

impl Read for By {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let word = String::read(from)?;
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Type, Self::Operation, Self::Path, Self::Reason];

    /// The word in `?by=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Operation => "operation",
            Self::Path => "path",
            Self::Reason => "reason",
        }
    }

    /// What a word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_word() {
        for by in By::ALL {
            assert_eq!(By::parse(by.as_str()), Some(by));
            assert_eq!(serde_json::to_value(by).unwrap(), by.as_str());
        }
        assert_eq!(By::parse("Type"), None);
    }
}
