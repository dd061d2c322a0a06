//! JSON Web Tokens (RFC 7519) in compact form, and the keys that issuers publish (RFC 7517).
//!
//! In scope: reading both, what makes a token good beside its signature, which key it has to be
//! signed with, and when keys are to be asked for anew. Not in scope: looking at signatures and
//! fetching keys (`service` over the runtime), where a request has its token (`engine`), and
//! encrypted tokens.

mod claims;
mod json;
mod key_cache;
mod keys;
mod web_token;

pub use claims::Claims;
pub use key_cache::{KeyCache, KeyLookup};
pub use keys::{Key, KeySet};
pub use web_token::{Token, TokenError};
