//! The components that admin routes use.

use super::audit_trail::AuditTrail;
use super::entry_lister::EntryLister;
use super::guard::Guard;
use crate::config::Config;
use crate::service::auto_warming::AutoWarming;
use crate::service::explain::Explainer;
use crate::service::knowledge::Knowledge;
use crate::service::last_outcome::LastOutcome;
use crate::service::limit_usage::LimitUsage;
use crate::service::origin::OriginClient;
use crate::service::purges::Purges;
use crate::service::stats_reports::StatsReports;
use crate::service::tiers::{KvClient, Tiers};
use crate::service::warming::Warmer;
use serde_json::Value;
use std::rc::Rc;

/// The admin routes of one isolate.
pub struct Admin {
    /// The configuration.
    pub config: Rc<Config>,
    /// The same as JSON, without defaults.
    pub configured: Value,
    /// The purge log.
    pub purges: Purges,
    /// The origin, for its health.
    pub origin: Rc<OriginClient>,
    /// Workers KV, for its health.
    pub kv: Rc<KvClient>,
    /// The storage tiers, for their health.
    pub tiers: Rc<Tiers>,
    /// What requests without a token have found out about each far tier, in the order of the tiers.
    pub far_probes: Vec<LastOutcome>,
    /// Lists the entries in KV.
    pub lister: Rc<EntryLister>,
    /// Warms the cache.
    pub warmer: Rc<Warmer>,
    /// Warms it by itself, if that is configured.
    pub auto_warming: Option<Rc<AutoWarming>>,
    /// The schema and the uploaded documents.
    pub knowledge: Knowledge,
    /// Explains requests.
    pub explainer: Explainer,
    /// The numbers of the service.
    pub reports: Rc<StatsReports>,
    /// How close requests came to the limits.
    pub usage: Rc<LimitUsage>,
    /// Decides who may use them.
    pub guard: Guard,
    /// Which changes were made.
    pub audit: Rc<AuditTrail>,
}
