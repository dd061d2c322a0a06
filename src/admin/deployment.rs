//! What `GET health` shows an administrator of the deployment.
//!
//! In scope: the form. Not in scope: what can be seen from inside (`service/admin/deployment.rs`).

use serde::Serialize;

/// What can be seen of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Deployment {
    /// How many entries of `ADMIN_TOKENS` are tokens.
    pub admin_tokens: usize,
    /// Which bindings are there.
    pub bindings: DeployedBindings,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// How far the purge of this version is.
    pub on_deploy: OnDeploy,
    /// Where the Worker runs.
    pub placement: Placement,
    /// The positions, from 1, of entries of `ADMIN_TOKENS` that open nothing. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unusable_admin_tokens: Vec<usize>,
    /// The id of the deployed version; null without the binding `VERSION_METADATA`.
    pub version: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Caller {
    /// The token's name, or the e-mail address of who is signed in by Cloudflare Access.
    pub name: String,
    /// The role: `read`, `purge` or `admin`.
    pub role: &'static str,
}

/// Which bindings the deployment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct DeployedBindings {
    /// Workers KV.
    pub cache_kv: bool,
    /// The purge log.
    pub purge_log: bool,
    /// The statistics of all isolates.
    pub stats: bool,
    /// The id of the deployed version.
    pub version_metadata: bool,
}

/// How far the purge is that `on_deploy` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct OnDeploy {
    /// Whether it is recorded.
    pub state: OnDeployState,
    /// Why it is not. Absent if it is, or if none is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// How far the purge of a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OnDeployState {
    /// `on_deploy` names nothing.
    None,
    /// The id of the version is not known, so nothing is purged.
    Absent,
    /// The purge log has not confirmed it yet.
    Pending,
    /// It is recorded.
    Ok,
}

/// Where the Worker runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Placement {
    /// Whether Smart Placement may move it away from clients.
    pub state: PlacementState,
    /// Where it runs, as Cloudflare says it: `local-EWR` near the client, `remote-LHR` elsewhere. Absent
    /// without Smart Placement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What is wrong with that, and what to do. Absent if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Whether Smart Placement is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PlacementState {
    /// It is off.
    Ok,
    /// It is on.
    Smart,
}
