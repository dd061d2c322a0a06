//! The id of a deployed version of the Worker.

use crate::limits;

/// The id of a deployed version of the Worker, as Cloudflare's version metadata has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionId(String);

impl VersionId {
    /// The id in this text. `None` if it is empty, too long, or more than visible ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let fits = (1..=limits::VERSION_ID_BYTES).contains(&text.len());
        (is_visible && fits).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_visible() {
        let uuid = "87b1c3a0-9c0e-4d4f-8d0c-0f4f1f2a3b4c";
        assert_eq!(VersionId::parse(uuid).as_ref().map(VersionId::as_str), Some(uuid));
        for other in ["", "a b", "é", "\n", &"a".repeat(limits::VERSION_ID_BYTES + 1)] {
            assert_eq!(VersionId::parse(other), None, "{other:?}");
        }
    }
}
