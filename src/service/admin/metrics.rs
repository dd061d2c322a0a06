//! `GET metrics`

use super::components::Admin;
use super::parts::examine;
use crate::admin::{METRICS_CONTENT_TYPE, MetricsReport};
use crate::http::Response;
use crate::service::context::Context;
use crate::service::runtime::Runtime;
use crate::service::stats_reports::CounterTotals;

/// Responds with the counters since counting began, and with the state of the service and its parts.
pub async fn metrics<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let runtime = &context.runtime;
    // First, because the reply has the alerts too.
    let counted = admin.reports.totals(runtime).await;
    let examined = examine(admin, context).await;
    let (totals, counted_by, kv) = match &counted {
        CounterTotals::Service(totals) => (Some(&totals.sum), "service", Some(totals.kv)),
        CounterTotals::Isolate(tally) => (Some(tally), "isolate", None),
        CounterTotals::Unknown => (None, "none", None),
    };
    let parts = examined.parts.iter().map(|(name, part)| (*name, part.state));
    let health: Vec<_> = [("service", examined.state)].into_iter().chain(parts).collect();
    let version = runtime.version_id();
    let report = MetricsReport {
        totals,
        counted_by,
        kv,
        health: &health,
        alerts: &examined.alerts,
        log_age_millis: admin.purges.view.age_millis(runtime.now()),
        is_paused: examined.paused.is_some(),
        deployment: version.as_ref().map_or("", |id| id.as_str()),
    };
    let headers = [("content-type", METRICS_CONTENT_TYPE), ("cache-control", "no-store")];
    let body = report.to_text().into_bytes().into();
    Response { status: 200, headers: headers.into_iter().collect(), body }
}
