//! Asks each part of the service whether it works, for `GET health` and `GET metrics`.

use super::components::Admin;
use crate::admin::{HealthState, PartHealth, Paused, service_state};
use crate::alerts::AlertReport;
use crate::order;
use crate::service::context::Context;
use crate::service::last_outcome::{LastOutcome, PROBE_MILLIS};
use crate::service::runtime::{Fault, Runtime};
use crate::service::stats_reports::{Asker, ObjectState};
use crate::service::tiers::{AnyFarTier, FarTier, Tier};
use crate::service::timeout::within;
use crate::statistics::WarmRun;
use crate::time::Timestamp;
use futures_util::future::{join_all, join4};
use std::collections::BTreeMap;

/// For so long requests without a token are told what the last of them has found out about a far tier.
const PUBLIC_PROBE_MILLIS: u64 = 5_000;

/// The states of the service and of its parts.
pub struct Parts {
    /// Of the service.
    pub state: HealthState,
    /// Of each part, by name.
    pub parts: BTreeMap<&'static str, PartHealth>,
    /// Whether the cache is paused.
    pub paused: Option<Paused>,
    /// Every alert.
    pub alerts: Vec<AlertReport>,
}

/// Asks all parts in parallel.
pub async fn examine<R: Runtime>(admin: &Admin, context: &Context<R>) -> Parts {
    let runtime = &context.runtime;
    let asker = match &context.admin {
        Some(_) => Asker::Administrator,
        None => Asker::Public,
    };
    let far = admin.tiers.far.iter().zip(&admin.far_probes);
    let probes = join4(
        join_all(far.map(|(tier, last)| far_tier(tier, last, runtime, asker))),
        probe_log(admin, context),
        admin.origin.probe(runtime),
        admin.reports.alerts(runtime, asker),
    );
    let (far, log, origin, (alerts, statistics)) = probes.await;
    let origin = down_if_failed(origin);
    let (schema, warming) = (schema(admin), warming(admin));
    let stores = far.iter().map(|(_, part)| part.state).chain([log.state]);
    let is_warming = [&schema, &warming].iter().any(|part| part.state == HealthState::Warming);
    let knowledge = if is_warming { HealthState::Warming } else { HealthState::Healthy };
    let state = service_state(stores, origin.state, knowledge);
    let others = [
        ("purge_log", log),
        ("edge_cache", edge_cache(admin)),
        ("origin", origin),
        ("schema", schema),
        ("statistics", statistics_object(statistics, admin.config.warm.is_automatic())),
        ("warming", warming),
    ];
    let pause = admin.purges.view.pause();
    let paused = pause
        .holds(runtime.now())
        .then(|| Paused { until: pause.ends_at().map(Timestamp::as_millis) });
    Parts { state, parts: order::map_of(far.into_iter().chain(others)), paused, alerts }
}

fn down_if_failed(probed: Result<(), Fault>) -> PartHealth {
    let down = |fault| PartHealth::with_reason(HealthState::Down, fault);
    probed.map_or_else(down, |()| PartHealth::HEALTHY)
}

/// Without the object the service works, and its numbers are those of one isolate.
fn statistics_object(state: ObjectState, warms: bool) -> PartHealth {
    match state {
        ObjectState::Unused if warms => PartHealth::with_reason(
            HealthState::Absent,
            "STATS is not bound, so nothing is warmed by itself (warm.on)",
        ),
        ObjectState::Unused => PartHealth::with_reason(HealthState::Absent, "not bound"),
        ObjectState::Works => PartHealth::HEALTHY,
        ObjectState::Fails(fault) => PartHealth::with_reason(HealthState::Degraded, fault),
    }
}

/// Other requests may have had better luck since its last failure.
fn edge_cache(admin: &Admin) -> PartHealth {
    let breaker = &admin.tiers.edge_cache.breaker;
    let state = if breaker.is_open() { HealthState::Down } else { HealthState::Degraded };
    breaker.reason().map_or(PartHealth::HEALTHY, |reason| PartHealth::with_reason(state, reason))
}

/// Without the schema in force the isolate responds, and stores no GraphQL response.
fn schema(admin: &Admin) -> PartHealth {
    match admin.knowledge.schemas.is_loaded() {
        true => PartHealth::HEALTHY,
        false => {
            PartHealth::with_reason(HealthState::Warming, "the schema in force is not here yet")
        }
    }
}

/// Whether popular reads are being warmed, or are to be.
fn warming(admin: &Admin) -> PartHealth {
    let Some(warming) = &admin.auto_warming else {
        return PartHealth::with_reason(HealthState::Absent, "not configured (warm.on)");
    };
    let run = admin.reports.warm_run();
    let reason = match run.filter(|run| run.total > 0) {
        Some(WarmRun { done, total }) => format!("{done} of {total} popular reads are warmed"),
        None if run.is_some() || warming.has_pending() => {
            "popular reads are to be warmed".to_owned()
        }
        None => return PartHealth::HEALTHY,
    };
    PartHealth::with_reason(HealthState::Warming, reason)
}

/// The name and the state of a far tier. Administrators are told how it is now.
async fn far_tier<R: Runtime>(
    tier: &AnyFarTier,
    last_public: &LastOutcome,
    runtime: &R,
    asker: Asker,
) -> (&'static str, PartHealth) {
    if !tier.is_bound(runtime) {
        return (tier.name(), PartHealth::with_reason(HealthState::Absent, "not bound"));
    }
    let probe = probe_tier(tier, runtime);
    let probed = match asker {
        Asker::Administrator => probe.await,
        Asker::Public => last_public.or_probe(runtime, PUBLIC_PROBE_MILLIS, probe).await,
    };
    (tier.name(), down_if_failed(probed))
}

/// Reads something from a far tier. It has more time than look-ups, so only a read that would have been quick
/// enough for them shows that they need not avoid it.
async fn probe_tier<R: Runtime>(tier: &AnyFarTier, runtime: &R) -> Result<(), Fault> {
    let began = runtime.now();
    let probed = within(runtime, PROBE_MILLIS, tier.probe(runtime)).await;
    let now = runtime.now();
    match &probed {
        Ok(()) if now.millis_since(began) < tier.timeout_ms() => tier.breaker().succeeded(),
        Ok(()) => {}
        Err(fault) => tier.breaker().failed(now, fault),
    }
    probed
}

async fn probe_log<R: Runtime>(admin: &Admin, context: &Context<R>) -> PartHealth {
    let log = &admin.purges;
    log.sync.sync_now(context).await;
    match log.view.failure() {
        Some(reason) => PartHealth::with_reason(HealthState::Down, reason),
        None if !log.takes_purges() => {
            PartHealth::with_reason(HealthState::Degraded, "it can be read, and takes no purges")
        }
        None if log.view.is_recent(context.runtime.now(), None) => PartHealth::HEALTHY,
        None => PartHealth::with_reason(HealthState::Down, "not read yet"),
    }
}
