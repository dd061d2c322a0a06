//! Reads the configuration from JSON. All faults are reported at once, each with its path.

use super::error::ConfigError;
use super::root::{self, Config, DEFAULT_SERVICE};
use super::section::{Faults, Section};
use super::tagging::tagging;
use serde_json::Value;

/// Reads a configuration, or returns everything that is wrong with it.
pub fn parse(value: &Value) -> Result<Config, Vec<ConfigError>> {
    let faults = Faults::default();
    let mut config = root::config(&Section::new(String::new(), root::KEYS, Some(value), &faults));
    config.tagging = tagging(&config);
    let faults = faults.into_list();
    if faults.is_empty() { Ok(config) } else { Err(faults) }
}

/// The origin, if that key is valid. A configuration with other faults still needs it: requests have
/// to go somewhere.
pub fn origin_of(value: &Value) -> Option<String> {
    read_alone(value, root::origin)
}

/// The name of the purge log: the service's oldest name. A configuration with faults still needs it,
/// because writes have to be purged; so a faulty name is skipped.
pub fn log_name_of(value: &Value) -> String {
    read_alone(value, root::oldest_name)
        .or_else(|| read_alone(value, |root| Some(root::service(root))))
        .unwrap_or_else(|| DEFAULT_SERVICE.to_owned())
}

/// Reads a part of the top level. `None` if that part has a fault.
fn read_alone<T>(value: &Value, read: impl FnOnce(&Section<'_>) -> Option<T>) -> Option<T> {
    let faults = Faults::default();
    let found = read(&Section::new(String::new(), root::KEYS, Some(value), &faults));
    found.filter(|_| faults.into_list().is_empty())
}

#[cfg(test)]
mod tests;
