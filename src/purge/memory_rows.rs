//! A log's rows in memory, for tests: they can fail, be rolled back, and lose pages.

use super::log_rows::{LogMeta, LogRows, StoredRecord};
use super::mark::Seq;
use super::pause::Pause;
use super::record::Record;
use super::schemas::Schemas;
use crate::time::Timestamp;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The rows of one log. Clones share them: a log that is opened on a clone finds what another one
/// has stored.
#[derive(Debug, Clone, Default)]
pub struct MemoryRows(Rc<RefCell<Rows>>);

#[derive(Debug, Clone, Default)]
struct Rows {
    meta: LogMeta,
    records: BTreeMap<Seq, (Timestamp, Record)>,
    pages: BTreeMap<usize, Vec<u8>>,
    /// How many more writes succeed. `None`: all of them.
    left: Option<u64>,
    written: u64,
}

impl MemoryRows {
    /// The rows of a log that has dropped the records up to `dropped`.
    pub fn of_log(epoch: u64, dropped: Seq) -> Self {
        let rows = Self::default();
        rows.0.borrow_mut().meta = LogMeta { epoch: Some(epoch), dropped, ..LogMeta::default() };
        rows
    }

    /// Lets all writes fail after `writes` more, or none with `None`.
    pub fn fails_after(&self, writes: Option<u64>) {
        self.0.borrow_mut().left = writes;
    }

    /// A copy of the rows, to roll back to.
    pub fn copy(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// Rolls back to a copy.
    pub fn roll_back(&self, copy: &Self) {
        self.0.replace(copy.0.borrow().clone());
    }

    /// Loses a page.
    pub fn lose_page(&self, number: usize) {
        self.0.borrow_mut().pages.remove(&number);
    }

    /// Drops all but the last `kept` records, as a version without pages did.
    pub fn drop_without_pages(&self, kept: usize) {
        let rows = &mut *self.0.borrow_mut();
        while rows.records.len() > kept {
            let Some((seq, _)) = rows.records.pop_first() else { break };
            rows.meta.dropped = seq;
        }
    }

    /// The sequence numbers of the records.
    pub fn seqs(&self) -> Vec<Seq> {
        self.0.borrow().records.keys().copied().collect()
    }

    /// When a record was stored. `None` if it was dropped.
    pub fn written_down_at(&self, seq: Seq) -> Option<Timestamp> {
        self.0.borrow().records.get(&seq).map(|(at, _)| *at)
    }

    /// The length of each page.
    pub fn page_bytes(&self) -> Vec<usize> {
        self.0.borrow().pages.values().map(Vec::len).collect()
    }

    /// How many rows were written.
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

    fn open(&self) -> Result<LogMeta, Self::Fault> {
        Ok(self.0.borrow().meta)
    }

    fn page(&self, number: usize) -> Result<Option<Vec<u8>>, Self::Fault> {
        Ok(self.0.borrow().pages.get(&number).cloned())
    }

    fn each_record(
        &self,
        after: Seq,
        visit: &mut dyn FnMut(StoredRecord),
    ) -> Result<(), Self::Fault> {
        for (seq, (at, record)) in self.0.borrow().records.range(after + 1..) {
            visit(StoredRecord { seq: *seq, at: *at, record: record.clone() });
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

    fn drop_records(&self, up_to: Seq, schemas: Schemas, pause: Pause) -> Result<(), Self::Fault> {
        self.write(|rows| {
            rows.meta = LogMeta { dropped: up_to, schemas, pause, ..rows.meta };
            rows.records.retain(|seq, _| *seq > up_to);
        })
    }

    fn begin(&self, epoch: u64, head: Seq) -> Result<(), Self::Fault> {
        self.write(|rows| {
            rows.meta = LogMeta { epoch: Some(epoch), dropped: head, ..LogMeta::default() };
            rows.records.clear();
            rows.pages.clear();
        })
    }
}
