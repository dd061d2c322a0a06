//! How many requests were counted under which rules of the configuration.
//!
//! What is kept of a day may be of several configurations, and of builds that did not note the cache types of
//! every request. A statement about the types of one configuration is about the requests that count here.

use crate::record::{Read, Reader};
use crate::tag::Tagging;
use serde::Serialize;

/// How many configurations are listed. There is one for each deploy that changes what matches what.
const LISTED: usize = 50;

/// Requests whose matching cache types are all noted, by the fingerprint of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RequestsByRules(Vec<(Tagging, u64)>);

impl Read for RequestsByRules {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Read::read(from).map(Self)
    }
}

impl RequestsByRules {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many requests were counted under these rules.
    pub fn of(&self, rules: Tagging) -> u64 {
        self.0.iter().find(|(known, _)| known.is_same(rules)).map_or(0, |(_, requests)| *requests)
    }

    /// Counts requests. Under unknown rules nothing is counted, and the rules that came first make room for new
    /// ones.
    pub fn count(&mut self, rules: Tagging, requests: u64) {
        if !rules.is_known() {
            return;
        }
        if let Some((_, sum)) = self.0.iter_mut().find(|(known, _)| known.is_same(rules)) {
            *sum = sum.saturating_add(requests);
            return;
        }
        if self.0.len() >= LISTED {
            self.0.remove(0);
        }
        self.0.push((rules, requests));
    }

    /// Adds the requests of others.
    pub fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(rules, requests)| self.count(*rules, *requests));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_known_rules_of_which_the_last_stay() {
        let mut counted = RequestsByRules::default();
        counted.count(Tagging::UNKNOWN, 1);
        assert!(counted.is_empty() && counted.of(Tagging::UNKNOWN) == 0);
        for number in 1..=60 {
            counted.count(Tagging::from_number(number), number);
        }
        let copy = counted.clone();
        counted.add(&copy);
        let of = |number| counted.of(Tagging::from_number(number));
        assert_eq!((of(10), of(11), of(60)), (0, 22, 120));
        let text = serde_json::to_string(&counted).unwrap();
        assert_eq!(crate::record::read::<RequestsByRules>(&text), Some(counted));
    }
}
