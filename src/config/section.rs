//! A table of the configuration while it is read: what was asked for, and what was wrong.

use super::ConfigError;
use crate::time::Ttl;
use serde_json::{Map, Value};
use std::cell::RefCell;

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

/// One table. Every key that is asked for is known; [`Section::finish`] reports the others.
pub(super) struct Section<'a> {
    path: String,
    table: Option<&'a Map<String, Value>>,
    asked: RefCell<Vec<&'static str>>,
    faults: &'a Faults,
}

impl<'a> Section<'a> {
    pub(super) fn new(path: String, value: Option<&'a Value>, faults: &'a Faults) -> Self {
        let table = match value {
            None => None,
            Some(Value::Object(table)) => Some(table),
            Some(other) => {
                faults.add(&path, format!("expected a table, found {other}"));
                None
            }
        };
        Self { path, table, asked: RefCell::new(Vec::new()), faults }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn faults(&self) -> &'a Faults {
        self.faults
    }

    pub(super) fn value(&self, key: &'static str) -> Option<&'a Value> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table.and_then(|table| table.get(key))
    }

    /// Whether there is such a key, which something else asks for.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        Section::new(self.path_of(key), self.value(key), self.faults)
    }

    /// The entries of a table whose keys are the user's own.
    pub(super) fn entries(&self, key: &'static str) -> Vec<(&'a str, &'a Value)> {
        match self.value(key) {
            None => Vec::new(),
            Some(Value::Object(table)) => table.iter().map(|(k, v)| (k.as_str(), v)).collect(),
            Some(other) => {
                self.faults.add(&self.path_of(key), format!("expected a table, found {other}"));
                Vec::new()
            }
        }
    }

    pub(super) fn text(&self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        let text = value.as_str();
        if text.is_none() {
            self.faults.add(&self.path_of(key), format!("expected a string, found {value}"));
        }
        text
    }

    pub(super) fn flag(&self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        value.as_bool().unwrap_or_else(|| {
            self.faults.add(&self.path_of(key), format!("expected true or false, found {value}"));
            default
        })
    }

    pub(super) fn number(
        &self,
        key: &'static str,
        unit: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = self.value(key)?;
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            self.faults.add(
                &self.path_of(key),
                format!("expected a whole number of {unit} from {low} to {high}, found {value}"),
            );
        }
        number
    }

    pub(super) fn seconds(&self, key: &'static str) -> Option<Ttl> {
        self.number(key, "seconds", 0..=Ttl::MAX.as_seconds()).map(Ttl::from_seconds)
    }

    pub(super) fn one_of<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.value(key)?;
        let found = value
            .as_str()
            .and_then(|text| choices.iter().find(|(name, _)| *name == text))
            .map(|(_, choice)| *choice);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
            self.faults.add(
                &self.path_of(key),
                format!("expected one of {}, found {value}", names.join(", ")),
            );
        }
        found
    }

    /// A list of strings, each turned into what it means.
    pub(super) fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let path = self.path_of(key);
        self.value(key).map(|value| strings(value, &path, self.faults, read)).unwrap_or_default()
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn report_unknown(&self) {
        let asked = self.asked.borrow();
        for key in self.table.into_iter().flat_map(Map::keys) {
            if !asked.contains(&key.as_str()) {
                let known = asked.join(", ");
                self.faults.add(&self.path_of(key), format!("unknown key; known here: {known}"));
            }
        }
    }
}

/// Reads a list of strings that stands anywhere.
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
    items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let read = item
                .as_str()
                .ok_or_else(|| format!("expected a string, found {item}"))
                .and_then(&read);
            read.map_err(|message| faults.add(&format!("{path}[{index}]"), message)).ok()
        })
        .collect()
}
