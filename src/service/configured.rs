//! The components of a service whose configuration has no fault.

use super::admin::{Admin, EntryLister, Guard};
use super::auto_warming::AutoWarming;
use super::base::BaseComponents;
use super::batch::Batches;
use super::cache::{HitForMiss, Judge, Lookup, Store};
use super::decision::Decider;
use super::explain::{Explainer, RecentNumbers};
use super::graphql::GraphQl;
use super::knowledge::Knowledge;
use super::last_outcome::LastOutcome;
use super::limit_usage::LimitUsage;
use super::pass_through::PassThrough;
use super::planning::Planning;
use super::read::{BatchCompletion, ReadParts, Reads};
use super::scope_changes::ScopeChanges;
use super::socket::Sockets;
use super::tiers::Tiers;
use super::warming::Warmer;
use super::write::{WriteEffects, Writes};
use crate::config::Config;
use serde_json::Value;
use std::rc::Rc;

/// The components that the router and the sockets call.
pub(super) struct Configured {
    /// The configuration.
    pub config: Rc<Config>,
    /// Answers admin requests.
    pub admin: Admin,
    /// Answers GraphQL requests that are not looked up.
    pub graphql: GraphQl,
    /// Decides what is done with requests.
    pub decider: Rc<Decider>,
    /// Answers reads.
    pub reads: Rc<Reads>,
    /// Sends REST writes.
    pub writes: Rc<Writes>,
    /// Forwards what is not looked up.
    pub pass_through: Rc<PassThrough>,
    /// Warms the cache by itself, if configured.
    pub auto_warming: Option<Rc<AutoWarming>>,
    /// Reads the messages of sockets.
    pub sockets: Sockets,
}

impl Configured {
    /// Builds the components of an isolate, each from those below it. `json` is the configuration as it
    /// was written.
    pub fn new(config: &Rc<Config>, json: &Value, base: &BaseComponents) -> Self {
        let BaseComponents {
            log_name,
            stats,
            reports,
            edge_cache,
            kv,
            purges,
            origin,
            respond,
            ..
        } = base;
        let tiers = Tiers::new(config, edge_cache.clone(), kv, purges.view.stamps());
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
            stats: stats.clone(),
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
        let decider = Decider::new(
            (config.clone(), purges.clone()),
            knowledge.clone(),
            planning.clone(),
            usage.clone(),
        );
        let explainer = Explainer {
            config: config.clone(),
            log_name: log_name.clone(),
            purges: purges.clone(),
            decider: decider.clone(),
            planning,
            lookup: read_parts.lookup.clone(),
            judge: read_parts.judge.clone(),
            hit_for_miss: read_parts.hit_for_miss.clone(),
            effects: effects.clone(),
            numbers: RecentNumbers::new(reports.clone()),
        };
        let completion = BatchCompletion::new(log_name);
        let batches = Batches {
            config: config.clone(),
            documents: knowledge.documents.clone(),
            reads: reads.batches(&read_parts, completion.clone()),
            completion,
            writes: writes.clone(),
            pass_through: pass_through.clone(),
            respond: respond.clone(),
        };
        let graphql = GraphQl {
            config: config.clone(),
            knowledge: knowledge.clone(),
            batches,
            writes: writes.clone(),
            pass_through: pass_through.clone(),
            respond: respond.clone(),
        };
        let warmer = Warmer::new(config.clone(), decider.clone(), reads.clone(), tiers.clone());
        let auto_warming = AutoWarming::new(&config.warm, purges, reports, &warmer);
        let admin = Admin {
            config: config.clone(),
            configured: json.clone(),
            purges: purges.clone(),
            origin: origin.clone(),
            kv: kv.clone(),
            lister: EntryLister::new(config.clone(), tiers.clone(), purges.clone()),
            warmer,
            auto_warming: auto_warming.clone(),
            far_probes: tiers.far.iter().map(|_| LastOutcome::default()).collect(),
            tiers,
            knowledge: knowledge.clone(),
            explainer,
            reports: reports.clone(),
            usage,
            guard: Guard::new(config, base.attempts.tokens.clone()),
            audit: Rc::default(),
        };
        let sockets = Sockets::new(config.clone(), knowledge, purges.clone(), effects);
        let config = config.clone();
        Self { config, admin, decider, graphql, reads, writes, pass_through, auto_warming, sockets }
    }
}
