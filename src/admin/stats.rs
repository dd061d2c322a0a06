//! The response to `GET stats`.

use super::stats_rows::{ByTier, Latency, Row, RowCounts, RowSort};
use crate::shadow::ShadowCounts;
use crate::statistics::{By, Counter, Counts, NameTable, Point, RecentPurge, Tally, WindowSum};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// How many rows and types are listed.
const ROWS: usize = 50;

/// The numbers of a window.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Stats {
    /// Whether all isolates of the service are counted (`service`), or only the one that responds
    /// (`isolate`).
    pub counted_by: &'static str,
    /// Why the statistics object did not answer, if it is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The window in seconds. `null`: everything that is kept.
    pub window: Option<u64>,
    /// When the first of what is summed up was counted, in milliseconds since 1970.
    pub since: u64,
    /// When it was summed up, in milliseconds since 1970.
    pub until: u64,
    /// The sums.
    #[serde(flatten)]
    pub counts: RowCounts,
    /// The average time of hits and stale responses, in milliseconds.
    pub avg_response_time_cached_ms: f64,
    /// The average time of all other responses, in milliseconds.
    pub avg_response_time_uncached_ms: f64,
    /// How many milliseconds the origin had taken for the responses that came from the cache.
    pub origin_ms_saved: u64,
    /// Hits and stale responses by tier.
    pub by_tier: ByTier,
    /// The bytes of bodies.
    pub bytes: Bytes,
    /// How long responses took.
    pub latency: Latency,
    /// Requests that were not looked up, by reason.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, u64>"))]
    pub bypass_reasons: Vec<(String, u64)>,
    /// Purges that the log has recorded.
    pub purges: u64,
    /// The same by source.
    pub purges_by_source: BTreeMap<String, u64>,
    /// The same by how much they name.
    pub purges_by_size: BTreeMap<String, u64>,
    /// Purges of everything.
    pub purges_of_everything: PurgesOfEverything,
    /// What Workers KV holds, as an estimate. `null` without the statistics object.
    pub entries: Option<KvEntries>,
    /// Whether KV is bound and works.
    pub is_available: bool,
    /// The numbers of each cache type.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, TypeRow>"))]
    pub by_type: Vec<(String, TypeRow)>,
    /// With `by`: the rows, sorted by `sort`. `(other)` is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Row>>,
    /// The numbers over time.
    pub series: Vec<SeriesPoint>,
    /// The last purges.
    pub recent_purges: Vec<PurgeRow>,
    /// The comparisons of shadow mode, if there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowCounts>,
    /// The state of each circuit breaker: `open` or `closed`.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, String>"))]
    pub breakers: Vec<(String, String)>,
    /// How close requests came to each limit.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, LimitUse>"))]
    pub limits: Vec<(String, LimitUse)>,
}

/// The bytes of bodies.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Bytes {
    /// From the cache.
    pub cached: u64,
    /// From the origin, as far as it says how long they are.
    pub uncached: u64,
}

/// Purges of everything that were asked for.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PurgesOfEverything {
    /// How many.
    pub total: u64,
    /// By source.
    pub by_source: BTreeMap<String, u64>,
    /// By the mutation field that caused them.
    pub by_field: BTreeMap<String, u64>,
}

/// What Workers KV holds, as an estimate.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct KvEntries {
    /// How many entries.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The numbers of a cache type.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct TypeRow {
    /// Fresh responses from the cache.
    pub hits: u64,
    /// Stale responses from the cache.
    pub stale: u64,
    /// Responses of the origin after a look-up.
    pub misses: u64,
    /// Responses from the cache, as a share of the look-ups.
    pub hit_rate: f64,
}

/// The numbers of a part of the window.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct SeriesPoint {
    /// When it begins, in milliseconds since 1970.
    pub at: u64,
    /// Fresh responses from the cache.
    pub hits: u64,
    /// Stale responses from the cache.
    pub stale: u64,
    /// Responses from the cache that the origin had just confirmed.
    pub revalidated: u64,
    /// Responses of the origin after a look-up.
    pub misses: u64,
    /// Responses of the origin without a look-up.
    pub bypass: u64,
    /// Responses with a 5xx.
    pub errors: u64,
    /// The milliseconds that hits and stale responses took, summed up.
    pub cached_ms: u64,
    /// The milliseconds that all other responses took, summed up.
    pub uncached_ms: u64,
    /// With `by=type` or `by=operation`: the five most frequent names.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_object")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "BTreeMap<String, HitsAndMisses>"))]
    pub by: Vec<(String, HitsAndMisses)>,
}

/// The look-ups of one name.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct HitsAndMisses {
    /// Answered from the cache: hits, stale and revalidated responses.
    pub hits: u64,
    /// Answered by the origin.
    pub misses: u64,
}

/// A purge.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PurgeRow {
    /// When it was recorded, in milliseconds since 1970.
    pub at: u64,
    /// What caused it, such as `mutation` or `admin`.
    pub source: String,
    /// The sequence number of its record.
    pub seq: u64,
    /// How many tags it has, including those that are purged with the named ones.
    pub tags: usize,
    /// How many patterns it has.
    pub patterns: usize,
    /// Whether it purges everything.
    pub all: bool,
    /// Whether it is soft.
    pub soft: bool,
    /// The mutation field, the path or the name of the token that caused it.
    pub cause: Option<String>,
}

/// How close requests came to a limit.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct LimitUse {
    /// The configured limit.
    pub limit: usize,
    /// The most that a request of this isolate has needed.
    pub highest: usize,
}

/// What is known beside the counts.
#[derive(Debug, Clone, Default)]
pub struct StatsDetails {
    /// Whether the sum is of this isolate alone.
    pub is_own: bool,
    /// Why the statistics object did not answer.
    pub fault: Option<String>,
    /// `?window=`
    pub window: Option<u64>,
    /// `?by=`
    pub by: Option<By>,
    /// `?sort=`
    pub sort: RowSort,
    /// Whether KV is bound and works.
    pub is_available: bool,
    /// The state of each circuit breaker.
    pub breakers: Vec<(String, String)>,
    /// How close requests came to each limit.
    pub limits: Vec<(String, LimitUse)>,
}

impl Stats {
    /// The numbers of a window.
    pub fn new(window: WindowSum, details: StatsDetails) -> Self {
        let WindowSum { since, until, sum, series, kv } = window;
        let total = &sum.total;
        let bytes = Bytes {
            cached: total.of(Counter::BytesCached),
            uncached: total.of(Counter::BytesUncached),
        };
        let entries = (!details.is_own).then_some(KvEntries { count: kv.entries, bytes: kv.bytes });
        let bypass_reasons = sum.bypass_reasons().map(|(name, n)| (name.to_owned(), n)).collect();
        Self {
            counted_by: if details.is_own { "isolate" } else { "service" },
            fault: details.fault,
            window: details.window,
            since,
            until,
            counts: RowCounts::of(total),
            avg_response_time_cached_ms: total.average_cached_millis(),
            avg_response_time_uncached_ms: total.average_uncached_millis(),
            origin_ms_saved: total.of(Counter::SavedMillis),
            by_tier: ByTier::of(total),
            bytes,
            latency: Latency::of(total),
            bypass_reasons,
            purges: sum.purges.recorded,
            entries,
            is_available: details.is_available,
            by_type: sum.types.rows(ROWS).iter().map(TypeRow::of).collect(),
            rows: details.by.map(|by| Row::list(table(&sum, by), ROWS, details.sort)),
            series: series.into_iter().map(SeriesPoint::of).collect(),
            recent_purges: sum.recent_purges.list().iter().map(PurgeRow::of).collect(),
            purges_by_source: sum.purges.by_source,
            purges_by_size: sum.purges.by_size,
            purges_of_everything: PurgesOfEverything {
                total: sum.purges.of_everything,
                by_source: sum.purges.of_everything_by_source,
                by_field: sum.purges.of_everything_by_field,
            },
            shadow: Some(sum.shadow).filter(|counts| !counts.is_empty()),
            breakers: details.breakers,
            limits: details.limits,
        }
    }
}

/// Names with values, as an object. A list takes less code than a map.
fn as_object<S: Serializer, T: Serialize>(
    rows: &[(String, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rows.iter().map(|(name, value)| (name, value)))
}

fn table(sum: &Tally, by: By) -> &NameTable {
    match by {
        By::Type => &sum.types,
        By::Operation => &sum.operations,
        By::Path => &sum.paths,
        By::Reason => &sum.reasons,
    }
}

impl TypeRow {
    fn of((name, counts): &(String, Counts)) -> (String, Self) {
        let row = Self {
            hits: counts.of(Counter::Hits),
            stale: counts.of(Counter::Stale),
            misses: counts.of(Counter::Misses),
            hit_rate: counts.hit_rate(),
        };
        (name.clone(), row)
    }
}

impl SeriesPoint {
    fn of(point: Point) -> Self {
        let Point { at, counts, by } = point;
        let by =
            by.into_iter().map(|(name, (hits, misses))| (name, HitsAndMisses { hits, misses }));
        Self {
            at,
            hits: counts.of(Counter::Hits),
            stale: counts.of(Counter::Stale),
            revalidated: counts.of(Counter::Revalidated),
            misses: counts.of(Counter::Misses),
            bypass: counts.of(Counter::Bypass),
            errors: counts.of(Counter::Errors),
            cached_ms: counts.of(Counter::CachedMillis),
            uncached_ms: counts.of(Counter::UncachedMillis),
            by: by.collect(),
        }
    }
}

impl PurgeRow {
    fn of(purge: &RecentPurge) -> Self {
        let RecentPurge { at, source, seq, tags, patterns, all, soft, cause } = purge.clone();
        Self { at, source, seq, tags, patterns, all, soft, cause }
    }
}
