//! `GET health`

use super::components::Admin;
use super::deployment::deployment;
use crate::admin::{Access, access};
use crate::http::Response;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::{Fault, Runtime};
use crate::service::tiers::{AnyFarTier, FarTier, Tier};
use crate::service::timeout::within;
use futures_util::future::{join_all, join3};
use serde_json::{Value, json};

/// How long a part may take to show that it works.
const PROBE_MILLIS: u64 = 1_000;

/// The state of a part.
enum Part {
    Works,
    Absent,
    Fails(Fault),
}

impl Part {
    fn of(probed: Result<(), Fault>) -> Self {
        probed.map_or_else(Self::Fails, |()| Self::Works)
    }

    fn fails(&self) -> bool {
        matches!(self, Self::Fails(_))
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Works => json!({ "state": "ok" }),
            Self::Absent => json!({ "state": "absent", "reason": "not bound" }),
            Self::Fails(reason) => json!({ "state": "failing", "reason": reason }),
        }
    }
}

/// Responds with the state of the service and of each part it depends on. The status is 503 if the
/// service is `DOWN`. An administrator also sees the deployment.
pub async fn health<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let runtime = &context.runtime;
    let probes = join3(
        join_all(admin.tiers.far.iter().map(|tier| probe_tier(tier, runtime))),
        probe_log(admin, context),
        admin.origin.probe(runtime, PROBE_MILLIS),
    );
    let (far, log, origin) = probes.await;
    let origin = Part::of(origin);
    let edge = admin.tiers.edge_cache.breaker.reason().map_or(Part::Works, Part::Fails);
    // Without the schema in force it responds, and stores no GraphQL response.
    let is_warm = admin.knowledge.schemas.is_loaded();
    let schema = match is_warm {
        true => json!({ "state": "ok" }),
        false => json!({ "state": "loading", "reason": "the schema in force is not here yet" }),
    };
    let state = match (far.iter().any(|(_, part)| part.fails()) || log.fails(), origin.fails()) {
        (false, false) if is_warm => "HEALTHY",
        (false, false) => "WARMING",
        (true, true) => "DOWN",
        _ => "DEGRADED",
    };
    let others = [
        ("purge_log", log.to_json()),
        ("edge_cache", edge.to_json()),
        ("origin", origin.to_json()),
        ("schema", schema),
    ];
    let far = far.iter().map(|(name, part)| (*name, part.to_json()));
    let parts: Value = far.chain(others).collect();
    let mut body = json!({ "state": state, "service": admin.config.service, "parts": parts });
    let tokens = runtime.admin_tokens();
    let is_admin = access(tokens.as_deref(), &context.request.headers) == Access::Granted;
    if let Some(body) = body.as_object_mut().filter(|_| is_admin) {
        body.insert("deployment".to_owned(), deployment(admin, context));
    }
    json_response(if state == "DOWN" { 503 } else { 200 }, &body)
}

/// The name and the state of a far tier.
async fn probe_tier<R: Runtime>(tier: &AnyFarTier, runtime: &R) -> (&'static str, Part) {
    if !tier.is_bound(runtime) {
        return (tier.name(), Part::Absent);
    }
    let probed = within(runtime, PROBE_MILLIS, tier.probe(runtime)).await;
    match &probed {
        Ok(()) => tier.breaker().succeeded(),
        Err(fault) => tier.breaker().failed(runtime.now(), fault),
    }
    (tier.name(), Part::of(probed))
}

async fn probe_log<R: Runtime>(admin: &Admin, context: &Context<R>) -> Part {
    let log = &admin.purges;
    log.sync.sync_now(context).await;
    match log.view.failure() {
        Some(reason) => Part::Fails(reason),
        None if !log.takes_purges() => {
            Part::Fails("it can be read, and takes no purges".to_owned())
        }
        None if log.view.is_recent(context.runtime.now(), None) => Part::Works,
        None => Part::Fails("not read yet".to_owned()),
    }
}
