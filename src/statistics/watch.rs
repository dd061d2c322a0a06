//! Alerts, over the numbers of all isolates.

use super::counts::Counts;
use super::messages::NEW_PARTS;
use super::rows::{Rows, Table};
use crate::alerts::{AlertRules, AlertState, Attempt, Numbers, PartNote, WINDOW_SECONDS};
use crate::record::{self, members};
use crate::time::Timestamp;

/// The longest time over which numbers are summed up, in minutes.
const LONGEST_MINUTES: u64 = 60;
/// The row in [`Table::State`].
const ROW: u64 = 4;

/// What is read of a minute's row.
#[derive(Default)]
struct MinuteTotal {
    total: Counts,
}

members!(MinuteTotal { total as "all" });

/// Notes what an isolate says of the parts, and evaluates the alerts if it is time. `wait_ms` is how long it
/// takes until the isolate reports again.
pub(super) fn watch<R: Rows>(
    rows: &R,
    rules: &AlertRules,
    failing: PartNote,
    wait_ms: u64,
    now: Timestamp,
) -> Result<(), R::Fault> {
    let mut state = alerts(rows)?;
    let before = state.clone();
    state.note(failing);
    if state.is_due(now) {
        state.evaluate(now, rules, numbers(rows, wait_ms, now)?);
    }
    if state != before { put_alerts(rows, &state) } else { Ok(()) }
}

/// The alerts, and the messages that wait.
pub(super) fn alerts<R: Rows>(rows: &R) -> Result<AlertState, R::Fault> {
    let text = rows.get(Table::State, ROW)?;
    Ok(text.map(|text| AlertState::from_text(&text)).unwrap_or_default())
}

/// Begins to send a message, if one is due. That is stored before this returns.
pub(super) fn begin_message<R: Rows>(
    rows: &R,
    now: Timestamp,
) -> Result<Option<Attempt>, R::Fault> {
    let mut state = alerts(rows)?;
    let attempt = state.begin(now);
    put_alerts(rows, &state)?;
    Ok(attempt)
}

/// The webhook has accepted a message.
pub(super) fn message_accepted<R: Rows>(rows: &R, number: u64) -> Result<(), R::Fault> {
    let mut state = alerts(rows)?;
    state.accepted(number);
    put_alerts(rows, &state)
}

fn put_alerts<R: Rows>(rows: &R, state: &AlertState) -> Result<(), R::Fault> {
    rows.put(Table::State, ROW, &state.to_text())
}

/// The numbers of the last minutes. With many isolates each reports rarely, and the last minutes are not
/// complete: then more of them are summed up.
fn numbers<R: Rows>(rows: &R, wait_ms: u64, now: Timestamp) -> Result<Numbers, R::Fault> {
    let wait = wait_ms.div_ceil(60_000).max(1);
    let minutes = (WINDOW_SECONDS / 60).max(2 * wait).min(LONGEST_MINUTES);
    let last = now.as_millis() / 60_000;
    let first = last.saturating_sub(minutes);
    let mut total = Counts::default();
    rows.each(Table::Minutes, (first, last), &mut |_, text| {
        let minute: MinuteTotal = record::read(text).unwrap_or_default();
        total.add(&minute.total);
    })?;
    let of_this_minute = now.seconds_since(Timestamp::from_millis(last * 60_000));
    Ok(total.numbers(reported_seconds(minutes, wait) + of_this_minute))
}

/// So many seconds' worth of counts have come of the last `minutes`, if each isolate reports every `wait`
/// minutes: the later ones are still in the isolates. A report has a few parts, each of which counts in its last
/// minute, at most an hour back.
fn reported_seconds(minutes: u64, wait: u64) -> u64 {
    let each = wait.div_ceil(NEW_PARTS as u64).max(1);
    let parts = (0..wait.div_ceil(each)).map(|part| {
        let age = part * each;
        each.min(wait - age) * (minutes - age.min(minutes.saturating_sub(1)))
    });
    60 * parts.sum::<u64>() / wait
}

#[cfg(test)]
mod tests;
