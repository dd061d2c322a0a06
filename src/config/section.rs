//! One table of the configuration while it is read.
//!
//! A [`Section`] knows its keys, their types and their defaults ([`Key`]). It returns the configured
//! value or the default, and collects every fault with its path.

use super::error::ConfigError;
use super::key::{DefaultValue, Key, ValueType};
use super::nearest::nearest;
use super::share::Share;
use crate::time::Ttl;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt::Debug;

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(RefCell<Vec<ConfigError>>);

impl Faults {
    pub(super) fn add(&self, path: &str, message: impl Into<String>) {
        self.0.borrow_mut().push(ConfigError { path: path.to_owned(), message: message.into() });
    }

    pub(super) fn into_list(self) -> Vec<ConfigError> {
        self.0.into_inner()
    }
}

/// A table of the configuration, and the keys that it may have.
///
/// Reading a key that is not among them fails in debug builds; in release builds
/// [`Section::report_unknown`] refuses every configuration that has it.
pub(super) struct Section<'a> {
    path: String,
    keys: &'static [Key],
    table: Option<&'a Map<String, Value>>,
    faults: &'a Faults,
    /// The keys that were read, to notice one that no code reads.
    read: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        path: String,
        keys: &'static [Key],
        value: Option<&'a Value>,
        faults: &'a Faults,
    ) -> Self {
        let table = match value {
            None => None,
            Some(Value::Object(table)) => Some(table),
            Some(other) => {
                faults.add(&path, format!("expected a table, found {other}"));
                None
            }
        };
        Self { path, keys, table, faults, read: RefCell::default() }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn faults(&self) -> &'a Faults {
        self.faults
    }

    /// Adds a fault of one key.
    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        self.faults.add(&self.path_of(key), message);
    }

    pub(super) fn value(&self, key: &'static str) -> Option<&'a Value> {
        self.described(key);
        self.read.borrow_mut().push(key);
        self.table.and_then(|table| table.get(key))
    }

    /// Whether the key is configured. This does not count as reading it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The table under a key.
    pub(super) fn section(&self, key: &'static str, keys: &'static [Key]) -> Section<'a> {
        Section::new(self.path_of(key), keys, self.value(key), self.faults)
    }

    /// The entries of a table whose keys the user chooses.
    pub(super) fn entries(&self, key: &'static str) -> Vec<(&'a str, &'a Value)> {
        match self.value(key) {
            None => Vec::new(),
            Some(Value::Object(table)) => table.iter().map(|(k, v)| (k.as_str(), v)).collect(),
            Some(other) => {
                self.fault(key, format!("expected a table, found {other}"));
                Vec::new()
            }
        }
    }

    /// A string. The default is not applied.
    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        let text = value.as_str();
        if text.is_none() {
            self.fault(key, format!("expected a string, found {value}"));
        }
        text
    }

    /// A string, or its default.
    pub(super) fn text_or_default(&self, key: &'static str) -> &'a str {
        let default = match self.default_of(key) {
            Some(DefaultValue::Text(text)) => text,
            _ => {
                debug_assert!(false, "{key} has no string as its default");
                ""
            }
        };
        self.text(key).unwrap_or(default)
    }

    /// A flag, or its default.
    pub(super) fn flag(&self, key: &'static str) -> bool {
        let default = self.default_of(key) == Some(DefaultValue::Flag(true));
        let Some(value) = self.value(key) else { return default };
        value.as_bool().unwrap_or_else(|| {
            self.fault(key, format!("expected true or false, found {value}"));
            default
        })
    }

    /// A number, or its default.
    pub(super) fn number(&self, key: &'static str) -> u64 {
        let default = match self.default_of(key) {
            Some(DefaultValue::Number(number)) => number,
            _ => 0,
        };
        self.configured_number(key).unwrap_or(default)
    }

    /// A number. The default is not applied.
    pub(super) fn configured_number(&self, key: &'static str) -> Option<u64> {
        let value = self.value(key)?;
        let Some(ValueType::Number { unit, least, most }) =
            self.described(key).map(|key| key.value)
        else {
            return value.as_u64();
        };
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message =
                format!("expected a whole number of {unit} from {least} to {most}, found {value}");
            self.fault(key, message);
        }
        number
    }

    /// A number of seconds. The default is not applied.
    pub(super) fn configured_seconds(&self, key: &'static str) -> Option<Ttl> {
        self.configured_number(key).map(Ttl::from_seconds)
    }

    /// A number from 0 to 1, or its default.
    pub(super) fn share(&self, key: &'static str) -> Share {
        let default = match self.default_of(key) {
            Some(DefaultValue::Number(0)) => Share::NONE,
            Some(DefaultValue::Hundredths(number)) => Share::of_hundredths(number),
            _ => Share::ALL,
        };
        let Some(value) = self.value(key) else { return default };
        value.as_f64().and_then(Share::of).unwrap_or_else(|| {
            self.fault(key, format!("expected a number from 0 to 1, found {value}"));
            default
        })
    }

    /// The value for the configured choice, or for the default one. `values` are in the order of the
    /// key's choices.
    pub(super) fn choice<T>(&self, key: &'static str, values: &[T]) -> T
    where
        T: Copy + Default + PartialEq + Debug,
    {
        let Some(ValueType::Choice(names)) = self.described(key).map(|key| key.value) else {
            return T::default();
        };
        let value_of = |text: &str| {
            let mut choices = names.iter().zip(values);
            choices.find(|(name, _)| **name == text).map(|(_, value)| *value)
        };
        if let Some(DefaultValue::Text(default)) = self.default_of(key) {
            debug_assert_eq!(value_of(default), Some(T::default()), "the default of {key}");
        }
        let Some(configured) = self.value(key) else { return T::default() };
        configured.as_str().and_then(value_of).unwrap_or_else(|| {
            let names: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
            self.fault(key, format!("expected one of {}, found {configured}", names.join(", ")));
            T::default()
        })
    }

    /// A list of strings, or its default. `read` turns each string into a value.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        match (self.value(key), self.default_of(key)) {
            (Some(value), _) => strings(value, &self.path_of(key), self.faults, read),
            (None, Some(DefaultValue::List(default))) => {
                default.iter().filter_map(|text| read(text).ok()).collect()
            }
            (None, _) => Vec::new(),
        }
    }

    /// Reports the keys that do not exist. Called once, after all keys were read.
    pub(super) fn report_unknown(&self) {
        let is_read = |key: &Key| self.read.borrow().contains(&key.name);
        debug_assert!(self.keys.iter().all(is_read), "{}: no code reads a key", self.path);
        for key in self.table.into_iter().flat_map(Map::keys) {
            if self.keys.iter().all(|known| known.name != key) {
                let known: Vec<_> = self.keys.iter().map(|key| key.name).collect();
                let advice = match nearest(key, known.iter().copied()) {
                    Some(name) => format!("did you mean {name}?"),
                    None => format!("known here: {}", known.join(", ")),
                };
                self.fault(key, format!("unknown key; {advice}"));
            }
        }
    }

    fn described(&self, key: &str) -> Option<&'static Key> {
        let found = self.keys.iter().find(|known| known.name == key);
        debug_assert!(found.is_some(), "{key} is not in the section's table of keys");
        found
    }

    fn default_of(&self, key: &str) -> Option<DefaultValue> {
        self.described(key).map(|key| key.default)
    }
}

/// Reads a list of strings at any path.
pub(super) fn strings<T>(
    value: &Value,
    path: &str,
    faults: &Faults,
    read: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let Value::Array(items) = value else {
        faults.add(path, format!("expected a list of strings, found {value}"));
        return Vec::new();
    };
    let read_item = |(index, item): (usize, &Value)| {
        let text = item.as_str().ok_or_else(|| format!("expected a string, found {item}"));
        let read = text.and_then(&read);
        read.map_err(|message| faults.add(&format!("{path}[{index}]"), message)).ok()
    };
    items.iter().enumerate().filter_map(read_item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEYS: &[Key] = &[Key {
        name: "wait",
        value: ValueType::Flag,
        default: DefaultValue::Flag(true),
        doc: "Whether to wait.",
    }];

    fn with_section(read: impl FnOnce(&Section<'_>)) {
        let (value, faults) = (json!({ "wait": false }), Faults::default());
        read(&Section::new("purge".to_owned(), KEYS, Some(&value), &faults));
    }

    #[test]
    fn a_key_of_the_table_is_read() {
        with_section(|section| {
            assert!(!section.flag("wait"));
            section.report_unknown();
        });
    }

    #[test]
    #[should_panic(expected = "max_lag is not in the section's table of keys")]
    fn a_key_that_is_not_in_the_table_cannot_be_read() {
        with_section(|section| {
            section.number("max_lag");
        });
    }

    #[test]
    #[should_panic(expected = "no code reads a key")]
    fn a_key_of_the_table_has_to_be_read() {
        with_section(|section| section.report_unknown());
    }
}
