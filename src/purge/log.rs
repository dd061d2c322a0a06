//! The purge log: it numbers records, remembers what replicas need, and tells them what is new.
//!
//! Each record is first stored in a row of its own. What it adds to the state is stored later, page by
//! page, and only then its row is dropped. So the rows are always complete: each page includes the
//! records up to some sequence number, and the later records are there one by one. A log that starts
//! reads the pages and applies those records. Applying a record twice changes nothing.
//!
//! In scope: what is stored and when, what is forgotten, and starting from what was stored. Not in
//! scope: the rows themselves ([`LogRows`]), which the Durable Object has in SQLite, and tests and the
//! simulation in memory.

use super::append_times::AppendTimes;
use super::codec::Version;
use super::delta::Delta;
use super::encoded_snapshot::EncodedSnapshot;
use super::log_pages::{ALL_PAGES, GLOBAL_PAGE, GlobalPage, TagPage};
use super::log_rows::{LogMeta, LogRows, StoredRecord};
use super::mark::{Mark, Seq};
use super::pause::Pause;
use super::recent_records::{DeltaLimits, RecentRecords};
use super::record::Record;
use super::replica::Replica;
use super::schemas::Schemas;
use super::state::TableLimits;
use crate::time::{Timestamp, Ttl};

/// The cost of a record without tags and patterns; each of those costs 1. A page is stored whenever a
/// cost of [`LogLimits::page_cost`] has accumulated. So with small records, every page is stored
/// within about 500 of them. A page has up to 1,600 tags.
const RECORD_COST: usize = 250;

/// How much a log remembers, and how often it stores a page. Only tests and the simulation deviate
/// from the default.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// Tags in all.
    pub tags: usize,
    /// Tags on one page.
    pub page_tags: usize,
    /// What a reply may hold.
    pub delta: DeltaLimits,
    /// The cost of records after which a page is stored.
    pub page_cost: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        let TableLimits { tags, on_a_page } = TableLimits::default();
        Self { tags, page_tags: on_a_page, delta: DeltaLimits::default(), page_cost: 1_000 }
    }
}

impl LogLimits {
    fn table(&self) -> TableLimits {
        TableLimits { tags: self.tags, on_a_page: self.page_tags }
    }
}

/// The log of one service.
#[derive(Debug)]
pub struct Log<R> {
    rows: R,
    epoch: u64,
    retention: Ttl,
    limits: LogLimits,
    state: Replica,
    recent: RecentRecords,
    times: AppendTimes,
    /// The last snapshot that was encoded for each version. It is sent again as long as all records after
    /// it are among the recent ones.
    snapshots: Vec<EncodedSnapshot>,
    /// The last record whose row was dropped.
    dropped: Seq,
    pages: StoredPages,
}

/// How far the pages were stored.
#[derive(Debug)]
struct StoredPages {
    /// The last record that each page includes.
    up_to: Vec<Seq>,
    /// The page to store next.
    next: usize,
    /// The cost of records since a page was last stored.
    cost: usize,
    /// The floor that was stored.
    floor: Seq,
    /// Whether the global page has a pause.
    has_pause: bool,
}

impl StoredPages {
    fn none() -> Self {
        Self { up_to: vec![0; ALL_PAGES], next: 0, cost: 0, floor: 0, has_pause: false }
    }

    /// The last record that every page includes.
    fn all_up_to(&self) -> Seq {
        self.up_to.iter().copied().min().unwrap_or(0)
    }

    fn note_stored(&mut self, number: usize, up_to: Seq) {
        if let Some(page) = self.up_to.get_mut(number) {
            *page = up_to;
        }
    }
}

impl<R: LogRows> Log<R> {
    /// Opens the log in these rows, or begins a new one with an epoch that `draw_epoch` returns.
    /// `retention` is the longest lifetime of any entry. Call [`Log::maintain`] afterwards.
    pub fn open(
        rows: R,
        retention: Ttl,
        limits: LogLimits,
        draw_epoch: impl FnOnce() -> u64,
    ) -> Result<Self, R::Fault> {
        let meta = rows.open()?;
        let epoch = match meta.epoch {
            Some(epoch) => epoch,
            None => {
                let epoch = draw_epoch();
                rows.begin(epoch, 0)?;
                epoch
            }
        };
        let mut log = Self {
            rows,
            epoch,
            retention,
            limits,
            state: Replica::of_log(epoch, meta.dropped, 0, limits.table()),
            recent: RecentRecords::with_limits(limits.delta),
            times: AppendTimes::default(),
            snapshots: Vec::new(),
            dropped: meta.dropped,
            pages: StoredPages::none(),
        };
        let schemas_from = log.read_pages(&meta)?;
        let cost = log.read_records(schemas_from)?;
        // Very many rows, or those of a version without pages. The next start should not have to read
        // them again.
        if cost > 2 * ALL_PAGES * log.limits.page_cost {
            log.pages.cost = cost;
        }
        Ok(log)
    }

    /// Reads the pages. Returns the last record that the schemas and the pause take into account.
    fn read_pages(&mut self, meta: &LogMeta) -> Result<Seq, R::Fault> {
        let mut floor = 0;
        for number in 0..GLOBAL_PAGE {
            let Some(page) = self.rows.page(number)?.and_then(|page| TagPage::decode(&page)) else {
                continue;
            };
            self.pages.note_stored(number, page.up_to);
            floor = floor.max(page.floor);
            self.state.add_tag_page(page.up_to, page.tags);
        }
        self.state.set_schemas(meta.schemas);
        self.state.set_pause(meta.pause);
        let mut schemas_from = meta.dropped;
        let global = self.rows.page(GLOBAL_PAGE)?.and_then(|page| GlobalPage::decode(&page));
        if let Some(global) = global {
            self.pages.note_stored(GLOBAL_PAGE, global.up_to);
            self.pages.has_pause = global.pause != Pause::NONE;
            floor = floor.max(global.floor);
            if global.up_to >= schemas_from {
                schemas_from = global.up_to;
                self.state.set_schemas(global.schemas);
                self.state.set_pause(global.pause);
            }
            self.times = periods_up_to(&global.times, meta.dropped);
            self.state.add_global_page(global.up_to, global.all, global.tagged, global.patterns);
        }
        // A page lacks records that were dropped: it was never stored, cannot be read, or a version
        // without pages has dropped them. What they purged is unknown.
        if self.pages.all_up_to() < meta.dropped {
            floor = floor.max(meta.dropped);
        }
        self.state.raise_floor(floor);
        self.pages.floor = floor;
        Ok(schemas_from)
    }

    /// Reads the records, and returns their cost.
    fn read_records(&mut self, schemas_from: Seq) -> Result<usize, R::Fault> {
        let Self { rows, state, recent, times, retention, dropped, .. } = self;
        let (mut seen, mut cost, mut missing) = (*dropped, 0, None);
        rows.each_record(*dropped, &mut |stored: StoredRecord| {
            let StoredRecord { seq, at, mut record } = stored;
            if seq != seen + 1 {
                recent.clear();
                missing = Some(seq - 1);
            }
            seen = seq;
            cost += cost_of(&record);
            times.note(seq, at, *retention);
            recent.push(record.clone());
            if seq <= schemas_from {
                record.schema = None;
                record.pause = None;
            }
            state.apply(seq, &record);
        })?;
        if seen < state.head() {
            recent.clear();
            missing = Some(state.head());
        }
        // What a missing record purged is unknown.
        if let Some(seq) = missing {
            state.raise_floor(seq);
        }
        Ok(cost)
    }

    /// The sequence number of the last record.
    pub fn head(&self) -> Seq {
        self.state.head()
    }

    /// The floor: entries with an older mark count as purged.
    pub fn floor(&self) -> Seq {
        self.state.floor()
    }

    /// The epoch of the log.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The schema in force, and the distrusted one.
    pub fn schemas(&self) -> Schemas {
        self.state.schemas()
    }

    /// Until when the cache is paused.
    pub fn pause(&self) -> Pause {
        self.state.pause()
    }

    /// Stores and applies a record. Call [`Log::maintain`] afterwards.
    pub fn append(&mut self, record: &Record, at: Timestamp) -> Result<Seq, R::Fault> {
        let seq = self.head() + 1;
        self.rows.put_record(seq, at, record)?;
        self.state.apply(seq, record);
        self.recent.push(record.clone());
        self.times.note(seq, at, self.retention);
        self.pages.cost += cost_of(record);
        Ok(seq)
    }

    /// Forgets what no entry can need, stores the pages that are due, and drops records. That is little
    /// at a time. What fails is done by the next call.
    pub fn maintain(&mut self, now: Timestamp) -> Result<(), R::Fault> {
        if let Some(seq) = self.times.expire(now, self.retention) {
            self.state.raise_floor(seq);
        }
        if !self.pause().holds(now) {
            self.state.set_pause(Pause::NONE);
        }
        // A build from before pauses cannot read a page that has one.
        let pause_is_over = self.pages.has_pause && self.pause() == Pause::NONE;
        if self.floor() > self.pages.floor || pause_is_over {
            self.store_page(GLOBAL_PAGE)?;
        }
        let due = self.pages.cost / self.limits.page_cost.max(1);
        for _ in 0..due.min(ALL_PAGES) {
            self.store_page(self.pages.next)?;
            self.pages.next = (self.pages.next + 1) % ALL_PAGES;
            if self.pages.next == 0 {
                self.drop_records()?;
            }
        }
        self.pages.cost -= due * self.limits.page_cost.max(1);
        if self.floor() > self.dropped { self.drop_records() } else { Ok(()) }
    }

    /// Begins a new epoch if a replica is ahead of this log. Returns whether that is so.
    ///
    /// Such a replica has seen a later epoch, or records that are no longer here: the storage was
    /// rolled back, and sequence numbers above the head were given before. The log then forgets
    /// everything. Its epoch becomes the one that `draw_epoch` returns, or a later one.
    pub fn begin_epoch_if_behind(
        &mut self,
        mark: Option<Mark>,
        draw_epoch: impl FnOnce() -> u64,
    ) -> Result<bool, R::Fault> {
        let Some(ahead) = mark.filter(|mark| *mark > Mark { epoch: self.epoch, seq: self.head() })
        else {
            return Ok(false);
        };
        // The epoch must be higher than the replica's, which would otherwise still be ahead. The head
        // must not be lower, because the sequence number that a client shows comes without an epoch.
        let epoch = draw_epoch().max(ahead.epoch.saturating_add(1));
        let head = self.head().max(ahead.seq);
        self.rows.begin(epoch, head)?;
        self.epoch = epoch;
        self.state = Replica::of_log(epoch, head, head, self.limits.table());
        self.recent.clear();
        self.snapshots.clear();
        self.times = AppendTimes::default();
        self.dropped = head;
        self.pages = StoredPages::none();
        Ok(true)
    }

    /// What a replica at that mark has to learn, with a plain snapshot if it needs one: for isolates
    /// that ask in a version before 4.
    pub fn since(&self, mark: Option<Mark>) -> Delta {
        self.records_since(mark).unwrap_or_else(|| Delta::Snapshot {
            epoch: self.epoch,
            snapshot: self.state.snapshot(),
        })
    }

    /// What a replica at that mark has to learn, with a snapshot encoded for that version if it needs one.
    /// The snapshot may be an earlier one, followed by the records after it.
    pub fn since_encoded(&mut self, mark: Option<Mark>, version: Version) -> Delta {
        if let Some(records) = self.records_since(mark) {
            return records;
        }
        let known = self.snapshots.iter().find(|snapshot| snapshot.version() == version);
        let earlier = known.and_then(|base| Some((base.clone(), self.records_after(base)?)));
        let (base, records) =
            earlier.unwrap_or_else(|| (self.encode_snapshot(version), Vec::new()));
        Delta::EncodedSnapshot { base, floor: self.floor(), records }
    }

    /// Encodes a snapshot, and keeps it in place of those that are not sent again.
    fn encode_snapshot(&mut self, version: Version) -> EncodedSnapshot {
        let base = EncodedSnapshot::of(self.epoch, &self.state.snapshot(), version);
        let mut snapshots = std::mem::take(&mut self.snapshots);
        snapshots.retain(|other| other.version() != version && self.records_after(other).is_some());
        snapshots.push(base.clone());
        self.snapshots = snapshots;
        base
    }

    fn records_after(&self, base: &EncodedSnapshot) -> Option<Vec<Record>> {
        self.recent.last(self.head().checked_sub(base.mark().seq)?)
    }

    fn records_since(&self, mark: Option<Mark>) -> Option<Delta> {
        let (epoch, floor) = (self.epoch, self.floor());
        let Mark { seq: after, .. } =
            mark.filter(|mark| mark.epoch == epoch && mark.seq >= floor)?;
        let records = self.recent.last(self.head().checked_sub(after)?)?;
        Some(Delta::Records { epoch, floor, after, records })
    }

    fn store_page(&mut self, number: usize) -> Result<(), R::Fault> {
        let (up_to, floor) = (self.head(), self.floor());
        let bytes = match number {
            GLOBAL_PAGE => {
                let (all, tagged, patterns) = self.state.global_page();
                let (schemas, pause) = (self.schemas(), self.pause());
                let times = self.times.clone();
                GlobalPage { up_to, floor, all, tagged, patterns, schemas, pause, times }.encode()
            }
            _ => TagPage { up_to, floor, tags: self.state.tag_page(number) }.encode(),
        };
        self.rows.put_page(number, &bytes)?;
        self.pages.note_stored(number, up_to);
        if number == GLOBAL_PAGE {
            self.pages.floor = floor;
            self.pages.has_pause = self.pause() != Pause::NONE;
        }
        Ok(())
    }

    /// Drops the records that every page includes and that are no longer sent one by one, and those
    /// below the floor.
    fn drop_records(&mut self) -> Result<(), R::Fault> {
        let recent = u64::try_from(self.recent.len()).unwrap_or(u64::MAX);
        let not_recent = self.head().saturating_sub(recent);
        let up_to = self.pages.all_up_to().min(not_recent).max(self.floor());
        if up_to > self.dropped {
            self.rows.drop_records(up_to, self.schemas(), self.pause())?;
            self.dropped = up_to;
        }
        Ok(())
    }
}

/// For tests and the simulation.
#[cfg(any(test, feature = "sim"))]
impl<R: LogRows> Log<R> {
    /// About how many bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let snapshots = self.snapshots.iter().map(|snapshot| snapshot.bytes().len());
        self.state.memory_bytes() + self.recent.memory_bytes() + snapshots.sum::<usize>()
    }

    /// How many tags it remembers.
    pub fn tags(&self) -> usize {
        self.state.tags()
    }

    /// How much it remembers.
    pub fn limits(&self) -> LogLimits {
        self.limits
    }

    /// Forgets the records up to that one, as if they were older than any entry.
    pub fn forget(&mut self, seq: Seq) -> Result<(), R::Fault> {
        self.state.raise_floor(seq);
        self.maintain(Timestamp::default())
    }
}

fn cost_of(record: &Record) -> usize {
    RECORD_COST + record.tags.len() + record.patterns.len()
}

/// The periods that ended with that record or before. Later ones come from the records themselves.
fn periods_up_to(times: &AppendTimes, seq: Seq) -> AppendTimes {
    let ended = times.periods().take_while(|period| period.seq <= seq);
    AppendTimes::from_periods(ended.copied())
}

#[cfg(test)]
mod tests;
