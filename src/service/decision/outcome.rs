//! A decision about a request.

use crate::engine::{Bypass, Plan};
use crate::limits::Limit;
use crate::service::knowledge::Operation;
use crate::service::read::{BatchItem, ReadKind};

/// What was understood of a request that is not looked up.
#[allow(clippy::large_enum_variant, reason = "it is part of a decision, which is as large")]
pub enum PassedRequest {
    /// It is a REST read.
    Rest,
    /// It runs this GraphQL operation.
    Operation(Operation),
    /// Nothing.
    Unread,
}

/// What is done with a request.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per request, and a box would be an allocation per hit"
)]
pub enum Decision {
    /// The admin routes answer it.
    Admin,
    /// A change of protocol, which is passed on untouched.
    Upgrade,
    /// A change of protocol on a GraphQL path, whose messages are read.
    Socket,
    /// It is looked up.
    LookUp {
        /// How.
        plan: Plan,
        /// What is read.
        kind: ReadKind,
    },
    /// It goes to the origin and back without a look-up.
    PassThrough {
        /// Why.
        reason: Bypass,
        /// What was understood of it.
        request: PassedRequest,
    },
    /// A REST write, by its method or by a header that replaces the method.
    RestWrite,
    /// A GraphQL mutation.
    Mutation(Operation),
    /// A GraphQL request that was not understood, and may be a mutation.
    PossibleMutation(Bypass),
    /// Several GraphQL operations.
    Batch(Vec<BatchItem>),
    /// It is over that limit, and the configuration refuses such requests.
    Refused(Limit),
    /// It names its document by a hash that is not known: the client is asked to send the document.
    UnknownDocument,
    /// Its body broke off.
    BrokenBody,
}
