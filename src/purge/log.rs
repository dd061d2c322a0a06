//! The log itself: it numbers records, keeps what replicas have to know, and answers them.
//!
//! In scope: what is written down and when, what is forgotten, and starting again from what was
//! written down. Not in scope: the rows themselves ([`LogRows`]): the Durable Object keeps them in
//! SQLite, the simulated world and tests in memory.
//!
//! A record is written down by itself, in one row, before it has an effect. What it adds to the
//! table of tags is written later, page by page and in turns, and only then its row is dropped. So
//! the rows always hold all that is known: each page knows the records up to some number, and
//! those after it are there one by one. Learning a record twice changes nothing.

use super::recent_records::{DeltaLimits, Recent};
use super::replica::{Replica, Schemas};
use super::rows::{ALL_PAGES, LogRows, Opened, Page, REST, Rest, Stored};
use super::table::Most;
use super::times::Times;
use super::{Base, Delta, Mark, Record, Seq};
use crate::time::{Timestamp, Ttl};

/// What a record costs beside its tags and patterns, counted in those. After so much a page is
/// written: a page has up to 1,600 tags, and all have their turn within about 500 small records.
const RECORD_COST: usize = 250;

/// How much a log keeps, and how often it writes a page. Only tests and the simulated world have
/// others than the default.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Tags in the table.
    pub tags: usize,
    /// Tags on one page of it.
    pub page_tags: usize,
    /// What an answer may hold.
    pub delta: DeltaLimits,
    /// The cost of records after which a page is written.
    pub page_cost: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        let Most { tags, on_a_page } = Most::default();
        Self { tags, page_tags: on_a_page, delta: DeltaLimits::default(), page_cost: 1_000 }
    }
}

impl Sizes {
    fn most(&self) -> Most {
        Most { tags: self.tags, on_a_page: self.page_tags }
    }
}

/// The log of one service.
#[derive(Debug)]
pub struct Log<R> {
    rows: R,
    epoch: u64,
    retention: Ttl,
    sizes: Sizes,
    state: Replica,
    recent: Recent,
    times: Times,
    /// The snapshot that was encoded last. Who needs one gets it, while the records after it are at
    /// hand.
    base: Option<Base>,
    /// The last record whose row was dropped.
    dropped: Seq,
    pages: Pages,
}

/// What was written of the pages.
#[derive(Debug)]
struct Pages {
    /// The last record that each knows of.
    up_to: Vec<Seq>,
    /// Whose turn it is.
    next: usize,
    /// The cost of records since the last turn.
    cost: usize,
    /// The floor that was written down.
    floor: Seq,
}

impl Pages {
    fn none() -> Self {
        Self { up_to: vec![0; ALL_PAGES], next: 0, cost: 0, floor: 0 }
    }

    /// The last record that all of them know of.
    fn all_up_to(&self) -> Seq {
        self.up_to.iter().copied().min().unwrap_or(0)
    }

    fn are_written(&mut self, number: usize, up_to: Seq) {
        if let Some(page) = self.up_to.get_mut(number) {
            *page = up_to;
        }
    }
}

impl<R: LogRows> Log<R> {
    /// The log that was written down, or a new one, `draw` being its epoch. `retention` is the
    /// longest lifetime of any entry. [`Log::tend`] is to follow.
    pub fn open(
        rows: R,
        retention: Ttl,
        sizes: Sizes,
        draw: impl FnOnce() -> u64,
    ) -> Result<Self, R::Fault> {
        let opened = rows.open()?;
        let epoch = match opened.epoch {
            Some(epoch) => epoch,
            None => {
                let epoch = draw();
                rows.begin(epoch, 0)?;
                epoch
            }
        };
        let mut log = Self {
            rows,
            epoch,
            retention,
            sizes,
            state: Replica::start(epoch, opened.dropped, 0, sizes.most()),
            recent: Recent::of_at_most(sizes.delta),
            times: Times::default(),
            base: None,
            dropped: opened.dropped,
            pages: Pages::none(),
        };
        let schemas_from = log.read_pages(&opened)?;
        let cost = log.read_records(schemas_from)?;
        // Rows that a version without pages left, or very many: no other start is to read them.
        if cost > 2 * ALL_PAGES * log.sizes.page_cost {
            log.pages.cost = cost;
        }
        Ok(log)
    }

    /// Reads one page after the other. Returns the last record that what is known of schemas
    /// takes into account.
    fn read_pages(&mut self, opened: &Opened) -> Result<Seq, R::Fault> {
        let mut floor = 0;
        for number in 0..REST {
            let Some(page) = self.rows.page(number)?.and_then(|page| Page::decode(&page)) else {
                continue;
            };
            self.pages.are_written(number, page.up_to);
            floor = floor.max(page.floor);
            self.state.learn_tags(page.up_to, page.tags);
        }
        self.state.set_schemas(opened.schemas);
        let mut schemas_from = opened.dropped;
        if let Some(rest) = self.rows.page(REST)?.and_then(|rest| Rest::decode(&rest)) {
            self.pages.are_written(REST, rest.up_to);
            floor = floor.max(rest.floor);
            if rest.up_to >= schemas_from {
                schemas_from = rest.up_to;
                self.state.set_schemas(rest.schemas);
            }
            self.times = ended_by(&rest.times, opened.dropped);
            self.state.learn_rest(rest.up_to, rest.all, rest.tagged, rest.patterns);
        }
        // A page that does not know all records that were dropped: it was never written, cannot be
        // read, or a version without pages has dropped them. Nobody knows what they purged.
        if self.pages.all_up_to() < opened.dropped {
            floor = floor.max(opened.dropped);
        }
        self.state.raise_floor(floor);
        self.pages.floor = floor;
        Ok(schemas_from)
    }

    /// Reads one record after the other. Returns what they cost.
    fn read_records(&mut self, schemas_from: Seq) -> Result<usize, R::Fault> {
        let Self { rows, state, recent, times, retention, dropped, .. } = self;
        let (mut seen, mut cost, mut missing) = (*dropped, 0, None);
        rows.each_record(*dropped, &mut |stored: Stored| {
            let Stored { seq, at, mut record } = stored;
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
            }
            state.apply(seq, &record);
        })?;
        if seen < state.head() {
            recent.clear();
            missing = Some(state.head());
        }
        // What a record purged that is not there nobody knows.
        if let Some(seq) = missing {
            state.raise_floor(seq);
        }
        Ok(cost)
    }

    /// The number of the last record.
    pub fn head(&self) -> Seq {
        self.state.head()
    }

    /// Entries whose mark is older than this are gone.
    pub fn floor(&self) -> Seq {
        self.state.floor()
    }

    /// Which log it is.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// What is known of schemas.
    pub fn schemas(&self) -> Schemas {
        self.state.schemas()
    }

    /// Writes a record down, and adds it. [`Log::tend`] is to follow.
    pub fn append(&mut self, record: &Record, at: Timestamp) -> Result<Seq, R::Fault> {
        let seq = self.head() + 1;
        self.rows.put_record(seq, at, record)?;
        self.state.apply(seq, record);
        self.recent.push(record.clone());
        self.times.note(seq, at, self.retention);
        self.pages.cost += cost_of(record);
        Ok(seq)
    }

    /// Does what is due by now, which is little at a time: forgets what no entry can need, writes
    /// the pages whose turn it is, and drops records. Whatever fails is due again.
    pub fn tend(&mut self, now: Timestamp) -> Result<(), R::Fault> {
        if let Some(seq) = self.times.expire(now, self.retention) {
            self.state.raise_floor(seq);
        }
        if self.floor() > self.pages.floor {
            self.write_page(REST)?;
        }
        let due = self.pages.cost / self.sizes.page_cost.max(1);
        for _ in 0..due.min(ALL_PAGES) {
            self.write_page(self.pages.next)?;
            self.pages.next = (self.pages.next + 1) % ALL_PAGES;
            if self.pages.next == 0 {
                self.drop_records()?;
            }
        }
        self.pages.cost -= due * self.sizes.page_cost.max(1);
        if self.floor() > self.dropped { self.drop_records() } else { Ok(()) }
    }

    /// Notes where a replica stands. One that is ahead of this log has learned of a later epoch, or
    /// records which are no longer here: the storage is an older one, and the numbers after its
    /// head were given before. Then this is another log from here on, which knows nothing; `draw`
    /// is its epoch, or a later one. Returns whether that is so.
    pub fn meet(
        &mut self,
        mark: Option<Mark>,
        draw: impl FnOnce() -> u64,
    ) -> Result<bool, R::Fault> {
        let Some(ahead) = mark.filter(|mark| *mark > Mark { epoch: self.epoch, seq: self.head() })
        else {
            return Ok(false);
        };
        // Epochs rise, or each replica of a later one would find it again. So do numbers, for a
        // client's number says nothing of its epoch.
        let epoch = draw().max(ahead.epoch.saturating_add(1));
        let head = self.head().max(ahead.seq);
        self.rows.begin(epoch, head)?;
        self.epoch = epoch;
        self.state = Replica::start(epoch, head, head, self.sizes.most());
        self.recent.clear();
        self.base = None;
        self.times = Times::default();
        self.dropped = head;
        self.pages = Pages::none();
        Ok(true)
    }

    /// What a replica that stands there has to learn, with a snapshot as of now where it needs
    /// one: for whoever asks in a version before 4.
    pub fn since(&self, mark: Option<Mark>) -> Delta {
        self.records_since(mark).unwrap_or_else(|| Delta::Snapshot {
            epoch: self.epoch,
            snapshot: self.state.snapshot(),
        })
    }

    /// The same, with a snapshot that may be of before and the records after it.
    pub fn since_or_base(&mut self, mark: Option<Mark>) -> Delta {
        if let Some(records) = self.records_since(mark) {
            return records;
        }
        let known = self.base.take().and_then(|base| {
            let records = self.recent.last(self.head().checked_sub(base.mark().seq)?)?;
            Some((base, records))
        });
        let anew = || (Base::of(self.epoch, &self.state.snapshot()), Vec::new());
        let (base, records) = known.unwrap_or_else(anew);
        self.base = Some(base.clone());
        Delta::Base { base, floor: self.floor(), records }
    }

    fn records_since(&self, mark: Option<Mark>) -> Option<Delta> {
        let (epoch, floor) = (self.epoch, self.floor());
        let Mark { seq: after, .. } =
            mark.filter(|mark| mark.epoch == epoch && mark.seq >= floor)?;
        let records = self.recent.last(self.head().checked_sub(after)?)?;
        Some(Delta::Records { epoch, floor, after, records })
    }

    fn write_page(&mut self, number: usize) -> Result<(), R::Fault> {
        let (up_to, floor) = (self.head(), self.floor());
        let bytes = match number {
            REST => {
                let (all, tagged, patterns) = self.state.rest();
                let (schemas, times) = (self.schemas(), self.times.clone());
                Rest { up_to, floor, all, tagged, patterns, schemas, times }.encode()
            }
            _ => Page { up_to, floor, tags: self.state.page_of_tags(number) }.encode(),
        };
        self.rows.put_page(number, &bytes)?;
        self.pages.are_written(number, up_to);
        if number == REST {
            self.pages.floor = floor;
        }
        Ok(())
    }

    /// Drops the records that every page knows of, but for those that replicas may be told, and
    /// those from before the floor.
    fn drop_records(&mut self) -> Result<(), R::Fault> {
        let recent = u64::try_from(self.recent.len()).unwrap_or(u64::MAX);
        let told = self.head().saturating_sub(recent);
        let up_to = self.pages.all_up_to().min(told).max(self.floor());
        if up_to > self.dropped {
            self.rows.drop_records(up_to, self.schemas())?;
            self.dropped = up_to;
        }
        Ok(())
    }
}

/// What tests and the simulated world want to know and do.
#[cfg(any(test, feature = "sim"))]
impl<R: LogRows> Log<R> {
    /// About how many bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let base = self.base.as_ref().map_or(0, |base| base.bytes().len());
        self.state.memory_bytes() + self.recent.memory_bytes() + base
    }

    /// How many tags are in its table.
    pub fn tags(&self) -> usize {
        self.state.tags()
    }

    /// How much it keeps.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Forgets the records up to that number, as if they were older than any entry.
    pub fn forget(&mut self, seq: Seq) -> Result<(), R::Fault> {
        self.state.raise_floor(seq);
        self.tend(Timestamp::default())
    }
}

fn cost_of(record: &Record) -> usize {
    RECORD_COST + record.tags.len() + record.patterns.len()
}

/// The periods that ended by that record. Later ones are there with their records.
fn ended_by(times: &Times, seq: Seq) -> Times {
    let ended = times.periods().take_while(|period| period.seq <= seq);
    Times::from_periods(ended.copied())
}

#[cfg(test)]
mod tests;
