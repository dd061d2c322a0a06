//! The table of metrics. docs/monitoring.md has it too: `UPDATE_DOCS=1 cargo test --test reference`.

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name. A histogram's samples have names that begin with it.
    pub name: &'static str,
    /// Its type.
    pub kind: MetricType,
    /// The names of its labels, in the order in which samples have them.
    pub labels: &'static [&'static str],
    /// What it says, in one line.
    pub help: &'static str,
}

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// It only rises, until what counts it begins again.
    Counter,
    /// It rises and falls.
    Gauge,
    /// Cumulative counts of observations up to each bound, their sum and their number.
    Histogram,
}

impl MetricType {
    /// The word in the text format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Defines a constant for each metric, and [`METRICS`].
macro_rules! metrics {
    ($($constant:ident $kind:ident $name:literal [$($label:literal)*] $help:literal;)+) => {
        $(pub(super) const $constant: Metric = Metric {
            name: $name,
            kind: MetricType::$kind,
            labels: &[$($label),*],
            help: $help,
        };)+

        /// Every metric, in the order in which it is exported.
        pub const METRICS: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    REQUESTS Counter "evergraph_requests_total" ["type" "result"]
        "Requests by cache type and result: hit, stale, revalidated, miss, bypass or error.";
    HITS Counter "evergraph_hits_total" ["tier"]
        "Responses from the cache, stale ones included, by the tier that had them.";
    BYPASS Counter "evergraph_bypass_total" ["reason"]
        "Requests that were not looked up, by reason.";
    OPERATION_REQUESTS Counter "evergraph_operation_requests_total" ["operation" "result"]
        "Requests of the 20 most frequent GraphQL operations, by result.";
    DURATION Histogram "evergraph_request_duration_seconds" ["cached"]
        "Response times, of responses from the cache and of all others.";
    BYTES Counter "evergraph_bytes_total" ["from"]
        "Bytes of bodies from the cache, and from the origin as far as they are known.";
    SECONDS_SAVED Counter "evergraph_origin_seconds_saved_total" []
        "The time that the origin had taken for what then came from the cache.";
    PURGES Counter "evergraph_purges_total" ["source"]
        "Recorded purges by what caused them.";
    PURGES_OF_EVERYTHING Counter "evergraph_purges_of_everything_total" ["source"]
        "Purges of everything that were asked for, by what caused them.";
    SHADOW_COMPARED Counter "evergraph_shadow_compared_total" ["operation"]
        "Hits that shadow mode compared with the origin's response, of 20 operations or paths.";
    SHADOW_DIFFERENT Counter "evergraph_shadow_different_total" ["operation"]
        "Those that differed, although nothing had purged them.";
    KV_ENTRIES Gauge "evergraph_kv_entries" []
        "Entries in Workers KV, estimated.";
    KV_BYTES Gauge "evergraph_kv_bytes" []
        "Bytes in Workers KV, estimated.";
    LOG_AGE Gauge "evergraph_log_age_seconds" []
        "How old the replica of the purge log is in the isolate that responds.";
    HEALTH Gauge "evergraph_health" ["part"]
        "3 HEALTHY, 2 WARMING, 1 DEGRADED, 0 DOWN, of the service and of each part that is bound.";
    ALERT_FIRING Gauge "evergraph_alert_firing" ["alert"]
        "1 while the alert fires, else 0.";
    PAUSED Gauge "evergraph_paused" []
        "1 while the cache is paused, so that every request passes through, else 0.";
    COUNTED_BY Gauge "evergraph_counted_by" ["by"]
        "1 with by=service: counters are those of all isolates. With by=isolate: of the one that responds. With by=none: there are no counters, because the statistics object did not respond.";
    BUILD_INFO Gauge "evergraph_build_info" ["version" "deployment"]
        "1, with the version of Evergraph and the id of the deployed version.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// <https://prometheus.io/docs/practices/naming/>
    #[test]
    fn names_follow_the_conventions() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with("evergraph_"), "{name}");
            assert!(name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == MetricType::Counter, "{name}");
            assert!(!name.ends_with("_count") && !name.ends_with("_sum"), "{name}");
            // Base units, and never several words for one.
            assert!(!name.contains("_ms") && !name.contains("milli"), "{name}");
            let reserved = ["le", "quantile", "job", "instance"];
            assert!(metric.labels.iter().all(|label| !reserved.contains(label)), "{name}");
            assert!(metric.help.ends_with('.') && !metric.help.contains('\n'), "{name}");
        }
    }
}
