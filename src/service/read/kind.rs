//! What is read.

use crate::service::knowledge::Operation;
use std::rc::Rc;

/// What is read.
#[derive(Clone)]
pub enum ReadKind {
    /// A GraphQL query.
    GraphQl(Rc<Operation>),
    /// A REST resource.
    Rest,
}
