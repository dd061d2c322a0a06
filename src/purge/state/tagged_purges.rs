//! The last purges by tags, and the rules by which those tags were made.
//!
//! An entry's tags are made by the rules of the isolate that stored it, and a purge's tags by the
//! rules of the isolate that appended it. If the rules differ, for example during a deploy, the purge
//! might have named the entry by the entry's rules. So a purge by tags purges every entry whose tags
//! were made by other rules.

use super::last_purges::LastPurges;
use crate::purge::mark::Seq;
use crate::tag::Tagging;

/// The last purges by tags, whichever tags they name.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct TaggedPurges {
    pub hard: LatestTagged,
    pub soft: LatestTagged,
}

/// The last purge by tags, and the last one by other rules than that.
///
/// Two numbers are enough for any number of rules: for entries of other rules than those of the last
/// purge, the last purge counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct LatestTagged {
    /// The sequence number of the last purge by tags. 0: none.
    pub seq: Seq,
    /// The rules by which its tags were made.
    pub tagging: Tagging,
    /// The sequence number of the last purge by any other rules.
    pub by_others: Seq,
}

impl TaggedPurges {
    /// What to assume if nothing is known about the purges up to `head`.
    pub fn unknown_up_to(head: Seq) -> Self {
        let latest = LatestTagged { seq: head, tagging: Tagging::UNKNOWN, by_others: head };
        Self { hard: latest, soft: latest }
    }

    /// Adds a purge. Adding it again changes nothing.
    pub fn note(&mut self, seq: Seq, tagging: Tagging, soft: bool) {
        if soft { self.soft.note(seq, tagging) } else { self.hard.note(seq, tagging) }
    }

    /// The last purges by other rules than `tagging`, which purge an entry whatever its tags are.
    pub fn by_other_rules(&self, tagging: Tagging) -> LastPurges {
        LastPurges {
            hard: self.hard.by_other_rules(tagging),
            soft: self.soft.by_other_rules(tagging),
        }
    }

    /// The last purges by known rules.
    pub fn by_known_rules(&self) -> LastPurges {
        LastPurges { hard: self.hard.by_known_rules(), soft: self.soft.by_known_rules() }
    }
}

impl LatestTagged {
    fn note(&mut self, seq: Seq, tagging: Tagging) {
        if seq > self.seq {
            if tagging != self.tagging {
                self.by_others = self.seq;
            }
            (self.seq, self.tagging) = (seq, tagging);
        } else if tagging != self.tagging {
            self.by_others = self.by_others.max(seq);
        }
    }

    fn by_other_rules(&self, tagging: Tagging) -> Seq {
        if tagging.is_same(self.tagging) { self.by_others } else { self.seq }
    }

    fn by_known_rules(&self) -> Seq {
        if self.tagging.is_known() { self.seq } else { self.by_others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Two numbers are as good as the list of all purges, for any number of rules, and also if some
        /// purges are added again.
        #[test]
        fn the_last_purge_by_other_rules_is_known_exactly(
            by in prop::collection::vec((0_u64..5, any::<bool>()), 0..30),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
            tagging in 0_u64..6,
        ) {
            let purges: Vec<(Seq, Tagging, bool)> = (1..)
                .zip(&by)
                .map(|(seq, (number, soft))| (seq, Tagging::from_number(*number), *soft))
                .collect();
            let mut tagged = TaggedPurges::default();
            let noted_again = again.iter().filter(|_| !purges.is_empty()).map(|at| *at.get(&purges));
            for (seq, tagging, soft) in purges.iter().copied().chain(noted_again) {
                tagged.note(seq, tagging, soft);
            }
            let tagging = Tagging::from_number(tagging);
            let last = |wanted: bool, counts: &dyn Fn(Tagging) -> bool| {
                let found = purges.iter().rfind(|(_, by, soft)| *soft == wanted && counts(*by));
                found.map_or(0, |(seq, ..)| *seq)
            };
            let is_other = |by: Tagging| !by.is_same(tagging);
            let others = LastPurges { hard: last(false, &is_other), soft: last(true, &is_other) };
            prop_assert_eq!(tagged.by_other_rules(tagging), others);
            let is_known = |by: Tagging| by.is_known();
            let known = LastPurges { hard: last(false, &is_known), soft: last(true, &is_known) };
            prop_assert_eq!(tagged.by_known_rules(), known);
        }
    }
}
