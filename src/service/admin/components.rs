//! The components that admin routes use.

use crate::config::Config;
use crate::service::knowledge::Knowledge;
use crate::service::limit_usage::LimitUsage;
use crate::service::origin::OriginClient;
use crate::service::purges::Purges;
use crate::service::stats::Stats;
use crate::service::tiers::{KvClient, Tiers};
use std::rc::Rc;

/// The admin routes of one isolate.
pub struct Admin {
    /// The configuration.
    pub config: Rc<Config>,
    /// The purge log.
    pub purges: Purges,
    /// The origin, for its health.
    pub origin: Rc<OriginClient>,
    /// Workers KV, for its health.
    pub kv: Rc<KvClient>,
    /// The storage tiers, for their health.
    pub tiers: Rc<Tiers>,
    /// The schema and the uploaded documents.
    pub knowledge: Knowledge,
    /// The counters.
    pub stats: Rc<Stats>,
    /// How close requests came to the limits.
    pub usage: Rc<LimitUsage>,
}
