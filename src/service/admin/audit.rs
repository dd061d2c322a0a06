//! `GET audit`

use super::body::{error, invalid, parameter};
use super::components::Admin;
use crate::admin::Audit;
use crate::http::Response;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;
use crate::statistics::AUDITED_CHANGES;

/// How many changes are shown unless the request says otherwise.
const SHOWN: u64 = 100;

/// Responds with the last changes.
pub async fn changes<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    if !context.runtime.statistics_bound() {
        let message = "the audit is kept in a Durable Object that is not bound: add the binding STATS \
                       to wrangler.toml, as docs/access.md describes";
        return error(501, message);
    }
    let text = |name| parameter(&context.request, name);
    let limit = text("limit").map_or(Ok(SHOWN), |text| text.parse());
    let Some(limit) = limit.ok().filter(|limit| (1..=AUDITED_CHANGES).contains(limit)) else {
        return invalid("expected a whole number from 1 to 1000", "limit");
    };
    let Ok(before) = text("before").map(|text| text.parse()).transpose() else {
        return invalid("expected the id of a change", "before");
    };
    match admin.audit.read(&context.runtime, before, limit).await {
        Ok(changes) => json_response(200, &Audit { changes, denied: admin.audit.denied.get() }),
        Err(fault) => error(503, &["the audit cannot be read now; try again: ", &fault].concat()),
    }
}
