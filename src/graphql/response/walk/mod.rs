//! The walk over a response's data.

mod position;
mod response_facts;
mod state;
#[cfg(test)]
mod tests;
mod unseen_entities;
mod walker;

pub use response_facts::facts;
