//! What the statistics object stores, as rows of text.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// A table of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// A row a minute: a tally.
    Minutes,
    /// A row an hour: a tally.
    Hours,
    /// A row a day: the most frequent public reads.
    Popular,
    /// A row for each kind of state.
    State,
    /// A row for each of the last changes that administrators made.
    Audit,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 5] =
        [Self::Minutes, Self::Hours, Self::Popular, Self::State, Self::Audit];

    /// The name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Popular => "popular",
            Self::State => "state",
            Self::Audit => "audit",
        }
    }
}

/// Rows of text with numbers, in a few tables.
pub trait Rows {
    /// Why storage failed.
    type Fault;

    /// The text of a row.
    fn get(&self, table: Table, number: u64) -> Result<Option<String>, Self::Fault>;
    /// Adds or replaces a row.
    fn put(&self, table: Table, number: u64, text: &str) -> Result<(), Self::Fault>;
    /// Shows the rows from one number to another, both included, in order.
    fn each(
        &self,
        table: Table,
        numbers: (u64, u64),
        visit: &mut dyn FnMut(u64, &str),
    ) -> Result<(), Self::Fault>;
    /// Deletes the rows below a number.
    fn delete_below(&self, table: Table, number: u64) -> Result<(), Self::Fault>;
}

/// Rows in memory, for tests and the simulation.
#[derive(Debug, Default)]
pub struct MemoryRows(RefCell<BTreeMap<(Table, u64), String>>);

impl MemoryRows {
    /// How many rows a table has, and how many bytes the longest.
    pub fn size(&self, table: Table) -> (usize, usize) {
        let rows = self.0.borrow();
        let texts = rows.iter().filter(|((of, _), _)| *of == table).map(|(_, text)| text.len());
        (texts.clone().count(), texts.max().unwrap_or(0))
    }
}

/// Rows in memory whose writes fail after a while.
#[cfg(test)]
#[derive(Debug, Default)]
pub(super) struct FailingRows {
    pub rows: MemoryRows,
    /// How many writes succeed. `None`: all of them.
    pub left: std::cell::Cell<Option<usize>>,
}

#[cfg(test)]
impl FailingRows {
    fn write(&self, write: impl FnOnce(&MemoryRows) -> Result<(), Infallible>) -> Result<(), ()> {
        let left = self.left.get();
        self.left.set(left.map(|left| left.saturating_sub(1)));
        if left == Some(0) { Err(()) } else { write(&self.rows).map_err(|never| match never {}) }
    }
}

#[cfg(test)]
impl Rows for FailingRows {
    type Fault = ();

    fn get(&self, table: Table, number: u64) -> Result<Option<String>, ()> {
        self.rows.get(table, number).map_err(|never| match never {})
    }

    fn put(&self, table: Table, number: u64, text: &str) -> Result<(), ()> {
        self.write(|rows| rows.put(table, number, text))
    }

    fn each(
        &self,
        table: Table,
        numbers: (u64, u64),
        visit: &mut dyn FnMut(u64, &str),
    ) -> Result<(), ()> {
        self.rows.each(table, numbers, visit).map_err(|never| match never {})
    }

    fn delete_below(&self, table: Table, number: u64) -> Result<(), ()> {
        self.write(|rows| rows.delete_below(table, number))
    }
}

impl Rows for MemoryRows {
    type Fault = Infallible;

    fn get(&self, table: Table, number: u64) -> Result<Option<String>, Infallible> {
        Ok(self.0.borrow().get(&(table, number)).cloned())
    }

    fn put(&self, table: Table, number: u64, text: &str) -> Result<(), Infallible> {
        self.0.borrow_mut().insert((table, number), text.to_owned());
        Ok(())
    }

    fn each(
        &self,
        table: Table,
        (first, last): (u64, u64),
        visit: &mut dyn FnMut(u64, &str),
    ) -> Result<(), Infallible> {
        let rows = self.0.borrow();
        let is_in = |number: u64| (first..=last).contains(&number);
        let rows = rows.iter().filter(|((of, number), _)| *of == table && is_in(*number));
        rows.for_each(|((_, number), text)| visit(*number, text));
        Ok(())
    }

    fn delete_below(&self, table: Table, number: u64) -> Result<(), Infallible> {
        self.0.borrow_mut().retain(|(of, row), _| *of != table || *row >= number);
        Ok(())
    }
}
