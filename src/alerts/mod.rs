//! Alerts: when one begins and ends, and what a webhook is told of that.
//!
//! In scope: the decisions, over numbers that somebody else has counted, and the state that they need. Not in
//! scope: counting, storing that state, and sending.
//!
//! An evaluation measures every alert (`measure.rs`). The board (`board.rs`) decides what begins and ends. The
//! changes wait in an outbox (`outbox.rs`) until the webhook has accepted them, as messages (`message.rs`).

mod alert;
mod board;
mod measure;
mod message;
mod outbox;
mod state;

pub use alert::Alert;
pub use board::{AlertReport, Board, Change, Firing};
pub use measure::{Level, Measure, Numbers, PartNote, WINDOW_SECONDS, measure};
pub use message::AlertMessage;
pub use outbox::{Attempt, Outbox};
pub use state::{AlertRules, AlertState, EVALUATION_MILLIS};
