//! Sorting with little code.
//!
//! `slice::sort` and its relatives are compiled once for each type and order, 5 to 10 KB of Wasm each time, and
//! so is `collect` into a `BTreeMap` or a `BTreeSet`, which sorts. Here one function sorts places, whatever
//! is at them, and only the comparison differs. It costs an indirect call for each comparison: use the
//! standard library's functions for what is sorted in a loop or has thousands of elements.
//!
//! Not in scope: numbers and strings alone, which are sorted in few instances anyway.

use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts by a comparison. Equal elements keep their order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let at = |one: usize, other: usize| match (items.get(one), items.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    };
    let mut places = sorted_places(items.len(), &at);
    // Follows each cycle of the permutation, so that every element is moved once.
    for start in 0..places.len() {
        let mut place = start;
        while let Some(from) = places.get_mut(place).map(|from| std::mem::replace(from, place))
            && from != place
            && from != start
        {
            items.swap(place, from);
            place = from;
        }
    }
}

/// Sorts by a key. Equal elements keep their order.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts elements in their own order.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Collects into a map. Of two values of one key, the last counts, as for `collect`.
pub fn map_of<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

/// Collects into an object of JSON.
pub fn object_of(members: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    object.extend(members);
    object
}

/// Collects into a set.
pub fn set_of<K: Ord>(items: impl IntoIterator<Item = K>) -> BTreeSet<K> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// The places from 0 to `count`, in the order of what is at them. Empty if they are in order already, as most
/// lists are.
fn sorted_places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    if (1..count).all(|place| compare(place - 1, place) != Ordering::Greater) {
        return Vec::new();
    }
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|one, other| compare(*one, *other));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_the_standard_library(
            items in prop::collection::vec((0u8..20, any::<u16>()), 0..80),
        ) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            let mut sorted = items.clone();
            sort_by_key(&mut sorted, |(key, _)| *key);
            prop_assert_eq!(&sorted, &expected);
            sort(&mut sorted);
            expected.sort();
            prop_assert_eq!(&sorted, &expected);
        }

        #[test]
        fn maps_and_sets_are_those_of_collect(items in prop::collection::vec((0u8..20, any::<u16>()), 0..80)) {
            prop_assert_eq!(map_of(items.clone()), items.iter().copied().collect::<BTreeMap<_, _>>());
            prop_assert_eq!(set_of(items.clone()), items.into_iter().collect::<BTreeSet<_>>());
        }
    }
}
