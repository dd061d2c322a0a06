//! Files merged over each other, and checked.

use super::positions::Positions;
use super::source::{Source, parse};
use crate::config;
use serde_json::{Map, Value};

/// A file with its text.
#[derive(Debug)]
pub struct TomlFile<'t> {
    /// Its name in messages, such as `evergraph.toml`.
    pub name: &'t str,
    /// Its text.
    pub text: &'t str,
}

/// Merges files, each over those before it, and checks the result as the Worker does.
///
/// Tables are merged key by key; any other value, including a list, replaces the one before it.
/// `origin` replaces the key of that name. The error has one message for each fault.
pub fn read(files: &[TomlFile<'_>], origin: Option<&str>) -> Result<Value, Vec<String>> {
    let mut merged = Source::default();
    for file in files {
        let next = parse(file.name, file.text).map_err(|fault| vec![fault])?;
        merged.faults.extend_from_slice(&next.faults);
        merge("", &mut merged.table, next.table, &mut merged.positions, &next.positions);
    }
    if let Some(origin) = origin {
        merged.table.insert("origin".to_owned(), Value::from(origin));
        merged.positions.insert("origin", "--origin".to_owned());
    }
    if !merged.faults.is_empty() {
        return Err(merged.faults);
    }
    let value = Value::Object(merged.table);
    match config::parse(&value) {
        Ok(_) => Ok(value),
        Err(faults) => {
            let file = files.first().map_or("", |file| file.name);
            let with_place = |fault: &config::ConfigError| {
                let place = merged.positions.of(&fault.path).map_or(file, String::as_str);
                format!("{place}: {fault}{}", advice(fault))
            };
            Err(faults.iter().map(with_place).collect())
        }
    }
}

/// In TOML, what follows the header of a table belongs to that table: a key of the top level is easily
/// written too far below.
fn advice(fault: &config::ConfigError) -> String {
    let name = fault.path.rsplit('.').next().unwrap_or_default();
    let top_level = config::SECTIONS.iter().find(|(path, _)| path.is_empty());
    let is_known = top_level.is_some_and(|(_, keys)| keys.iter().any(|key| key.name == name));
    match fault.message.starts_with("unknown key") && is_known {
        true => format!(" ({name} is a key of the top level: write it above the first [section])"),
        false => String::new(),
    }
}

fn merge(
    path: &str,
    into: &mut Map<String, Value>,
    from: Map<String, Value>,
    positions: &mut Positions,
    new_positions: &Positions,
) {
    for (key, value) in from {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (into.get_mut(&key), value) {
            (Some(Value::Object(into)), Value::Object(from)) => {
                merge(&path, into, from, positions, new_positions);
            }
            (_, value) => {
                positions.replace(&path, new_positions);
                into.insert(key, value);
            }
        }
    }
}
