use super::*;
use proptest::prelude::*;

const BUDGET: usize = 100;
const LARGEST: usize = 40;

#[derive(Debug, Clone)]
enum Step {
    Get(u8),
    Put(u8, usize),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0_u8..12;
    prop_oneof![
        key().prop_map(Step::Get),
        (key(), 0_usize..60).prop_map(|(key, bytes)| Step::Put(key, bytes)),
        key().prop_map(Step::Remove),
    ]
}

/// The same cache as a list, least recently used first: a key, its value, and its weight.
#[derive(Default)]
struct Model(Vec<(u8, usize, usize)>);

impl Model {
    fn take(&mut self, key: u8) -> Option<(u8, usize, usize)> {
        let place = self.0.iter().position(|(other, _, _)| *other == key)?;
        Some(self.0.remove(place))
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(|(_, _, bytes)| bytes).sum()
    }

    fn put(&mut self, key: u8, value: usize, bytes: usize) {
        self.take(key);
        if bytes <= LARGEST {
            self.0.push((key, value, bytes));
        }
        while self.bytes() > BUDGET {
            self.0.remove(0);
        }
    }
}

proptest! {
    /// Whatever is done: the cache holds what a plain list would hold, in the same order; its
    /// count of bytes is right and within the budget.
    #[test]
    fn does_what_a_list_would_do(steps in prop::collection::vec(step(), 0..200)) {
        let mut lru = ByteLru::new(BUDGET, LARGEST);
        let mut model = Model::default();
        for (value, step) in steps.into_iter().enumerate() {
            match step {
                Step::Get(key) => {
                    let found = model.take(key);
                    prop_assert_eq!(lru.get(&key).copied(), found.map(|(_, value, _)| value));
                    model.0.extend(found);
                }
                Step::Put(key, bytes) => {
                    lru.put(key, value, bytes);
                    model.put(key, value, bytes);
                }
                Step::Remove(key) => {
                    lru.remove(&key);
                    model.take(key);
                }
            }
            let mut held: Vec<_> =
                lru.entries.iter().map(|(key, one)| (*key, one.value, one.bytes)).collect();
            held.reverse();
            prop_assert_eq!(&held, &model.0);
            prop_assert_eq!(lru.bytes, model.bytes());
            prop_assert!(lru.bytes <= BUDGET);
        }
    }
}

#[test]
fn a_value_that_is_used_stays_and_others_make_room() {
    let mut lru = ByteLru::new(BUDGET, LARGEST);
    for n in 0..100 {
        lru.put(n, n, 25);
        assert_eq!(lru.get(&0), Some(&0), "used all the time");
    }
    assert_eq!(lru.get(&96), None);
    assert_eq!(lru.get(&97), Some(&97));
}

#[test]
fn a_value_that_is_too_large_is_not_kept_and_removes_its_predecessor() {
    let mut lru = ByteLru::new(BUDGET, LARGEST);
    lru.put("a", 1, 1);
    lru.put("a", 2, LARGEST + 1);
    assert_eq!(lru.get("a"), None);
    assert_eq!(lru.bytes, 0);
}

#[test]
fn no_value_is_larger_than_the_budget() {
    let mut lru = ByteLru::new(10, usize::MAX);
    lru.put("a", 1, 10);
    lru.put("b", 2, 11);
    assert_eq!(lru.get("a"), Some(&1));
    assert_eq!(lru.get("b"), None);
}
