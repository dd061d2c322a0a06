//! `GET health`

use super::components::Admin;
use super::deployment::deployment;
use crate::admin::{Access, access};
use crate::http::Response;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::{Fault, Runtime};
use crate::service::timeout::within;
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
    let probes = futures_util::future::join3(
        probe_kv(admin, runtime),
        probe_log(admin, context),
        admin.origin.probe(runtime, PROBE_MILLIS),
    );
    let (kv, log, origin) = probes.await;
    let origin = Part::of(origin);
    let edge = admin.edge.breaker.reason().map_or(Part::Works, Part::Fails);
    // Without the schema in force it responds, and stores no GraphQL response.
    let is_warm = admin.knowledge.schemas.is_loaded();
    let schema = match is_warm {
        true => json!({ "state": "ok" }),
        false => json!({ "state": "loading", "reason": "the schema in force is not here yet" }),
    };
    let state = match (kv.fails() || log.fails(), origin.fails()) {
        (false, false) if is_warm => "HEALTHY",
        (false, false) => "WARMING",
        (true, true) => "DOWN",
        _ => "DEGRADED",
    };
    let mut body = json!({
        "state": state,
        "service": admin.config.service,
        "parts": {
            "kv": kv.to_json(),
            "purge_log": log.to_json(),
            "edge_cache": edge.to_json(),
            "origin": origin.to_json(),
            "schema": schema,
        },
    });
    let tokens = runtime.admin_tokens();
    let is_admin = access(tokens.as_deref(), &context.request.headers) == Access::Granted;
    if let Some(body) = body.as_object_mut().filter(|_| is_admin) {
        body.insert("deployment".to_owned(), deployment(admin, context));
    }
    json_response(if state == "DOWN" { 503 } else { 200 }, &body)
}

async fn probe_kv<R: Runtime>(admin: &Admin, runtime: &R) -> Part {
    if !runtime.kv_bound() {
        return Part::Absent;
    }
    let read = within(runtime, PROBE_MILLIS, runtime.kv_get("evergraph-health")).await;
    match &read {
        Ok(_) => admin.kv.breaker.succeeded(),
        Err(fault) => admin.kv.breaker.failed(runtime.now(), fault),
    }
    Part::of(read.map(|_| ()))
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
