//! Configuration files on disk.

use super::merge::{TomlFile, read};
use serde_json::Value;

/// Reads files, merges each over those before it, and checks the result as the Worker does. `origin`
/// replaces the key of that name. The error has one message for each fault.
pub fn read_files(names: &[String], origin: Option<&str>) -> Result<Value, Vec<String>> {
    let text_of = |name: &String| {
        std::fs::read_to_string(name)
            .map_err(|error| vec![format!("{name}: cannot be read: {error}")])
    };
    let texts = names.iter().map(text_of).collect::<Result<Vec<_>, _>>()?;
    let files: Vec<TomlFile<'_>> =
        names.iter().zip(&texts).map(|(name, text)| TomlFile { name, text }).collect();
    read(&files, origin)
}
