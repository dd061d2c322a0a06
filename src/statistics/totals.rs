//! What was counted since the object began: the counters of `GET metrics`, which must only rise.

use super::names::NameTable;
use super::rows::{Rows, Table};
use super::tally::Tally;
use crate::record;

/// How many names each table has. The counts of a name that is dropped go to the row for all others, so the
/// counter of a name may begin again at 0, and never falls to another number.
const NAMES: usize = 100;
/// The row in [`Table::State`].
const ROW: u64 = 3;

/// Adds what was counted.
pub(super) fn add_to_totals<'t, R: Rows>(
    rows: &R,
    tallies: impl Iterator<Item = &'t Tally>,
) -> Result<(), R::Fault> {
    let mut new = Tally::default();
    for tally in tallies {
        new.total.add(&tally.total);
        new.types.add(&tally.types);
        new.operations.add(&tally.operations);
        new.purges.add(&tally.purges);
        add_by_word(&mut new.reasons, &tally.reasons);
        new.shadow.add(&tally.shadow);
    }
    new.shadow.by_operation.values_mut().for_each(|counts| counts.paths.clear());
    let mut totals = totals(rows)?;
    totals.add(&new, NAMES);
    rows.put(Table::State, ROW, &serde_json::to_string(&totals).unwrap_or_default())
}

/// The totals. Reasons are words, without the names behind them. There are no paths: neither those of
/// requests, nor the JSON paths of shadow mode.
pub(super) fn totals<R: Rows>(rows: &R) -> Result<Tally, R::Fault> {
    let text = rows.get(Table::State, ROW)?;
    Ok(text.and_then(|text| record::read(&text)).unwrap_or_default())
}

/// Adds counts by reason to those by the reason's word. There are few words, and any number of names behind
/// them.
fn add_by_word(sum: &mut NameTable, reasons: &NameTable) {
    for (reason, counts) in reasons.rows(usize::MAX) {
        let word = reason.split(':').next().unwrap_or_default();
        sum.count(word, NAMES, |all| all.add(&counts));
    }
}
