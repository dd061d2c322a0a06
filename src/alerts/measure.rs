//! How bad things are at the moment, alert by alert.

use super::alert::Alert;
use crate::config::Alerts;
use crate::record::members;
use serde::Serialize;

/// Numbers are those of this many last seconds.
pub const WINDOW_SECONDS: u64 = 300;

/// By how much the hit rate has to be above its threshold for the alert to end.
const HIT_RATE_MARGIN: f64 = 0.02;
/// Which part of their threshold errors have to fall to for the alert to end.
const ERRORS_MARGIN: f64 = 0.8;

/// What was counted in a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// How long that was.
    pub seconds: u64,
    /// Requests that were looked up.
    pub lookups: u64,
    /// Of these, the ones that were served from the cache.
    pub hits: u64,
    /// A 5xx from the origin, or no response.
    pub errors: u64,
}

/// What an isolate says of the parts that have an alert of their own: whether they fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct PartNote {
    /// Workers KV is bound and fails.
    pub kv_fails: bool,
    /// The purge log cannot be read, or takes no purges.
    pub log_fails: bool,
}

members!(PartNote { kv_fails, log_fails });

impl PartNote {
    /// Whether nothing fails.
    pub fn is_good(&self) -> bool {
        *self == Self::default()
    }

    /// What two isolates say: a part fails if one of them says so.
    pub fn or(self, other: Self) -> Self {
        Self {
            kv_fails: self.kv_fails || other.kv_fails,
            log_fails: self.log_fails || other.log_fails,
        }
    }
}

/// How one alert's number compares with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Bad enough for an alert to begin.
    Bad,
    /// Not bad enough for an alert to begin, and not good enough for one to end.
    Between,
    /// Good enough for an alert to end.
    Good,
}

/// The measurement of one alert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// Which alert.
    pub alert: Alert,
    /// How it compares with the threshold.
    pub level: Level,
    /// The number. `None`: there is none, or too little was counted.
    pub value: Option<f64>,
    /// What it is compared with. `None`: the alert is off, or has no number.
    pub threshold: Option<f64>,
}

/// Measures every alert. An alert that is off is good.
pub fn measure(config: &Alerts, numbers: Numbers, parts: PartNote) -> [Measure; 4] {
    Alert::ALL.map(|alert| match alert {
        Alert::HitRate => hit_rate(config, numbers),
        Alert::Errors => errors(config, numbers),
        Alert::Kv => part(alert, parts.kv_fails),
        Alert::PurgeLog => part(alert, parts.log_fails),
    })
}

fn hit_rate(config: &Alerts, numbers: Numbers) -> Measure {
    let threshold = config.hit_rate.as_f64();
    let is_enough = numbers.lookups >= config.min_lookups.max(1);
    let value = is_enough.then(|| rounded(numbers.hits as f64 / numbers.lookups as f64, 10_000.0));
    let level = match value {
        Some(rate) if rate < threshold => Level::Bad,
        // A threshold close to 1 leaves no room above it.
        Some(rate) if rate < (threshold + HIT_RATE_MARGIN).min(1.0) && threshold > 0.0 => {
            Level::Between
        }
        _ => Level::Good,
    };
    Measure {
        alert: Alert::HitRate,
        level,
        value,
        threshold: (threshold > 0.0).then_some(threshold),
    }
}

fn errors(config: &Alerts, numbers: Numbers) -> Measure {
    let threshold = config.errors_per_minute as f64;
    let minutes = (numbers.seconds as f64 / 60.0).max(1.0);
    let value = rounded(numbers.errors as f64 / minutes, 100.0);
    let level = match config.errors_per_minute {
        0 => Level::Good,
        _ if value > threshold => Level::Bad,
        _ if value > threshold * ERRORS_MARGIN => Level::Between,
        _ => Level::Good,
    };
    let threshold = (config.errors_per_minute > 0).then_some(threshold);
    Measure { alert: Alert::Errors, level, value: Some(value), threshold }
}

fn part(alert: Alert, fails: bool) -> Measure {
    let level = if fails { Level::Bad } else { Level::Good };
    Measure { alert, level, value: None, threshold: None }
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use serde_json::{Value, json};

    fn level(config: &Value, alert: Alert, lookups: u64, hits: u64, errors: u64) -> Level {
        let config = parse(&json!({ "alerts": config })).unwrap().alerts;
        let numbers = Numbers { seconds: 300, lookups, hits, errors };
        let measures = measure(&config, numbers, PartNote::default());
        measures.iter().find(|one| one.alert == alert).unwrap().level
    }

    #[test]
    fn a_hit_rate_is_bad_below_its_threshold_and_good_with_a_margin() {
        let of = |lookups, hits| level(&json!({}), Alert::HitRate, lookups, hits, 0);
        assert_eq!(of(1_000, 499), Level::Bad);
        assert_eq!((of(1_000, 500), of(1_000, 519)), (Level::Between, Level::Between));
        assert_eq!((of(1_000, 520), of(1_000, 1_000)), (Level::Good, Level::Good));
        // Too few to tell.
        assert_eq!((of(99, 0), of(0, 0), of(100, 0)), (Level::Good, Level::Good, Level::Bad));
        let of = |hits| level(&json!({ "hit_rate": 1 }), Alert::HitRate, 1_000, hits, 0);
        assert_eq!((of(999), of(1_000)), (Level::Bad, Level::Good));
        assert_eq!(level(&json!({ "hit_rate": 0 }), Alert::HitRate, 1_000, 0, 0), Level::Good);
    }

    #[test]
    fn errors_are_counted_by_the_minute() {
        let of = |errors| level(&json!({}), Alert::Errors, 0, 0, errors);
        assert_eq!((of(51), of(50), of(41)), (Level::Bad, Level::Between, Level::Between));
        assert_eq!((of(40), of(0)), (Level::Good, Level::Good));
        let off = json!({ "errors_per_minute": 0 });
        assert_eq!(level(&off, Alert::Errors, 0, 0, 1_000), Level::Good);
    }

    #[test]
    fn a_part_fails_if_one_isolate_says_so() {
        let kv = PartNote { kv_fails: true, log_fails: false };
        let both = kv.or(PartNote { kv_fails: false, log_fails: true }).or(PartNote::default());
        let config = parse(&json!({})).unwrap().alerts;
        let levels = |note| {
            measure(&config, Numbers::default(), note).map(|one| (one.alert.as_str(), one.level))
        };
        assert_eq!(levels(both)[2..], [("kv", Level::Bad), ("purge-log", Level::Bad)]);
        assert_eq!(levels(kv)[2..], [("kv", Level::Bad), ("purge-log", Level::Good)]);
    }
}
