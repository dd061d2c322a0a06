//! `GET health`

use super::components::Admin;
use super::deployment::deployment;
use super::parts::examine;
use crate::admin::{HealthReport, HealthState};
use crate::http::Response;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// Responds with the state of the service and of each part it depends on. The status is 503 if the
/// service is `DOWN`. An administrator also sees the deployment.
pub async fn health<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let examined = examine(admin, context).await;
    let is_admin = context.admin.is_some();
    let report = HealthReport {
        state: examined.state,
        service: admin.config.service.clone(),
        parts: examined.parts,
        alerts: examined.alerts,
        paused: examined.paused,
        deployment: is_admin.then(|| deployment(admin, context)),
    };
    let status = if report.state == HealthState::Down { 503 } else { 200 };
    json_response(status, &report)
}
