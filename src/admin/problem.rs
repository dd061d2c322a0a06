//! The body of every error.

use serde::Serialize;

/// The body of every error: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Problem {
    /// What is wrong, and what is expected.
    pub error: String,
    /// Where it is wrong, if the body or the query is: a path such as `tags[1]`, the name of a parameter,
    /// or a line. Empty for the whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}
