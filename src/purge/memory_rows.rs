//! A log's rows in memory, which fail and are rolled back where a test says so.

use super::rows::{LogRows, Opened, Stored};
use super::{Record, Schemas, Seq};
use crate::time::Timestamp;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The rows of one log. Clones are the same rows: a log that is opened over one finds what another
/// has written.
#[derive(Debug, Clone, Default)]
pub struct MemoryRows(Rc<RefCell<Rows>>);

#[derive(Debug, Clone, Default)]
struct Rows {
    opened: Opened,
    records: BTreeMap<Seq, (Timestamp, Record)>,
    pages: BTreeMap<usize, Vec<u8>>,
    /// How many writes succeed before all fail.
    left: Option<u64>,
    written: u64,
}

impl MemoryRows {
    /// The rows of a log that has dropped the records up to `dropped`.
    pub fn of_log(epoch: u64, dropped: Seq) -> Self {
        let rows = Self::default();
        rows.0.borrow_mut().opened = Opened { epoch: Some(epoch), dropped, ..Opened::default() };
        rows
    }

    /// After so many more writes all fail, until it is told otherwise.
    pub fn fails_after(&self, writes: Option<u64>) {
        self.0.borrow_mut().left = writes;
    }

    /// A copy of what there is, to go back to.
    pub fn copy(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// Goes back to a copy.
    pub fn roll_back(&self, copy: &Self) {
        self.0.replace(copy.0.borrow().clone());
    }

    /// Loses a page.
    pub fn lose_page(&self, number: usize) {
        self.0.borrow_mut().pages.remove(&number);
    }

    /// Drops the oldest records, but so many, as a version does that knows no pages.
    pub fn drop_without_pages(&self, kept: usize) {
        let rows = &mut *self.0.borrow_mut();
        while rows.records.len() > kept {
            let Some((seq, _)) = rows.records.pop_first() else { break };
            rows.opened.dropped = seq;
        }
    }

    /// The numbers of the records.
    pub fn seqs(&self) -> Vec<Seq> {
        self.0.borrow().records.keys().copied().collect()
    }

    /// When the record of that number was written down, unless it was dropped.
    pub fn written_down_at(&self, seq: Seq) -> Option<Timestamp> {
        self.0.borrow().records.get(&seq).map(|(at, _)| *at)
    }

    /// How many bytes each page has.
    pub fn page_bytes(&self) -> Vec<usize> {
        self.0.borrow().pages.values().map(Vec::len).collect()
    }

    /// How many rows were written so far.
    pub fn written(&self) -> u64 {
        self.0.borrow().written
    }

    fn write(&self, change: impl FnOnce(&mut Rows)) -> Result<(), &'static str> {
        let rows = &mut *self.0.borrow_mut();
        match &mut rows.left {
            Some(0) => return Err("the rows cannot be written"),
            Some(left) => *left -= 1,
            None => {}
        }
        rows.written += 1;
        change(rows);
        Ok(())
    }
}

impl LogRows for MemoryRows {
    type Fault = &'static str;

    fn open(&self) -> Result<Opened, Self::Fault> {
        Ok(self.0.borrow().opened)
    }

    fn page(&self, number: usize) -> Result<Option<Vec<u8>>, Self::Fault> {
        Ok(self.0.borrow().pages.get(&number).cloned())
    }

    fn each_record(&self, after: Seq, visit: &mut dyn FnMut(Stored)) -> Result<(), Self::Fault> {
        for (seq, (at, record)) in self.0.borrow().records.range(after + 1..) {
            visit(Stored { seq: *seq, at: *at, record: record.clone() });
        }
        Ok(())
    }

    fn put_record(&self, seq: Seq, at: Timestamp, record: &Record) -> Result<(), Self::Fault> {
        self.write(|rows| {
            rows.records.insert(seq, (at, record.clone()));
        })
    }

    fn put_page(&self, number: usize, page: &[u8]) -> Result<(), Self::Fault> {
        self.write(|rows| {
            rows.pages.insert(number, page.to_vec());
        })
    }

    fn drop_records(&self, up_to: Seq, schemas: Schemas) -> Result<(), Self::Fault> {
        self.write(|rows| {
            rows.opened = Opened { dropped: up_to, schemas, ..rows.opened };
            rows.records.retain(|seq, _| *seq > up_to);
        })
    }

    fn begin(&self, epoch: u64, head: Seq) -> Result<(), Self::Fault> {
        self.write(|rows| {
            rows.opened = Opened { epoch: Some(epoch), dropped: head, ..Opened::default() };
            rows.records.clear();
            rows.pages.clear();
        })
    }
}
