//! The components of one isolate that has seen nothing yet.

use crate::config::{self, Config};
use crate::service::admin::Admin;
use crate::service::knowledge::Knowledge;
use crate::service::limit_usage::LimitUsage;
use crate::service::origin::OriginClient;
use crate::service::purges::{PurgeSettings, Purges};
use crate::service::stats::Stats;
use crate::service::tiers::{EdgeCacheTier, KvTier};
use serde_json::Value;
use std::rc::Rc;

/// The components of one isolate.
pub struct Components {
    pub config: Rc<Config>,
    pub purges: Purges,
    pub knowledge: Knowledge,
    pub admin: Admin,
}

impl Components {
    /// Components with a configuration that has no faults.
    pub fn new(json: &Value) -> Self {
        let config = Rc::new(config::parse(json).unwrap());
        let log_name = config::log_name_of(json);
        let (edge, kv) = (Rc::new(EdgeCacheTier::default()), Rc::new(KvTier::new(&config)));
        let (stats, usage) = (Rc::new(Stats::default()), Rc::new(LimitUsage::default()));
        let origin = OriginClient::new(json, Some(config.clone()));
        let settings = PurgeSettings::new(log_name.clone(), Some(&config));
        let purges = Purges::new(&settings, Rc::default(), Rc::default(), stats.clone());
        let stores = (origin.clone(), kv.clone());
        let knowledge = Knowledge::new(&config, &log_name, &purges, stores, usage.clone());
        let admin = Admin {
            config: config.clone(),
            purges: purges.clone(),
            origin,
            kv,
            edge,
            knowledge: knowledge.clone(),
            stats,
            usage,
        };
        Self { config, purges, knowledge, admin }
    }
}
