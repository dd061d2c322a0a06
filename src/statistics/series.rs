//! The numbers of a window, as a sum and over time.

use super::ask::{Ask, By};
use super::counts::{Counter, Counts};
use super::kv_content::KvAmount;
use super::names::NameTable;
use super::tally::Tally;
use crate::record::members;
use serde::Serialize;

/// How many points a series has at most.
const POINTS: u64 = 120;
/// How many names a point shows.
const NAMES_OVER_TIME: usize = 5;
/// How many names are summed up exactly.
const NAMES: usize = 300;

/// The numbers of a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct WindowSum {
    /// When the first of what is summed up was counted, in milliseconds since 1970.
    pub since: u64,
    /// When it was summed up.
    pub until: u64,
    /// The sums.
    pub sum: Tally,
    /// The numbers over time.
    pub series: Vec<Point>,
    /// What KV holds.
    pub kv: KvAmount,
}

members!(WindowSum { since, until, sum, series, kv });

/// The numbers of one part of a window.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Point {
    /// When it begins, in milliseconds since 1970.
    pub at: u64,
    /// All requests.
    pub counts: Counts,
    /// The hits (stale and revalidated ones included) and misses of the most frequent names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<(String, (u64, u64))>,
}

members!(Point { at, counts, by });

/// Sums up what was counted, tally by tally, so that no more than one of them is in memory. They come in order,
/// and if [`Self::shows_names`] then once more, to [`Self::add_names`].
#[derive(Debug)]
pub struct WindowSummer {
    ask: Ask,
    first_minute: u64,
    last_minute: u64,
    minutes_each: u64,
    /// Once the first tally is there: how many minutes a point has.
    step: Option<u64>,
    since: u64,
    sum: Tally,
    points: Vec<Point>,
    /// The names that points show.
    shown: Vec<String>,
}

impl WindowSummer {
    /// Nothing yet, of a window from `first_minute` to `last_minute`. A tally is of `minutes_each` minutes or
    /// more.
    pub fn new((first_minute, last_minute): (u64, u64), minutes_each: u64, ask: Ask) -> Self {
        Self {
            ask,
            first_minute,
            last_minute,
            minutes_each,
            step: None,
            since: last_minute.max(first_minute),
            sum: Tally::default(),
            points: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Adds a tally, and the minute in which it begins.
    pub fn add(&mut self, minute: u64, tally: &Tally) {
        if self.step.is_none() {
            self.since = minute.max(self.first_minute);
            let span =
                (self.last_minute + 1).saturating_sub(self.since).div_ceil(self.minutes_each);
            self.step = Some(span.div_ceil(POINTS).max(1) * self.minutes_each);
        }
        self.sum.add(tally, NAMES);
        let at = self.point_at(minute);
        if self.points.last().is_none_or(|last| last.at < at) {
            self.points.push(Point { at, ..Point::default() });
        }
        if let Some(point) = self.points.last_mut() {
            point.counts.add(&tally.total);
        }
    }

    /// Whether points show names. Call it after the last tally: which ones depends on all of them.
    pub fn shows_names(&mut self) -> bool {
        let names = self.ask.by.and_then(|by| over_time(&self.sum, by));
        self.shown = names.map(most_frequent).unwrap_or_default();
        !self.shown.is_empty()
    }

    /// Adds the most frequent names of a tally that was added before.
    pub fn add_names(&mut self, minute: u64, tally: &Tally) {
        let at = self.point_at(minute);
        let Some(names) = self.ask.by.and_then(|by| over_time(tally, by)) else { return };
        let Some(point) = self.points.iter_mut().rev().find(|point| point.at <= at) else { return };
        for name in &self.shown {
            if let Some(counts) = names.get(name) {
                let new = (counts.from_cache(), counts.of(Counter::Misses));
                match point.by.iter_mut().find(|(known, _)| known == name) {
                    Some((_, sum)) => *sum = (sum.0 + new.0, sum.1 + new.1),
                    None => point.by.push((name.clone(), new)),
                }
            }
        }
    }

    /// The numbers of the window.
    pub fn finish(self) -> WindowSum {
        let Self { since, sum, points, .. } = self;
        WindowSum { since: since * 60_000, sum, series: points, ..WindowSum::default() }
    }

    fn point_at(&self, minute: u64) -> u64 {
        let step = self.step.unwrap_or(1);
        minute / step * step * 60_000
    }
}

/// Sums up tallies that are in memory.
pub fn window_sum(
    tallies: &[(u64, &Tally)],
    window: (u64, u64),
    minutes_each: u64,
    ask: Ask,
) -> WindowSum {
    let mut summer = WindowSummer::new(window, minutes_each, ask);
    tallies.iter().for_each(|(minute, tally)| summer.add(*minute, tally));
    if summer.shows_names() {
        tallies.iter().for_each(|(minute, tally)| summer.add_names(*minute, tally));
    }
    summer.finish()
}

fn over_time(tally: &Tally, by: By) -> Option<&NameTable> {
    match by {
        By::Type => Some(&tally.types),
        By::Operation => Some(&tally.operations),
        By::Path | By::Reason => None,
    }
}

fn most_frequent(table: &NameTable) -> Vec<String> {
    let mut top = table.clone();
    top.keep_most_frequent(NAMES_OVER_TIME);
    top.named().map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(hits: u64, name: &str) -> Tally {
        let mut tally = Tally::default();
        tally.total.add_to(Counter::Hits, hits);
        tally.types.count(name, 9, |counts| counts.add_to(Counter::Hits, hits));
        tally
    }

    proptest! {
        /// However long the window: there are few points, and they have everything.
        #[test]
        fn a_series_is_short_and_complete(minutes in prop::collection::btree_map(0u64..43_200, 1u64..9, 0..300)) {
            let tallies: Vec<(u64, Tally)> =
                minutes.iter().map(|(minute, hits)| (*minute, tally(*hits, "a"))).collect();
            let tallies: Vec<(u64, &Tally)> = tallies.iter().map(|(at, tally)| (*at, tally)).collect();
            for minutes_each in [1, 60] {
                let ask = Ask { window: None, by: Some(By::Type) };
                let window = window_sum(&tallies, (0, 43_200), minutes_each, ask);
                prop_assert!(window.series.len() as u64 <= POINTS + 1);
                let all: u64 = minutes.values().sum();
                prop_assert_eq!(window.series.iter().map(|point| point.counts.requests()).sum::<u64>(), all);
                let by = window.series.iter().flat_map(|point| &point.by);
                let by: u64 = by.map(|(_, (hits, _))| hits).sum();
                prop_assert_eq!((window.sum.total.requests(), by), (all, all));
            }
        }
    }

    #[test]
    fn only_the_most_frequent_names_are_shown_over_time() {
        let tallies: Vec<Tally> = (1..=9).map(|n| tally(n, &format!("type-{n}"))).collect();
        let tallies: Vec<(u64, &Tally)> = (0..).zip(&tallies).collect();
        let ask = Ask { window: None, by: Some(By::Type) };
        let window = window_sum(&tallies, (0, 8), 1, ask);
        assert_eq!((window.series.len(), window.sum.types.named().count()), (9, 9));
        assert_eq!(window.series.iter().filter(|point| !point.by.is_empty()).count(), 5);
    }
}
