//! What traffic costs on Cloudflare, beyond what the plans include. docs/costs.md uses the same prices.

use crate::offline::Usage;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// USD per million, by what is counted.
const PRICES: &str = include_str!("../../../tools/prices.json");

/// What a million requests like those of the recording cost, in USD.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub requests: f64,
    pub kv_reads: f64,
    pub kv_writes: f64,
    pub log_requests: f64,
    pub log_rows: f64,
    pub total: f64,
}

/// The cost of a million requests, if `requests` of them used so much.
pub(super) fn cost(requests: u64, usage: &Usage) -> Cost {
    let prices: BTreeMap<String, Value> = serde_json::from_str(PRICES).unwrap_or_default();
    let price = |name: &str| prices.get(name).and_then(|one| one["price"].as_f64()).unwrap_or(0.0);
    let of = |name: &str, count: u64| count as f64 / requests.max(1) as f64 * price(name);
    let mut cost = Cost {
        requests: of("requests", requests),
        kv_reads: of("kvReads", usage.kv_reads),
        kv_writes: of("kvWrites", usage.kv_writes),
        log_requests: of("logRequests", usage.log_calls),
        log_rows: of("logRows", usage.log_rows),
        total: 0.0,
    };
    cost.total = cost.requests + cost.kv_reads + cost.kv_writes + cost.log_requests + cost.log_rows;
    cost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_is_in_the_table() {
        let usage = Usage {
            kv_reads: 100,
            kv_writes: 100,
            log_calls: 100,
            log_rows: 100,
            ..Usage::default()
        };
        let Cost { requests, kv_reads, kv_writes, log_requests, log_rows, total } =
            cost(100, &usage);
        let all = [requests, kv_reads, kv_writes, log_requests, log_rows];
        assert!(all.iter().all(|usd| *usd > 0.0), "{all:?}");
        assert!((total - all.iter().sum::<f64>()).abs() < 1e-9);
        assert!((kv_writes - 5.0).abs() < 1e-9, "a million writes to KV cost {kv_writes} USD");
    }
}
