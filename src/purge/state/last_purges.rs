//! The last purges of one thing: a tag, a pattern, or everything.

use crate::purge::mark::Seq;
use crate::purge::subject::Verdict;

/// The sequence numbers of the last hard and the last soft purge of one thing. 0: never purged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct LastPurges {
    #[cfg_attr(test, serde(rename = "h"))]
    pub hard: Seq,
    #[cfg_attr(test, serde(rename = "s"))]
    pub soft: Seq,
}

impl LastPurges {
    /// A single purge.
    pub fn one(seq: Seq, soft: bool) -> Self {
        if soft { Self { hard: 0, soft: seq } } else { Self { hard: seq, soft: 0 } }
    }

    /// Takes the later purge of each kind.
    pub fn join(&mut self, other: Self) {
        self.hard = self.hard.max(other.hard);
        self.soft = self.soft.max(other.soft);
    }

    /// The last purge of either kind.
    pub fn newest(self) -> Seq {
        self.hard.max(self.soft)
    }

    /// The verdict on an entry that was fetched at `since`.
    pub fn verdict(self, since: Seq) -> Verdict {
        match self {
            LastPurges { hard, .. } if hard > since => Verdict::Purged,
            LastPurges { soft, .. } if soft > since => Verdict::Stale,
            _ => Verdict::Valid,
        }
    }
}
