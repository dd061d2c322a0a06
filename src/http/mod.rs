//! HTTP messages as values.
//!
//! In scope: methods, header lists, URLs, request and response heads. Not in scope: bodies that
//! stream (the `service` layer's traits have those) and the meaning of any header (see `policy`).

mod base64url;
mod coding;
mod cookies;
pub mod fields;
mod headers;
mod message;
mod method;
mod neutral_fields;
mod original;
mod path;
mod spelling;
mod url;

pub use base64url::{from_base64url, to_base64url};
pub use coding::{ResponseCoding, accepts_coding, decoded_body};
pub use cookies::cookie_pairs;
pub use headers::{Headers, is_token};
pub use message::{Request, Response};
pub use method::Method;
pub use neutral_fields::is_neutral;
pub use original::OriginalFields;
pub use path::{Case, PathPattern, glob};
pub use spelling::{climbs, folded_path, is_plain, plain_path};
pub use url::{
    Url, form_decoded, form_encoded, form_pairs, has_one_decoding, percent_decoded, segment_decoded,
};
