//! What reads are made of: the components below this folder.

use crate::config::Config;
use crate::service::cache::{HitForMiss, Judge, Lookup, Store};
use crate::service::knowledge::Knowledge;
use crate::service::origin::OriginClient;
use crate::service::purges::Purges;
use crate::service::respond::Responder;
use crate::service::scope_changes::ScopeChanges;
use crate::service::stats::Stats;
use crate::service::tiers::Tiers;
use std::rc::Rc;

/// The components that reads use.
pub struct ReadParts {
    /// The configuration.
    pub config: Rc<Config>,
    /// The purge log.
    pub purges: Purges,
    /// Documents and schemas.
    pub knowledge: Knowledge,
    /// The origin.
    pub origin: Rc<OriginClient>,
    /// The counters.
    pub stats: Rc<Stats>,
    /// Makes the client's responses.
    pub respond: Rc<Responder>,
    /// Purges scopes whose cookies change.
    pub scope_changes: Rc<ScopeChanges>,
    /// The tiers.
    pub tiers: Rc<Tiers>,
    /// Judges stored responses.
    pub judge: Rc<Judge>,
    /// Finds stored responses.
    pub lookup: Rc<Lookup>,
    /// Stores responses.
    pub store: Rc<Store>,
    /// Keys whose responses will not be stored.
    pub hit_for_miss: Rc<HitForMiss>,
}
