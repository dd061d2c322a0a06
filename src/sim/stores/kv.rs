//! Workers KV: each place sees a write at a time of its own.

use super::failure::{damage, fault};
use crate::service::Fault;
use crate::sim::environment::Environment;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// KV: each place sees a write when it does, in whatever order.
pub struct Kv {
    places: Vec<RefCell<BTreeMap<String, Seen>>>,
}

/// A value with its end, or that there is none.
type Value = Option<(u64, Vec<u8>)>;

/// What a place sees of a key, now and later.
#[derive(Default)]
struct Seen {
    value: Value,
    /// When it sees what.
    later: Vec<(u64, Value)>,
}

impl Seen {
    fn at(&mut self, now: u64) -> Option<&Vec<u8>> {
        self.later.sort_by_key(|(at, _)| *at);
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            self.value = self.later.remove(0).1;
        }
        self.value.as_ref().filter(|(until, _)| now < *until).map(|(_, value)| value)
    }
}

impl Kv {
    pub fn new(places: usize) -> Self {
        Self { places: (0..places).map(|_| RefCell::default()).collect() }
    }

    pub async fn get(
        &self,
        environment: &Environment,
        place: usize,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Fault> {
        environment.takes(1, 20).await;
        if environment.fails(|faults| faults.kv_slow) {
            environment.takes(100, 5_000).await;
        }
        if environment.fails(|faults| faults.kv) {
            return fault(environment, "KV").await;
        }
        let now = environment.now();
        let mut seen = self.places[place].borrow_mut();
        let Some(seen) = seen.get_mut(key) else { return Ok(None) };
        let mut value = seen.at(now).cloned();
        if let Some(value) =
            value.as_mut().filter(|_| environment.fails(|faults| faults.kv_damages))
        {
            damage(environment, value);
        }
        Ok(value)
    }

    /// Stores a value. `false` if KV took it and lost it.
    pub async fn put(
        &self,
        environment: &Environment,
        place: usize,
        key: &str,
        value: &[u8],
        seconds: u64,
    ) -> Result<bool, Fault> {
        let value = Some((environment.now() + seconds * 1_000, value.to_vec()));
        self.change(environment, place, key, value).await
    }

    pub async fn delete(
        &self,
        environment: &Environment,
        place: usize,
        key: &str,
    ) -> Result<bool, Fault> {
        self.change(environment, place, key, None).await
    }

    /// The keys that a place sees.
    pub async fn list(
        &self,
        environment: &Environment,
        place: usize,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<String>, Fault> {
        environment.takes(5, 50).await;
        if environment.fails(|faults| faults.kv) {
            return fault(environment, "KV").await;
        }
        let now = environment.now();
        let mut seen = self.places[place].borrow_mut();
        let there = seen.iter_mut().filter_map(|(key, seen)| {
            let there = key.starts_with(prefix) && seen.at(now).is_some();
            (there && !environment.fails(|faults| faults.kv_hides)).then(|| key.clone())
        });
        Ok(there.take(limit).collect())
    }

    async fn change(
        &self,
        environment: &Environment,
        place: usize,
        key: &str,
        value: Value,
    ) -> Result<bool, Fault> {
        environment.takes(5, 50).await;
        if environment.fails(|faults| faults.kv) {
            return fault(environment, "KV").await;
        }
        if environment.fails(|faults| faults.kv_loses) {
            return Ok(false);
        }
        let now = environment.now();
        let lag = environment.faults.get().kv_lag;
        let late_here = lag > 0 && environment.fails(|faults| faults.kv_late_here);
        for (n, seen) in self.places.iter().enumerate() {
            let late = n != place || late_here;
            let lag = if late { environment.random.between(0, lag) } else { 0 };
            let mut seen = seen.borrow_mut();
            let seen = seen.entry(key.to_owned()).or_default();
            seen.later.push((now + lag, value.clone()));
        }
        Ok(true)
    }
}
