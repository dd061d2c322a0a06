//! The configuration of this folder's components.

use crate::config::{Config, Unreadable};
use crate::purge::Record;

/// The least time for which the outbox keeps a purge: as long as the log keeps its records.
const LEAST_OUTBOX_SECONDS: u64 = 86_400;

/// What purges need of the configuration. They work with a faulty one too: then every use of an entry
/// needs a read of the log first, and the isolate shares nothing with its neighbors.
#[derive(Debug, Clone)]
pub struct PurgeSettings {
    /// The name of the purge log.
    pub log_name: String,
    /// How many seconds the replica may lag behind the log; 0 if the configuration is faulty.
    pub max_lag: u64,
    /// Whether entries are served if the log cannot be read for `max_lag`.
    pub serves_unreadable: bool,
    /// For how many seconds the outbox keeps a purge: no entry lives longer.
    pub outbox_seconds: u64,
    /// What each deployed version purges once; `None` if nothing.
    pub on_deploy: Option<Record>,
}

impl PurgeSettings {
    /// The settings of a configuration; `None` if it is faulty.
    pub fn new(log_name: String, config: Option<&Config>) -> Self {
        let longest_lifetime = config.map_or(0, |config| config.longest_lifetime().as_seconds());
        Self {
            log_name,
            max_lag: config.map_or(0, |config| config.purge.max_lag),
            serves_unreadable: config
                .is_some_and(|config| config.purge.unreadable == Unreadable::Serve),
            outbox_seconds: longest_lifetime.max(LEAST_OUTBOX_SECONDS),
            on_deploy: config.and_then(on_deploy),
        }
    }

    pub(super) fn max_lag_millis(&self) -> u64 {
        self.max_lag * 1_000
    }
}

fn on_deploy(config: &Config) -> Option<Record> {
    let tags = &config.on_deploy.purge;
    (!tags.is_empty()).then(|| Record::of_tags(tags, &config.same, config.tagging))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use serde_json::json;

    #[test]
    fn a_faulty_configuration_trusts_nothing() {
        let settings = PurgeSettings::new("shop".to_owned(), None);
        assert_eq!((settings.max_lag_millis(), settings.serves_unreadable), (0, false));
        assert_eq!(settings.outbox_seconds, LEAST_OUTBOX_SECONDS);
    }

    #[test]
    fn the_outbox_keeps_purges_for_as_long_as_entries_live() {
        let year = 365 * 86_400;
        let config = config::parse(&json!({
            "default": { "ttl": year },
            "purge": { "max_lag": 7, "unreadable": "serve" },
        }));
        let settings = PurgeSettings::new("shop".to_owned(), config.as_ref().ok());
        assert_eq!((settings.max_lag_millis(), settings.serves_unreadable), (7_000, true));
        assert!(settings.outbox_seconds >= year, "{}", settings.outbox_seconds);
    }
}
