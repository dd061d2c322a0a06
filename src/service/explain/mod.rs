//! `POST explain`: what would be done with a request, and why.
//!
//! The decision is the one that `decision/` makes for every request, and the look-up is the one of
//! `cache/`. Here they are described (docs/decisions/0046-explain-is-the-request-path.md).
//!
//! In scope: everything up to where the origin would be asked. Not in scope: reading the body of the
//! admin request (`crate::admin`), and where a plan's values come from (`engine/explanation`).

mod by_numbers;
mod documented;
mod entry;
mod explainer;
mod form;
mod parts;
mod recent_numbers;
mod write;

#[cfg(test)]
mod tests;

pub(super) use explainer::Explainer;
pub(super) use recent_numbers::RecentNumbers;
