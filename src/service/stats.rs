//! Counters of one isolate for `GET stats`: over its whole life, and over the last hour in slots of ten
//! seconds.

use crate::purge::Record;
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

/// Where a response came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// From the cache.
    Hit,
    /// From the cache, though stale.
    Stale,
    /// From the origin, after a look-up.
    Miss,
    /// From the origin, without a look-up.
    Bypass,
    /// A 5xx of the origin, or no response at all.
    Error,
}

const SLOT_SECONDS: u64 = 10;
const SLOTS: usize = 360;

#[derive(Debug, Clone, Default)]
struct Counters {
    hits: u64,
    stale: u64,
    misses: u64,
    bypass: u64,
    errors: u64,
    purges: u64,
    cached_millis: u64,
    uncached_millis: u64,
    by_type: BTreeMap<String, [u64; 3]>,
    everything: PurgesOfEverything,
}

/// Purges of everything, and what caused them.
#[derive(Debug, Clone, Default)]
struct PurgesOfEverything {
    total: u64,
    by_source: BTreeMap<&'static str, u64>,
    by_field: BTreeMap<String, u64>,
}

/// How many mutation fields are counted by name. Clients choose the names, so a new one replaces the
/// rarest.
const FIELDS: usize = 50;
/// How many characters of a name are kept.
const FIELD_LETTERS: usize = 100;

/// The counters of one isolate.
#[derive(Debug, Default)]
pub(super) struct Stats {
    total: RefCell<Counters>,
    /// The last hour: the number of each slot, and what was counted in it.
    slots: RefCell<VecDeque<(u64, Counters)>>,
}

impl Stats {
    /// Counts a response, which took so many milliseconds, and its cache type.
    pub fn answered(&self, now: Timestamp, how: Answered, type_name: Option<&str>, millis: u64) {
        self.each(now, |counters| {
            let (count, spent) = match how {
                Answered::Hit => (&mut counters.hits, &mut counters.cached_millis),
                Answered::Stale => (&mut counters.stale, &mut counters.cached_millis),
                Answered::Miss => (&mut counters.misses, &mut counters.uncached_millis),
                Answered::Bypass => (&mut counters.bypass, &mut counters.uncached_millis),
                Answered::Error => (&mut counters.errors, &mut counters.uncached_millis),
            };
            *count += 1;
            *spent += millis;
            let place = match how {
                Answered::Hit => 0,
                Answered::Stale => 1,
                Answered::Miss => 2,
                Answered::Bypass | Answered::Error => return,
            };
            if let Some(type_name) = type_name {
                if !counters.by_type.contains_key(type_name) {
                    counters.by_type.insert(type_name.to_owned(), [0; 3]);
                }
                if let Some(count) =
                    counters.by_type.get_mut(type_name).and_then(|counts| counts.get_mut(place))
                {
                    *count += 1;
                }
            }
        });
    }

    /// Counts a purge that the log has recorded.
    pub fn purged(&self, now: Timestamp) {
        self.each(now, |counters| counters.purges += 1);
    }

    /// Counts a purge by its source, if it is one of everything.
    pub fn purge_requested(&self, now: Timestamp, record: &Record, source: &'static str) {
        if !record.is_everything() {
            return;
        }
        self.each(now, |counters| {
            counters.everything.total += 1;
            *counters.everything.by_source.entry(source).or_default() += 1;
        });
    }

    /// Counts the mutation field that caused a purge of everything.
    pub fn field_purged_everything(&self, now: Timestamp, field: &str) {
        let field: String = field.chars().take(FIELD_LETTERS).collect();
        self.each(now, |counters| counters.everything.add_field(&field, 1));
    }

    fn each(&self, now: Timestamp, count: impl Fn(&mut Counters)) {
        let slot = now.as_millis() / 1000 / SLOT_SECONDS;
        let mut slots = self.slots.borrow_mut();
        if slots.back().is_none_or(|(last, _)| *last < slot) {
            slots.push_back((slot, Counters::default()));
            if slots.len() > SLOTS {
                slots.pop_front();
            }
        }
        count(&mut self.total.borrow_mut());
        if let Some((_, counters)) = slots.back_mut() {
            count(counters);
        }
    }

    /// The numbers as JSON: of the last `window` seconds, rounded up to whole slots, or of the
    /// isolate's whole life.
    pub fn to_json(&self, now: Timestamp, window: Option<u64>, is_available: bool) -> Value {
        let Some(window) = window else {
            return self.total.borrow().to_json(is_available);
        };
        let first = (now.as_millis() / 1000).saturating_sub(window) / SLOT_SECONDS;
        let mut sum = Counters::default();
        let slots = self.slots.borrow();
        slots.iter().filter(|(slot, _)| *slot >= first).for_each(|(_, slot)| sum.add(slot));
        sum.to_json(is_available)
    }
}

impl Counters {
    fn add(&mut self, other: &Counters) {
        self.hits += other.hits;
        self.stale += other.stale;
        self.misses += other.misses;
        self.bypass += other.bypass;
        self.errors += other.errors;
        self.purges += other.purges;
        self.cached_millis += other.cached_millis;
        self.uncached_millis += other.uncached_millis;
        for (name, counts) in &other.by_type {
            let sums = self.by_type.entry(name.clone()).or_default();
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
        self.everything.add(&other.everything);
    }

    fn to_json(&self, is_available: bool) -> Value {
        let cached = self.hits + self.stale;
        let uncached = self.misses + self.bypass + self.errors;
        let by_type: BTreeMap<_, _> = self
            .by_type
            .iter()
            .map(|(name, [hits, stale, misses])| {
                let rate = ratio(hits + stale, hits + stale + misses);
                (name, json!({ "hits": hits, "stale": stale, "misses": misses, "hit_rate": rate }))
            })
            .collect();
        json!({
            "hits": self.hits,
            "misses": self.misses,
            "stale": self.stale,
            "bypass": self.bypass,
            "errors": self.errors,
            "total_requests": cached + uncached,
            "hit_rate": ratio(cached, cached + self.misses),
            "avg_response_time_cached_ms": ratio(self.cached_millis, cached),
            "avg_response_time_uncached_ms": ratio(self.uncached_millis, uncached),
            "purges": self.purges,
            "purges_of_everything": {
                "total": self.everything.total,
                "by_source": self.everything.by_source,
                "by_field": self.everything.by_field,
            },
            "is_available": is_available,
            "by_type": by_type,
        })
    }
}

impl PurgesOfEverything {
    fn add_field(&mut self, field: &str, times: u64) {
        if !self.by_field.contains_key(field) && self.by_field.len() >= FIELDS {
            let rarest = self.by_field.iter().min_by_key(|(_, count)| **count);
            let rarest = rarest.map(|(name, _)| name.clone());
            rarest.and_then(|name| self.by_field.remove(&name));
        }
        *self.by_field.entry(field.to_owned()).or_default() += times;
    }

    fn add(&mut self, other: &Self) {
        self.total += other.total;
        for (source, count) in &other.by_source {
            *self.by_source.entry(source).or_default() += count;
        }
        other.by_field.iter().for_each(|(field, count)| self.add_field(field, *count));
    }
}

/// `part / whole` with four decimals; 0 if `whole` is 0.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_within_the_window() {
        let stats = Stats::default();
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        stats.answered(at(0), Answered::Miss, Some("product"), 600);
        stats.answered(at(1), Answered::Hit, Some("product"), 2);
        stats.answered(at(100), Answered::Stale, Some("product"), 4);
        stats.answered(at(100), Answered::Bypass, None, 50);
        stats.purged(at(100));
        let all = stats.to_json(at(100), None, true);
        assert_eq!(
            (&all["hits"], &all["total_requests"], &all["purges"]),
            (&json!(1), &json!(4), &json!(1))
        );
        assert_eq!(all["hit_rate"], json!(0.6667));
        assert_eq!(all["avg_response_time_cached_ms"], json!(3.0));
        assert_eq!(all["avg_response_time_uncached_ms"], json!(325.0));
        let recent = stats.to_json(at(100), Some(20), true);
        assert_eq!(
            (&recent["hits"], &recent["stale"], &recent["misses"]),
            (&json!(0), &json!(1), &json!(0))
        );
        assert_eq!(recent["by_type"]["product"]["stale"], json!(1));
    }

    #[test]
    fn purges_of_everything_are_counted_by_what_caused_them() {
        let stats = Stats::default();
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        stats.purge_requested(at(0), &Record::everything(), "mutation");
        stats.field_purged_everything(at(0), "doIt");
        stats.purge_requested(at(100), &Record::everything(), "mutation");
        stats.field_purged_everything(at(100), "doIt");
        stats.purge_requested(at(100), &Record::everything(), "admin");
        let of = |window| stats.to_json(at(100), window, true)["purges_of_everything"].clone();
        let by_source = json!({ "admin": 1, "mutation": 2 });
        let all = json!({ "total": 3, "by_source": by_source, "by_field": { "doIt": 2 } });
        assert_eq!(of(None), all);
        assert_eq!(
            (&of(Some(20))["total"], &of(Some(20))["by_field"]),
            (&json!(2), &json!({ "doIt": 1 }))
        );
    }

    #[test]
    fn of_many_names_the_frequent_ones_stay() {
        let stats = Stats::default();
        for n in 0..1_000 {
            stats.field_purged_everything(Timestamp::default(), "often");
            stats.field_purged_everything(Timestamp::default(), &format!("{n}{}", "x".repeat(200)));
        }
        let all = stats.to_json(Timestamp::default(), None, true);
        let fields = all["purges_of_everything"]["by_field"].as_object().unwrap();
        assert_eq!((fields.len(), &fields["often"]), (FIELDS, &json!(1_000)));
        assert!(fields.keys().all(|name| name.len() <= FIELD_LETTERS));
    }
}
