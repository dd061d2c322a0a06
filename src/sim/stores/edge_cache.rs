//! The edge cache of a data center.

use super::failure::fault;
use crate::service::Fault;
use crate::sim::environment::Environment;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The edge cache of one place.
#[derive(Default)]
pub struct Edge {
    entries: RefCell<BTreeMap<String, (u64, Vec<u8>)>>,
}

impl Edge {
    pub async fn get(
        &self,
        environment: &Environment,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Fault> {
        environment.takes(0, 3).await;
        if environment.fails(|faults| faults.edge) {
            return fault(environment, "the edge cache").await;
        }
        if environment.fails(|faults| faults.edge_evicts) {
            self.entries.borrow_mut().remove(key);
        }
        let entries = self.entries.borrow();
        Ok(entries.get(key).filter(|(until, _)| environment.now() < *until).map(|(_, v)| v.clone()))
    }

    pub async fn put(
        &self,
        environment: &Environment,
        key: &str,
        value: &[u8],
        seconds: u64,
    ) -> Result<(), Fault> {
        environment.takes(0, 5).await;
        if environment.fails(|faults| faults.edge) {
            return fault(environment, "the edge cache").await;
        }
        let until = environment.now() + seconds * 1_000;
        self.entries.borrow_mut().insert(key.to_owned(), (until, value.to_vec()));
        Ok(())
    }
}
