//! The whole state of a service's alerts, as the statistics object keeps it.

use super::board::{AlertReport, Board};
use super::measure::{Numbers, PartNote, measure};
use super::message::AlertMessage;
use super::outbox::{Attempt, Outbox};
use crate::config::Alerts;
use crate::record::{self, members};
use crate::time::Timestamp;
use serde::Serialize;

/// The least time between two evaluations.
pub const EVALUATION_MILLIS: u64 = 30_000;
/// How many evaluations in a row begin or end an alert.
const EVALUATIONS: u32 = 2;

/// By which rules alerts begin and end.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRules {
    /// The name of the service, for messages.
    pub service: String,
    /// `alerts`
    pub config: Alerts,
}

/// The alerts of a service, and the messages about them that wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct AlertState {
    board: Board,
    outbox: Outbox,
    /// What isolates have said of parts since the last evaluation.
    parts: PartNote,
    evaluated_at: Timestamp,
}

members!(AlertState { board, outbox, parts, evaluated_at });

impl AlertState {
    /// Reads the stored text. One that cannot be read is a state in which nothing fires.
    pub fn from_text(text: &str) -> Self {
        record::read(text).unwrap_or_default()
    }

    /// The text to store.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Notes what an isolate says of the parts, for the next evaluation.
    pub fn note(&mut self, parts: PartNote) {
        self.parts = self.parts.or(parts);
    }

    /// Whether it is time for an evaluation. With many isolates, their notes of half a minute are one.
    pub fn is_due(&self, now: Timestamp) -> bool {
        !now.is_within(EVALUATION_MILLIS, self.evaluated_at)
    }

    /// Evaluates all alerts. Changes wait in the outbox if there is a webhook.
    pub fn evaluate(&mut self, now: Timestamp, rules: &AlertRules, numbers: Numbers) {
        let parts = std::mem::take(&mut self.parts);
        self.evaluated_at = now;
        let changes =
            self.board.evaluate(now, &measure(&rules.config, numbers, parts), EVALUATIONS);
        for change in changes.iter().filter(|_| rules.config.webhook.is_some()) {
            self.outbox.add(AlertMessage::of(&rules.service, change), now);
        }
    }

    /// When a message is due.
    pub fn due(&self) -> Option<Timestamp> {
        self.outbox.due()
    }

    /// Begins to send the oldest message, if it is due. Store the state before sending.
    pub fn begin(&mut self, now: Timestamp) -> Option<Attempt> {
        self.outbox.begin(now)
    }

    /// The webhook has accepted a message.
    pub fn accepted(&mut self, number: u64) {
        self.outbox.accepted(number);
    }

    /// Every alert, for `GET health`.
    pub fn reports(&self) -> Vec<AlertReport> {
        self.board.reports()
    }
}

#[cfg(test)]
mod tests;
