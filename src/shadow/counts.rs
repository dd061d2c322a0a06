//! The counts of comparisons: of all, and by operation and JSON path, for a bounded number of both.

use crate::order;
use crate::record::members;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many operations are counted by name. Clients choose the names; what comes later is counted only in
/// the sums.
const OPERATIONS: usize = 50;
/// How many paths are counted of each operation.
const PATHS: usize = 20;
/// How many bytes of an operation's name are kept.
const NAME_BYTES: usize = 120;

/// How many hits were compared with the origin's present response, and how many differed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ShadowCounts {
    /// How many hits were compared.
    pub compared: u64,
    /// How many of them differed, and were not purged in the meantime.
    pub different: u64,
    /// The same by operation, or by path for REST. At most 50.
    pub by_operation: BTreeMap<String, OperationCounts>,
}

members!(ShadowCounts { compared, different, by_operation });

/// The comparisons of one operation, or of one path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(default)]
pub struct OperationCounts {
    /// How many hits were compared.
    pub compared: u64,
    /// How many of them differed.
    pub different: u64,
    /// In how many of these each JSON path differed, as in `data.products[].price`. At most 20 paths.
    pub paths: BTreeMap<String, u64>,
}

members!(OperationCounts { compared, different, paths });

impl ShadowCounts {
    /// Whether nothing was compared.
    pub fn is_empty(&self) -> bool {
        self.compared == 0
    }

    /// Counts a comparison, and the paths at which it differed.
    pub fn count(&mut self, operation: &str, paths: &[String]) {
        let name = operation.get(..operation.floor_char_boundary(NAME_BYTES)).unwrap_or_default();
        let paths = order::map_of(paths.iter().map(|path| (path.clone(), 1)));
        let one = OperationCounts { compared: 1, different: u64::from(!paths.is_empty()), paths };
        self.add_operation(name, &one);
        self.compared += one.compared;
        self.different += one.different;
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.compared = self.compared.saturating_add(other.compared);
        self.different = self.different.saturating_add(other.different);
        other.by_operation.iter().for_each(|(name, counts)| self.add_operation(name, counts));
    }

    fn add_operation(&mut self, name: &str, counts: &OperationCounts) {
        if !self.by_operation.contains_key(name) {
            if self.by_operation.len() >= OPERATIONS && !self.make_room(counts) {
                return;
            }
            self.by_operation.insert(name.to_owned(), OperationCounts::default());
        }
        let Some(sum) = self.by_operation.get_mut(name) else { return };
        sum.compared = sum.compared.saturating_add(counts.compared);
        sum.different = sum.different.saturating_add(counts.different);
        for (path, times) in &counts.paths {
            if sum.paths.len() < PATHS || sum.paths.contains_key(path) {
                let count = sum.paths.entry(path.clone()).or_default();
                *count = count.saturating_add(*times);
            }
        }
    }

    /// Differences matter more than agreement: an operation without one makes room for one that has some.
    fn make_room(&mut self, counts: &OperationCounts) -> bool {
        let mut without = self.by_operation.iter().filter(|(_, one)| one.different == 0);
        let name = without.next().filter(|_| counts.different > 0).map(|(name, _)| name.clone());
        name.is_some_and(|name| self.by_operation.remove(&name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn counts_by_operation_and_path() {
        let mut counts = ShadowCounts::default();
        counts.count("Products", &[]);
        counts.count("Products", &["data.price".to_owned(), "data.name".to_owned()]);
        counts.count("Products", &["data.price".to_owned()]);
        counts.count("/api/x", &["body".to_owned()]);
        let products = json!({
            "compared": 3, "different": 2, "paths": { "data.name": 1, "data.price": 2 },
        });
        let x = json!({ "compared": 1, "different": 1, "paths": { "body": 1 } });
        let by_operation = json!({ "/api/x": x, "Products": products });
        let expected = json!({ "compared": 4, "different": 3, "by_operation": by_operation });
        assert_eq!(json!(counts), expected);
        let mut twice = counts.clone();
        twice.add(&counts);
        assert_eq!((twice.compared, twice.by_operation["Products"].paths["data.price"]), (8, 4));
    }

    #[test]
    fn an_operation_with_differences_finds_room() {
        let mut counts = ShadowCounts::default();
        for n in 0..200 {
            counts.count(&format!("Same{n}"), &[]);
        }
        counts.count("Different", &["data".to_owned()]);
        assert_eq!((counts.by_operation.len(), counts.compared), (OPERATIONS, 201));
        assert_eq!(counts.by_operation["Different"].different, 1);
    }

    proptest! {
        #[test]
        fn the_tables_are_bounded_and_the_sums_right(
            events in prop::collection::vec((0..100_usize, prop::collection::vec(0..30_u8, 0..4)), 0..200),
        ) {
            let mut counts = ShadowCounts::default();
            for (name, paths) in &events {
                let paths: Vec<String> = paths.iter().map(|path| format!("data.{path}")).collect();
                counts.count(&format!("{}{name}", "é".repeat(*name)), &paths);
            }
            let different = events.iter().filter(|(_, paths)| !paths.is_empty()).count() as u64;
            prop_assert_eq!((counts.compared, counts.different), (events.len() as u64, different));
            prop_assert!(counts.by_operation.len() <= OPERATIONS);
            for (name, one) in &counts.by_operation {
                prop_assert!(name.len() <= NAME_BYTES && one.paths.len() <= PATHS);
            }
            let mut sum = ShadowCounts::default();
            sum.add(&counts);
            prop_assert_eq!(sum, counts);
        }
    }
}
