//! JSON Web Tokens (RFC 7519) in compact form, and the keys that issuers publish (RFC 7517).
//!
//! In scope: parsing both, validating a token's claims, selecting the key that must have signed it,
//! and deciding when keys are fetched. Not in scope: verifying signatures and fetching keys
//! (`service`), finding the token in a request (`engine`), and encrypted tokens.

mod claims;
mod json;
mod key_cache;
mod keys;
mod web_token;

pub use claims::Claims;
pub use key_cache::{KeyCache, KeyLookup};
pub use keys::{Key, KeySet};
pub use web_token::{Token, TokenError};
