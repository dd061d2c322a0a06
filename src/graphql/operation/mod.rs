//! What is known of an operation before its response: its analysis, root fields, arguments,
//! variables, and what the schema says about its response.
//!
//! Imports `document`, `schema`, `types` and `injection`.

pub(super) mod analysis;
pub(super) mod arguments;
pub(super) mod expected_response;
pub(super) mod root_fields;
#[cfg(test)]
pub(super) mod test_support;
pub(super) mod variables;
