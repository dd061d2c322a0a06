//! Requests for Evergraph itself, under `/__evergraph/`: which route they are for, whether their token
//! is right, what their bodies say, what the audit says of a change, and the form of an explanation.
//!
//! In scope: reading and refusing requests, and the types of the JSON in them and in their responses, from
//! which the OpenAPI description is made. Not in scope: the table of routes, and what each of them does
//! (`service/admin`).

mod aliases;
mod change;
mod deployment;
mod documents;
mod entries;
mod explain;
mod health;
mod members;
mod metrics;
mod pause;
mod problem;
mod purge;
mod purge_bodies;
mod route;
mod schemas;
mod stats;
mod stats_rows;
mod token;
mod warm;

pub use crate::config::Role;
#[cfg(not(target_arch = "wasm32"))]
pub use aliases::FastlyKeys;
pub use aliases::{
    FastlyPurged, RouterInvalidated, RouterInvalidation, ban_of_path, purge_by_headers,
    purge_of_everything, purge_of_invalidations, purge_of_key, purge_of_keys, purge_of_path,
};
pub use change::{Audit, Change, DeniedRequests};
pub use deployment::{
    Caller, DeployedBindings, Deployment, OnDeploy, OnDeployState, Placement, PlacementState,
};
#[cfg(not(target_arch = "wasm32"))]
pub use documents::DocumentsBody;
pub use documents::{DocumentCount, DocumentsUploaded};
pub use entries::{
    EntryDetail, EntryList, EntryVerdict, ListedEntry, PreviewedEntries, PurgePreview,
};
pub use explain::{
    DecisionWord, ExplainRequest, ExplainedCause, ExplainedEntry, ExplainedOperation,
    ExplainedPurge, ExplainedReason, ExplainedSignal, ExplainedTerm, ExplainedTerms,
    ExplainedWarning, Explanation, MatchedType, RequestFault, UnderstoodRequest,
    read_explain_request,
};
#[cfg(not(target_arch = "wasm32"))]
pub use explain::{ExplainRequestForm, HeaderForm};
pub use health::{HealthReport, HealthState, PartHealth, Paused, service_state};
pub use members::BodyError;
pub use metrics::{
    CONTENT_TYPE as METRICS_CONTENT_TYPE, METRICS, Metric, MetricType, MetricsReport,
};
#[cfg(not(target_arch = "wasm32"))]
pub use pause::{PauseBody, ResumeBody};
pub use pause::{PauseRecorded, ResumeRecorded, read_pause, read_resume};
pub use problem::Problem;
pub use purge::{PurgeCommand, read_purge};
#[cfg(not(target_arch = "wasm32"))]
pub use purge_bodies::PurgeBody;
pub use purge_bodies::PurgeRecorded;
pub use route::{
    ANY_PATH, Misspelled, PREFIX, Route, RouteError, find_route, is_admin_path, is_purge_method,
    misspelled, token_form,
};
pub use schemas::{SchemaEnded, SchemaProvenance, SchemaSummary, SchemaUploaded};
pub use stats::{LimitUse, Stats, StatsDetails};
pub use stats_rows::RowSort;
pub use token::{
    Access, AdminToken, Administrator, Credential, TokenForm, UnusableEntry, access, admin_tokens,
    has_token,
};
#[cfg(not(target_arch = "wasm32"))]
pub use warm::WarmBody;
pub use warm::{
    WarmBudget, WarmCommand, WarmOutcome, WarmReport, WarmRequest, WarmRequests, WarmResult,
    WarmStop, read_warm, warm_body, warm_request,
};
