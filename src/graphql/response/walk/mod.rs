//! The walk over a response's data.

mod entry;
mod position;
mod state;
#[cfg(test)]
mod tests;
mod unshown;
mod walker;

pub use entry::facts;
