//! The exit statuses of the command line.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done.
    Success,
    /// Done, and the answer is a bad one.
    Negative,
    /// The arguments are wrong.
    Usage,
    /// The Worker cannot be reached.
    Unreachable,
    /// The Worker refuses the token.
    Refused,
    /// The input is wrong.
    InvalidInput,
    /// The Worker could not do it.
    Failed,
}

impl ExitStatus {
    /// Every status, with its meaning for docs/cli.md.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Success, "done"),
        (
            Self::Negative,
            "done, and the answer is negative: `health` found the service down, `explain --require-lookup` a request that is not looked up, `warm` a request that failed or was not tried, `config check` a fault, `replay` less than was required",
        ),
        (Self::Usage, "the arguments are wrong, or no URL is known. Nothing was sent"),
        (Self::Unreachable, "the Worker cannot be reached"),
        (
            Self::Refused,
            "the Worker refuses: the token is missing, wrong or of too low a role (401, 403), too many attempts (429), there is no such route or entry (404), as without `ADMIN_TOKENS`, or it redirects",
        ),
        (
            Self::InvalidInput,
            "the input is wrong: a file that cannot be read or parsed, or that is cut off, or a request that the Worker does not accept (400, 413); or the output cannot be written",
        ),
        (Self::Failed, "the Worker failed (5xx), or its answer is cut off, too large, or not JSON"),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Negative => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Refused => 4,
            Self::InvalidInput => 5,
            Self::Failed => 6,
        }
    }
}
