//! Everything that is counted, for one span of time.

use super::counts::{Counter, Counts};
use super::kv_content::KvContent;
use super::names::{NameList, NameTable};
use super::popular::PopularRequests;
use super::purges::{PurgeCounts, RecentPurges};
use super::rules::RequestsByRules;
use crate::record::members;
use crate::shadow::ShadowCounts;
use serde::Serialize;

/// Everything that is counted, for one span of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Tally {
    /// All requests.
    #[serde(rename = "all")]
    pub total: Counts,
    /// By cache type.
    #[serde(skip_serializing_if = "NameTable::is_empty")]
    pub types: NameTable,
    /// The cache types that matched a request which only another of them counts, or none.
    #[serde(skip_serializing_if = "NameList::is_empty")]
    pub matched: NameList,
    /// The requests of which each matching cache type is in `types` or `matched`. Earlier builds have none here:
    /// they noted no types of requests that were not looked up.
    #[serde(skip_serializing_if = "RequestsByRules::is_empty")]
    pub typed: RequestsByRules,
    /// By GraphQL operation.
    #[serde(skip_serializing_if = "NameTable::is_empty")]
    pub operations: NameTable,
    /// By path, of the requests without a known operation.
    #[serde(skip_serializing_if = "NameTable::is_empty")]
    pub paths: NameTable,
    /// By the reason why a request was not looked up, or its response not stored.
    #[serde(skip_serializing_if = "NameTable::is_empty")]
    pub reasons: NameTable,
    /// Purges.
    #[serde(skip_serializing_if = "is_default")]
    pub purges: PurgeCounts,
    /// The last purges.
    #[serde(skip_serializing_if = "RecentPurges::is_empty")]
    pub recent_purges: RecentPurges,
    /// What was written to KV.
    #[serde(skip_serializing_if = "KvContent::is_empty")]
    pub kv: KvContent,
    /// The comparisons of shadow mode.
    #[serde(skip_serializing_if = "ShadowCounts::is_empty")]
    pub shadow: ShadowCounts,
    /// The most frequent public reads.
    #[serde(skip_serializing_if = "PopularRequests::is_empty")]
    pub popular: PopularRequests,
}

members!(Tally {
    total as "all", types, matched, typed, operations, paths, reasons, purges, recent_purges, kv, shadow, popular,
});

impl Tally {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.total == Counts::default()
            && self.purges == PurgeCounts::default()
            && self.recent_purges.is_empty()
            && self.kv.is_empty()
            && self.shadow.is_empty()
            && self.popular.is_empty()
    }

    /// Adds another tally. Names beyond `most` in a table go to its row for all others.
    pub fn add(&mut self, other: &Self, most: usize) {
        self.total.add(&other.total);
        self.types.add(&other.types);
        self.matched.add(&other.matched);
        self.typed.add(&other.typed);
        self.operations.add(&other.operations);
        self.paths.add(&other.paths);
        self.reasons.add(&other.reasons);
        self.purges.add(&other.purges);
        self.recent_purges.add(&other.recent_purges);
        self.kv.add(&other.kv);
        self.shadow.add(&other.shadow);
        self.popular.add(&other.popular);
        self.keep_most_frequent(most);
    }

    /// Keeps at most `most` names in each table.
    pub fn keep_most_frequent(&mut self, most: usize) {
        let Self { types, operations, paths, reasons, .. } = self;
        for table in [types, operations, paths, reasons] {
            table.keep_most_frequent(most);
        }
    }

    /// How many requests were not looked up, by reason.
    pub fn bypass_reasons(&self) -> impl Iterator<Item = (&str, u64)> {
        let counted = self.reasons.named().map(|(name, counts)| (name, counts.of(Counter::Bypass)));
        counted.filter(|(_, count)| *count > 0)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::Tagging;

    #[test]
    fn json_keeps_everything_and_unknown_members_are_ignored() {
        let mut tally = Tally::default();
        assert!(tally.is_empty());
        tally.total.add_to(Counter::Hits, 3);
        tally.types.count("product", 10, |counts| counts.add_to(Counter::Hits, 3));
        tally.typed.count(Tagging::from_number(u64::MAX), 3);
        tally.purges.request_everything("admin");
        let text = serde_json::to_string(&tally).unwrap();
        assert_eq!(crate::record::read::<Tally>(&text).unwrap(), tally);
        let later = text.replacen('{', r#"{"later":[1],"#, 1);
        assert_eq!(crate::record::read::<Tally>(&later).unwrap(), tally);
        let mut twice = tally.clone();
        twice.add(&tally, 10);
        assert_eq!(twice.types.sum().requests(), 6);
        assert_eq!(twice.typed.of(Tagging::from_number(u64::MAX)), 6);
    }
}
