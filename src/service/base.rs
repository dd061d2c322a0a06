//! The components that work even if the configuration has a fault.

use super::failed_attempts::AttemptLimits;
use super::origin::OriginClient;
use super::purges::Purges;
use super::respond::Responder;
use super::stats::Stats;
use super::stats_reports::StatsReports;
use super::tiers::{EdgeCacheTier, KvClient};
use std::rc::Rc;

/// What a service works with even if its configuration has a fault.
pub(super) struct BaseComponents {
    /// The name of the purge log.
    pub log_name: Rc<str>,
    /// The counters.
    pub stats: Rc<Stats>,
    /// What this isolate reports of them.
    pub reports: Rc<StatsReports>,
    /// The edge cache.
    pub edge_cache: Rc<EdgeCacheTier>,
    /// Workers KV.
    pub kv: Rc<KvClient>,
    /// The purge log.
    pub purges: Purges,
    /// The origin.
    pub origin: Rc<OriginClient>,
    /// Makes the client's responses.
    pub respond: Rc<Responder>,
    /// Limits attempts to guess an admin token.
    pub attempts: AttemptLimits,
}
