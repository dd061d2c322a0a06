//! Why a command ends early.

use super::exit_status::ExitStatus;

/// Why a command ends early, for people and for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    pub status: ExitStatus,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Failure {
    pub fn new(status: ExitStatus, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The arguments are wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::Usage, message)
    }

    /// The input is wrong.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ExitStatus::InvalidInput, message)
    }
}
