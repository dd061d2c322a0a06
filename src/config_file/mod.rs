//! A configuration in TOML files: `evergraph.toml`, and `evergraph.<name>.toml` merged over it. Every
//! fault is reported with its file, line and column.
//!
//! In scope: reading and merging the files for the build. The Worker gets the result as JSON. Not in
//! scope: what the keys mean (`config`).

mod files;
mod merge;
mod positions;
mod source;

pub use files::read_files;
pub use merge::{TomlFile, read};

#[cfg(test)]
mod tests;
