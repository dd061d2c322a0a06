//! What an isolate knows of the API behind it: its schema, the documents that clients send or name,
//! and who they are.
//!
//! Nothing here is needed to answer a request. If KV, the issuer of tokens or the origin's
//! introspection fail, less is cached until they work again.
//!
//! ```text
//! Documents ─── HashedDocuments, UploadedDocuments ─── KV
//!     │
//! Analyses      SchemaRegistry ─── the purge log, KV, the origin
//!                      │
//!                  TypeNames      Tokens ─── the issuer's keys
//! ```

mod analyses;
mod components;
mod documents;
mod hashed;
mod schema;
mod stored_schema;
mod tokens;
mod type_names;
mod uploaded;

pub use analyses::InjectionState;
pub use components::Knowledge;
pub use documents::{Documents, Operation, Unresolved};
pub use schema::SchemaChange;
pub use uploaded::{Upload, UploadError, UploadedDocuments};
