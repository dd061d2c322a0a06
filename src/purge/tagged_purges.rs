//! The last purges by tags, and by which rules those tags were made.
//!
//! An entry's tags are made by the rules of the isolate that has stored it, and those of a purge by
//! the rules of the isolate that has appended it. Where these are not the same, nobody knows whether
//! the purge would have named the entry. So a purge by tags counts for every entry of other rules.

use super::Seq;
use super::replica::LastPurges;
use crate::tag::Tagging;

/// The last purges by tags, whichever they name.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct TaggedPurges {
    pub hard: LatestTagged,
    pub soft: LatestTagged,
}

/// The last of them, and the last that other rules have made. That is all that has to be known of
/// any number of rules: for all but those of the last one, the last one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct LatestTagged {
    /// The number of the last one; 0 for none.
    pub seq: Seq,
    /// By which rules its tags were made.
    pub tagging: Tagging,
    /// The number of the last one by any other rules.
    pub by_others: Seq,
}

impl TaggedPurges {
    /// What is to be assumed where nobody says anything of purges up to that number.
    pub fn unknown_up_to(head: Seq) -> Self {
        let latest = LatestTagged { seq: head, tagging: Tagging::UNKNOWN, by_others: head };
        Self { hard: latest, soft: latest }
    }

    /// Notes a purge. One that is noted again changes nothing.
    pub fn note(&mut self, seq: Seq, tagging: Tagging, soft: bool) {
        if soft { self.soft.note(seq, tagging) } else { self.hard.note(seq, tagging) }
    }

    /// The last purges that count for an entry whatever its tags are.
    pub fn by_others_than(&self, tagging: Tagging) -> LastPurges {
        LastPurges {
            hard: self.hard.by_others_than(tagging),
            soft: self.soft.by_others_than(tagging),
        }
    }

    /// The last purges by rules that are known.
    pub fn by_known(&self) -> LastPurges {
        LastPurges { hard: self.hard.by_known(), soft: self.soft.by_known() }
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

    fn by_others_than(&self, tagging: Tagging) -> Seq {
        if tagging.is_same(self.tagging) { self.by_others } else { self.seq }
    }

    fn by_known(&self) -> Seq {
        if self.tagging.is_known() { self.seq } else { self.by_others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Two numbers say what the list of all purges says, of however many rules, and also where
        /// some are noted again.
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
            prop_assert_eq!(tagged.by_others_than(tagging), others);
            let is_known = |by: Tagging| by.is_known();
            let known = LastPurges { hard: last(false, &is_known), soft: last(true, &is_known) };
            prop_assert_eq!(tagged.by_known(), known);
        }
    }
}
