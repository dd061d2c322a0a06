//! Where each key of a configuration was written.

use std::collections::BTreeMap;

/// A place in a file, as editors and terminals understand it: `evergraph.toml:12:3`.
pub(super) type Position = String;

/// The positions of all keys and list items, by their paths as faults name them (`types.product.ttl`,
/// `resources[0].path`).
#[derive(Debug, Default)]
pub(super) struct Positions(BTreeMap<String, Position>);

impl Positions {
    pub(super) fn insert(&mut self, path: &str, position: Position) {
        self.0.insert(path.to_owned(), position);
    }

    /// Takes the positions of another file for everything at and below a path.
    pub(super) fn replace(&mut self, path: &str, other: &Self) {
        self.0.retain(|own, _| !is_within(own, path));
        let within = other.0.iter().filter(|(own, _)| is_within(own, path));
        self.0.extend(within.map(|(own, position)| (own.clone(), position.clone())));
    }

    /// The position of a path. For a key that is missing, the position of its table.
    pub(super) fn of(&self, path: &str) -> Option<&Position> {
        let mut path = path;
        loop {
            if let Some(position) = self.0.get(path) {
                return Some(position);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }
}

fn is_within(path: &str, table: &str) -> bool {
    let rest = path.strip_prefix(table);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
