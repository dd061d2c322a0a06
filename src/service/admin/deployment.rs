//! What `GET health` shows an administrator of the deployment.
//!
//! In scope: what can be seen from inside. Not in scope: routes, Cache Rules and the zone's Browser Cache
//! TTL, which no Worker can see.

use super::components::Admin;
use crate::admin::{
    Caller, DeployedBindings, Deployment, OnDeploy, OnDeployState, Placement, PlacementState,
    admin_tokens,
};
use crate::service::context::Context;
use crate::service::purges::DeployPurgeState;
use crate::service::runtime::Runtime;

/// The deployed version, the bindings, and what may be set up by mistake.
pub fn deployment<R: Runtime>(admin: &Admin, context: &Context<R>) -> Deployment {
    let runtime = &context.runtime;
    let version = runtime.version_id();
    let configured = runtime.admin_tokens();
    let entries: Vec<_> = admin_tokens(configured.as_deref()).collect();
    let unusable: Vec<_> =
        entries.iter().filter_map(|entry| Some(entry.as_ref().err()?.0)).collect();
    Deployment {
        admin_tokens: entries.len() - unusable.len(),
        bindings: DeployedBindings {
            cache_kv: runtime.kv_bound(),
            purge_log: runtime.log_bound(),
            stats: runtime.statistics_bound(),
            version_metadata: version.is_some(),
        },
        caller: context.admin.as_ref().map(|admin| Caller {
            name: admin.administrator.name.clone(),
            role: admin.administrator.role.as_str(),
        }),
        on_deploy: on_deploy(admin.purges.deploy.state(runtime)),
        placement: placement(context.request.headers.get("cf-placement")),
        unusable_admin_tokens: unusable,
        version: version.map(|id| id.as_str().to_owned()),
    }
}

fn on_deploy(state: DeployPurgeState) -> OnDeploy {
    let (state, reason) = match state {
        DeployPurgeState::NotConfigured => (OnDeployState::None, None),
        DeployPurgeState::NoVersion => {
            let reason = "VERSION_METADATA is not bound, so nothing is purged";
            (OnDeployState::Absent, Some(reason))
        }
        DeployPurgeState::Pending => {
            (OnDeployState::Pending, Some("the purge log has not confirmed it yet"))
        }
        DeployPurgeState::Recorded => (OnDeployState::Ok, None),
    };
    OnDeploy { state, reason }
}

/// Where the Worker runs, by the header that Cloudflare adds if Smart Placement is on
/// (<https://developers.cloudflare.com/workers/configuration/placement/>).
fn placement(header: Option<&str>) -> Placement {
    let reason = "Smart Placement moves memory and the edge cache away from clients; turn it off";
    match header {
        None => Placement { state: PlacementState::Ok, place: None, reason: None },
        Some(place) => Placement {
            state: PlacementState::Smart,
            place: Some(place.to_owned()),
            reason: Some(reason),
        },
    }
}
