//! What `GET health` shows an administrator of the deployment.
//!
//! In scope: what can be seen from inside. Not in scope: routes, Cache Rules and the zone's Browser Cache
//! TTL, which no Worker can see.

use super::components::Admin;
use crate::admin::configured_tokens;
use crate::service::context::Context;
use crate::service::purges::DeployPurgeState;
use crate::service::runtime::Runtime;
use serde_json::{Value, json};

/// The deployed version, the bindings, and what may be set up by mistake.
pub fn deployment<R: Runtime>(admin: &Admin, context: &Context<R>) -> Value {
    let runtime = &context.runtime;
    let version = runtime.version_id();
    let tokens = runtime.admin_tokens();
    json!({
        "version": version.as_ref().map(|id| id.as_str()),
        "bindings": {
            "CACHE_KV": runtime.kv_bound(),
            "PURGE_LOG": runtime.log_bound(),
            "VERSION_METADATA": version.is_some(),
        },
        "admin_tokens": configured_tokens(tokens.as_deref()).count(),
        "on_deploy": on_deploy(admin.purges.deploy.state(runtime)),
        "placement": placement(context.request.headers.get("cf-placement")),
    })
}

fn on_deploy(state: DeployPurgeState) -> Value {
    match state {
        DeployPurgeState::NotConfigured => json!({ "state": "none" }),
        DeployPurgeState::NoVersion => {
            json!({ "state": "absent", "reason": "VERSION_METADATA is not bound, so nothing is purged" })
        }
        DeployPurgeState::Pending => {
            json!({ "state": "pending", "reason": "the purge log has not confirmed it yet" })
        }
        DeployPurgeState::Recorded => json!({ "state": "ok" }),
    }
}

/// Where the Worker runs, by the header that Cloudflare adds if Smart Placement is on
/// (<https://developers.cloudflare.com/workers/configuration/placement/>): `local-EWR` near the client,
/// `remote-LHR` elsewhere.
fn placement(header: Option<&str>) -> Value {
    match header {
        None => json!({ "state": "ok" }),
        Some(place) => json!({
            "state": "smart",
            "place": place,
            "reason": "Smart Placement moves memory and the edge cache away from clients; turn it off",
        }),
    }
}
