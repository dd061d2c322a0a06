//! The walk over a response's data that finds what the response depends on.
//!
//! `walker` visits objects and fields, `object_kinds` tags what is shown, `unseen_entities` tags what is not shown (the possible
//! content of an empty list, what a count counts), `state` holds the findings and `position` what
//! is passed down and up.

mod object_kinds;
#[cfg(test)]
mod order_tests;
mod position;
mod response_facts;
mod state;
#[cfg(test)]
mod tests;
mod unseen_entities;
mod walker;

pub use response_facts::facts;
