//! The components of a service whose configuration has no fault.

use super::admin::Admin;
use super::base::BaseComponents;
use super::batch::Batches;
use super::cache::{HitForMiss, Judge, Lookup, Store};
use super::graphql::GraphQl;
use super::knowledge::Knowledge;
use super::limit_usage::LimitUsage;
use super::pass_through::PassThrough;
use super::planning::Planning;
use super::read::{BatchCompletion, ReadParts, Reads};
use super::scope_changes::ScopeChanges;
use super::socket::Sockets;
use super::tiers::Tiers;
use super::write::{WriteEffects, Writes};
use crate::config::Config;
use std::rc::Rc;

/// The components that the router and the sockets call.
pub(super) struct Configured {
    /// The configuration.
    pub config: Rc<Config>,
    /// Answers admin requests.
    pub admin: Admin,
    /// Answers GraphQL requests.
    pub graphql: GraphQl,
    /// Plans REST reads.
    pub planning: Rc<Planning>,
    /// Answers REST reads.
    pub reads: Rc<Reads>,
    /// Sends REST writes.
    pub writes: Rc<Writes>,
    /// Forwards what is not looked up.
    pub pass_through: Rc<PassThrough>,
    /// Reads the messages of sockets.
    pub sockets: Sockets,
}

impl Configured {
    /// Builds the components of an isolate, each from those below it.
    pub fn new(config: &Rc<Config>, base: &BaseComponents) -> Self {
        let BaseComponents { log_name, stats, edge_cache, kv, purges, origin, respond } = base;
        let tiers = Tiers::new(config, edge_cache.clone(), kv);
        let usage = Rc::new(LimitUsage::default());
        let parts = (origin.clone(), kv.clone());
        let knowledge = Knowledge::new(config, log_name, purges, parts, usage.clone());
        let scope_changes = ScopeChanges::new(config.clone(), purges.clone());
        let pass_through = PassThrough::new(
            Some(config.clone()),
            origin.clone(),
            respond.clone(),
            Some(scope_changes.clone()),
        );
        let judge = Judge::new(config.clone(), purges.clone());
        let hit_for_miss = Rc::new(HitForMiss::default());
        let read_parts = ReadParts {
            config: config.clone(),
            purges: purges.clone(),
            knowledge: knowledge.clone(),
            origin: origin.clone(),
            respond: respond.clone(),
            scope_changes: scope_changes.clone(),
            tiers: tiers.clone(),
            judge: judge.clone(),
            lookup: Lookup::new(tiers.clone(), judge, purges.clone()),
            store: Store::new(tiers.clone(), hit_for_miss.clone()),
            hit_for_miss,
        };
        let reads = Reads::new(&read_parts);
        let effects =
            WriteEffects::new(config.clone(), knowledge.clone(), purges.clone(), stats.clone());
        let writes = Writes::new(
            config.clone(),
            purges.clone(),
            origin.clone(),
            effects.clone(),
            scope_changes,
            respond.clone(),
        );
        let planning = Planning::new(config.clone(), knowledge.clone());
        let completion = BatchCompletion::new(log_name);
        let batches = Batches {
            config: config.clone(),
            knowledge: knowledge.clone(),
            planning: planning.clone(),
            reads: reads.batches(&read_parts, completion.clone()),
            completion,
            writes: writes.clone(),
            pass_through: pass_through.clone(),
            respond: respond.clone(),
        };
        let graphql = GraphQl {
            config: config.clone(),
            limit_usage: usage.clone(),
            knowledge: knowledge.clone(),
            planning: planning.clone(),
            reads: reads.clone(),
            batches,
            writes: writes.clone(),
            pass_through: pass_through.clone(),
            respond: respond.clone(),
        };
        let admin = Admin {
            config: config.clone(),
            purges: purges.clone(),
            origin: origin.clone(),
            kv: kv.clone(),
            tiers,
            knowledge: knowledge.clone(),
            stats: stats.clone(),
            usage,
        };
        let sockets = Sockets::new(config.clone(), knowledge, purges.clone(), effects);
        let config = config.clone();
        Self { config, admin, graphql, planning, reads, writes, pass_through, sockets }
    }
}
