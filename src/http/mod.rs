//! HTTP messages as values.
//!
//! In scope: methods, header lists and sets of header names, URLs and paths, cookies, the heads of
//! requests and responses. Not in scope: streaming bodies (the traits of `service` have those), and
//! what headers mean (`policy`).

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
