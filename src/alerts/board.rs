//! Which alerts fire, and what changes with an evaluation.

use super::alert::Alert;
use super::measure::{Level, Measure};
use crate::record::{Read, Reader, members};
use crate::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// The alerts that fire, and what their last evaluation has shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Board(
    /// By word. A word of a later build stays and is never evaluated.
    BTreeMap<String, Entry>,
);

impl Read for Board {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
struct Entry {
    is_firing: bool,
    /// Since when it has fired, or has not.
    since: Option<Timestamp>,
    /// How many evaluations in a row were against the present state.
    against: u32,
    value: Option<f64>,
    threshold: Option<f64>,
}

members!(Entry { is_firing, since, against, value, threshold });

/// Whether an alert fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Firing {
    /// It does not.
    #[default]
    Ok,
    /// It does.
    Firing,
}

impl Read for Firing {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match String::read(from)?.as_str() {
            "ok" => Some(Self::Ok),
            "firing" => Some(Self::Firing),
            _ => None,
        }
    }
}

/// An alert as `GET health` shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct AlertReport {
    /// `hit-rate`, `errors`, `kv` or `purge-log`.
    pub alert: String,
    /// Whether it fires.
    pub state: Firing,
    /// The number at the last evaluation; null if the alert has none, or if too little was counted.
    pub value: Option<f64>,
    /// What the number is compared with; null if the alert has none, or is switched off.
    pub threshold: Option<f64>,
    /// Since when it has had this state, in milliseconds since 1970; null if it never had another one.
    pub since: Option<u64>,
}

members!(AlertReport { alert, state, value, threshold, since });

/// An alert that begins or ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The measurement that caused the change.
    pub measure: Measure,
    /// Whether it fires now.
    pub state: Firing,
    /// When it changed.
    pub at: Timestamp,
}

impl Board {
    /// Takes the measurements of an evaluation. An alert begins or ends when so many evaluations in a row are
    /// against its state.
    pub fn evaluate(&mut self, now: Timestamp, measures: &[Measure], needed: u32) -> Vec<Change> {
        measures.iter().filter_map(|measure| self.evaluate_one(now, measure, needed)).collect()
    }

    fn evaluate_one(&mut self, now: Timestamp, measure: &Measure, needed: u32) -> Option<Change> {
        let entry = self.0.entry(measure.alert.as_str().to_owned()).or_default();
        entry.value = measure.value;
        entry.threshold = measure.threshold;
        let is_against = match entry.is_firing {
            true => measure.level == Level::Good,
            false => measure.level == Level::Bad,
        };
        entry.against = if is_against { entry.against + 1 } else { 0 };
        if entry.against < needed.max(1) {
            return None;
        }
        entry.is_firing = !entry.is_firing;
        entry.since = Some(now);
        entry.against = 0;
        Some(Change { measure: *measure, state: entry.state(), at: now })
    }

    /// Every alert, in its order.
    pub fn reports(&self) -> Vec<AlertReport> {
        let none = Entry::default();
        let report = |alert: Alert| {
            let entry = self.0.get(alert.as_str()).unwrap_or(&none);
            AlertReport {
                alert: alert.as_str().to_owned(),
                state: entry.state(),
                value: entry.value,
                threshold: entry.threshold,
                since: entry.since.map(Timestamp::as_millis),
            }
        };
        Alert::ALL.map(report).into()
    }
}

impl Entry {
    fn state(&self) -> Firing {
        if self.is_firing { Firing::Firing } else { Firing::Ok }
    }
}

#[cfg(test)]
mod tests;
