//! The API behind Evergraph: products and users, in GraphQL and in REST. Everything has a version,
//! the number of the write that made it, and every answer says whose it is.

mod api;
mod echo;
mod entities;
mod schema;
mod sessions;
mod shown;
mod texts;

pub use api::Api;
pub use echo::{COOKIES, HEADERS, PARTS, told};
pub use entities::{ApiResponse, product, session_of, text, user};
pub use schema::introspected;
pub use shown::{brief, objects};
pub use texts::{LINE_BYTES, LINES, span};
