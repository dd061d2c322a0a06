//! The numbers of a service as metrics.

use super::exposition::Exposition;
use super::table::*;
use crate::admin::health::HealthState;
use crate::alerts::{AlertReport, Firing};
use crate::order;
use crate::shadow::ShadowCounts;
use crate::statistics::{BOUNDS_MS, Counter, Counts, KvAmount, PurgeCounts, Tally};
use std::collections::BTreeMap;

/// How many operations are exported.
const OPERATIONS: usize = 20;
/// The label of requests that no cache type matches. No type can have this name.
const NO_TYPE: &str = "(none)";

/// The results of requests, with what counts them.
const RESULTS: [(&str, Counter); 6] = [
    ("hit", Counter::Hits),
    ("stale", Counter::Stale),
    ("revalidated", Counter::Revalidated),
    ("miss", Counter::Misses),
    ("bypass", Counter::Bypass),
    ("error", Counter::Errors),
];

/// What is exported.
pub struct MetricsReport<'a> {
    /// What was counted since counting began. `None`: it is not known, and no counter is exported. Those of
    /// another source would look as if they had begun again.
    pub totals: Option<&'a Tally>,
    /// Whose counters these are: `service`, `isolate` or `none`.
    pub counted_by: &'static str,
    /// What Workers KV holds, if it is known.
    pub kv: Option<KvAmount>,
    /// The state of the service, under the name `service`, and of its parts.
    pub health: &'a [(&'a str, HealthState)],
    /// Every alert.
    pub alerts: &'a [AlertReport],
    /// How old the replica of the log is, in milliseconds. `None`: the log was never read.
    pub log_age_millis: Option<u64>,
    /// Whether the cache is paused.
    pub is_paused: bool,
    /// The id of the deployed version; empty if it is unknown.
    pub deployment: &'a str,
}

impl MetricsReport<'_> {
    /// The report in the text format.
    pub fn to_text(&self) -> String {
        let mut out = Exposition::default();
        if let Some(totals) = self.totals {
            Self::requests(totals, &mut out);
            Self::times(&totals.total, &mut out);
            Self::purges(&totals.purges, &mut out);
            Self::shadow(&totals.shadow, &mut out);
        }
        self.state(&mut out);
        out.into_text()
    }

    fn requests(totals: &Tally, out: &mut Exposition) {
        out.begin(&REQUESTS);
        for (name, counts) in totals.types.rows(usize::MAX) {
            results(out, &REQUESTS, &name, &counts, &Counts::default());
        }
        results(out, &REQUESTS, NO_TYPE, &totals.total, &totals.types.sum());

        out.begin(&HITS);
        for (tier, counter) in
            [("memory", Counter::Memory), ("edge", Counter::Edge), ("kv", Counter::Kv)]
        {
            out.sample(&HITS, &[tier], totals.total.of(counter));
        }

        out.begin(&BYPASS);
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for (reason, count) in totals.bypass_reasons() {
            // Names of headers and cookies are left to `GET stats?by=reason`.
            let word = reason.split(':').next().unwrap_or(reason);
            *reasons.entry(word).or_default() += count;
        }
        reasons.iter().for_each(|(reason, count)| out.sample(&BYPASS, &[reason], *count));

        out.begin(&OPERATION_REQUESTS);
        let mut operations: Vec<_> = totals.operations.named().collect();
        order::sort_by_key(&mut operations, |(_, counts)| std::cmp::Reverse(counts.requests()));
        for (name, counts) in operations.into_iter().take(OPERATIONS) {
            results(out, &OPERATION_REQUESTS, name, counts, &Counts::default());
        }
    }

    fn times(total: &Counts, out: &mut Exposition) {
        out.begin(&DURATION);
        for (label, counts, sum) in [
            ("true", total.cached_times(), Counter::CachedMillis),
            ("false", total.uncached_times(), Counter::UncachedMillis),
        ] {
            out.histogram(&DURATION, &[label], &BOUNDS_MS, counts, total.of(sum));
        }
        out.begin(&BYTES);
        out.sample(&BYTES, &["cache"], total.of(Counter::BytesCached));
        out.sample(&BYTES, &["origin"], total.of(Counter::BytesUncached));
        out.begin(&SECONDS_SAVED);
        out.fraction(&SECONDS_SAVED, &[], total.of(Counter::SavedMillis));
    }

    fn purges(purges: &PurgeCounts, out: &mut Exposition) {
        for (metric, counts) in
            [(&PURGES, &purges.by_source), (&PURGES_OF_EVERYTHING, &purges.of_everything_by_source)]
        {
            out.begin(metric);
            counts.iter().for_each(|(source, count)| out.sample(metric, &[source], *count));
        }
    }

    /// The operations with most differences, then those that were compared most.
    fn shadow(shadow: &ShadowCounts, out: &mut Exposition) {
        let mut operations: Vec<_> = shadow.by_operation.iter().collect();
        order::sort_by_key(&mut operations, |(_, one)| {
            std::cmp::Reverse((one.different, one.compared))
        });
        operations.truncate(OPERATIONS);
        out.begin(&SHADOW_COMPARED);
        for (name, one) in &operations {
            out.sample(&SHADOW_COMPARED, &[name], one.compared);
        }
        out.begin(&SHADOW_DIFFERENT);
        for (name, one) in &operations {
            out.sample(&SHADOW_DIFFERENT, &[name], one.different);
        }
    }

    fn state(&self, out: &mut Exposition) {
        if let Some(kv) = self.kv {
            out.single(&KV_ENTRIES, kv.entries);
            out.single(&KV_BYTES, kv.bytes);
        }
        if let Some(millis) = self.log_age_millis {
            out.begin(&LOG_AGE);
            out.fraction(&LOG_AGE, &[], millis);
        }
        out.begin(&HEALTH);
        for (part, state) in self.health {
            if let Some(number) = state.number() {
                out.sample(&HEALTH, &[part], number.into());
            }
        }
        out.begin(&ALERT_FIRING);
        for alert in self.alerts {
            out.sample(&ALERT_FIRING, &[&alert.alert], (alert.state == Firing::Firing).into());
        }
        out.single(&PAUSED, self.is_paused.into());
        out.begin(&COUNTED_BY);
        out.sample(&COUNTED_BY, &[self.counted_by], 1);
        out.begin(&BUILD_INFO);
        out.sample(&BUILD_INFO, &[env!("CARGO_PKG_VERSION"), self.deployment], 1);
    }
}

/// A sample for each result, less what is shown elsewhere. A counter that is not there until it rises would hide
/// its first increase.
fn results(out: &mut Exposition, metric: &Metric, name: &str, counts: &Counts, less: &Counts) {
    for (result, counter) in RESULTS {
        let count = counts.of(counter).saturating_sub(less.of(counter));
        out.sample(metric, &[name, result], count);
    }
}

#[cfg(test)]
mod tests;
