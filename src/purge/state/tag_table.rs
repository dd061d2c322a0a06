//! The table of purged tags: the last purges of each, in pages.
//!
//! The log stores its table page by page, so that each write is small however large the table is.
//! Tags are hashes, and their upper bits distribute them evenly over the pages.
//!
//! In scope: which page a tag is on, and what is forgotten if there are too many tags. Not in scope:
//! how a page is stored (`log_pages`).

use super::last_purges::LastPurges;
use crate::limits;
use crate::purge::mark::Seq;
use std::collections::HashMap;

/// How many pages a table has.
pub const PAGES: usize = 128;
/// How many bits of a tag's first byte do not choose its page.
const SHIFT: u32 = 1;

/// How many tags a table may have.
#[derive(Debug, Clone, Copy)]
pub struct TableLimits {
    /// In all.
    pub tags: usize,
    /// On one page. A page is one row, and a row has at most 2 MB.
    pub on_a_page: usize,
}

impl Default for TableLimits {
    fn default() -> Self {
        Self { tags: limits::LOG_TAGS, on_a_page: limits::LOG_PAGE_TAGS }
    }
}

/// The last purges of each tag.
#[derive(Debug, Clone)]
pub struct TagTable {
    pages: Vec<HashMap<u64, LastPurges>>,
    len: usize,
    /// The most tags that a page has had since tags were last forgotten.
    longest: usize,
    limits: TableLimits,
}

impl Default for TagTable {
    fn default() -> Self {
        Self::with_limits(TableLimits::default())
    }
}

impl TagTable {
    pub fn with_limits(limits: TableLimits) -> Self {
        Self { pages: vec![HashMap::new(); PAGES], len: 0, longest: 0, limits }
    }

    pub fn get(&self, tag: u64) -> Option<LastPurges> {
        self.pages.get(page_of(tag))?.get(&tag).copied()
    }

    /// Adds purges of a tag to those that are known.
    pub fn note(&mut self, tag: u64, last: LastPurges) {
        let Some(page) = self.pages.get_mut(page_of(tag)) else { return };
        let before = page.len();
        page.entry(tag).or_default().join(last);
        self.len += page.len() - before;
        self.longest = self.longest.max(page.len());
    }

    /// Whether tags have to be forgotten.
    pub fn is_too_large(&self) -> bool {
        self.len > self.limits.tags || self.longest > self.limits.on_a_page
    }

    /// Forgets the half of the tags whose last purges are the oldest. Returns the new floor: the
    /// highest sequence number among them, or `floor` if that is higher.
    pub fn forget_older_half(&mut self, floor: Seq) -> Seq {
        let mut seqs: Vec<Seq> =
            self.pages.iter().flat_map(HashMap::values).map(|last| last.newest()).collect();
        let middle = seqs.len() / 2;
        let floor = match seqs.is_empty() {
            true => floor,
            false => floor.max(*seqs.select_nth_unstable(middle).1),
        };
        for number in 0..PAGES {
            self.prune(number, floor);
        }
        self.longest = self.pages.iter().map(HashMap::len).max().unwrap_or(0);
        floor
    }

    /// Drops the tags of a page whose last purges are at or below `floor`.
    pub fn prune(&mut self, number: usize, floor: Seq) {
        let Some(page) = self.pages.get_mut(number) else { return };
        let before = page.len();
        page.retain(|_, last| last.newest() > floor);
        self.len -= before - page.len();
        if page.len() < page.capacity() / 4 {
            page.shrink_to_fit();
        }
    }

    /// The tags of a page, sorted.
    pub fn page(&self, number: usize) -> Vec<(u64, LastPurges)> {
        let page = self.pages.get(number).into_iter().flatten();
        let mut tags: Vec<_> = page.map(|(tag, last)| (*tag, *last)).collect();
        tags.sort_unstable_by_key(|(tag, _)| *tag);
        tags
    }

    /// The tags that were purged after `floor`, sorted.
    pub fn newer_than(&self, floor: Seq) -> Vec<(u64, LastPurges)> {
        // Pages are in the order of the tags on them.
        let tags = (0..PAGES).flat_map(|number| self.page(number));
        let mut newer = Vec::with_capacity(self.len);
        newer.extend(tags.filter(|(_, last)| last.newest() > floor));
        newer
    }

    #[cfg(any(test, feature = "sim"))]
    pub fn len(&self) -> usize {
        self.len
    }
}

fn page_of(tag: u64) -> usize {
    usize::from(tag.to_be_bytes()[0] >> SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hard(seq: Seq) -> LastPurges {
        LastPurges { hard: seq, soft: 0 }
    }

    fn spread(tag: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&tag.to_le_bytes())
    }

    #[test]
    fn every_tag_is_on_a_page_and_pages_are_in_order() {
        assert_eq!([page_of(0), page_of(u64::MAX)], [0, PAGES - 1]);
        let mut table = TagTable::default();
        (0..1_000).for_each(|tag| table.note(spread(tag), hard(1)));
        let all = table.newer_than(0);
        assert_eq!((all.len(), table.len()), (1_000, 1_000));
        assert!(all.is_sorted_by(|(one, _), (next, _)| one < next));
    }

    #[test]
    fn a_page_that_is_full_makes_the_table_too_large() {
        let mut table = TagTable::with_limits(TableLimits { tags: 100, on_a_page: 10 });
        (0..10).for_each(|tag| table.note(tag, hard(tag)));
        assert!(!table.is_too_large());
        table.note(10, hard(10));
        assert!(table.is_too_large());
        assert_eq!(table.forget_older_half(0), 5);
        assert!(!table.is_too_large());
        assert_eq!(table.page(0).len(), 5);
    }

    proptest! {
        #[test]
        fn the_older_half_is_what_is_forgotten(
            seqs in prop::collection::vec(1_u64..50, 1..60),
            floor in 0_u64..60,
        ) {
            let mut table = TagTable::default();
            seqs.iter().zip(0..).for_each(|(seq, tag)| table.note(spread(tag), hard(*seq)));
            let risen = table.forget_older_half(floor);
            prop_assert!(risen >= floor);
            prop_assert!(table.len() <= seqs.len() / 2);
            // What is newer than what was forgotten is all still there.
            let kept = seqs.iter().zip(0..).filter(|(seq, _)| **seq > risen);
            prop_assert_eq!(table.len(), kept.clone().count());
            for (seq, tag) in kept {
                prop_assert_eq!(table.get(spread(tag)), Some(hard(*seq)));
            }
            // And no more than half is forgotten, but for those of the same number.
            prop_assert!(risen == floor || seqs.iter().filter(|seq| **seq < risen).count() <= seqs.len() / 2);
        }
    }
}
