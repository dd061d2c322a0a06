//! `GET stats`

use super::body::{invalid, parameter};
use super::components::Admin;
use crate::http::Response;
use crate::limits::Limit;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;
use crate::service::tiers::{FarTier, Tier};
use serde_json::{Value, json};

/// Responds with the isolate's counters, the state of its circuit breakers, and how close requests came
/// to the limits.
pub async fn counters<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let window = match parameter(&context.request, "window").map(|text| text.parse::<u64>()) {
        None => None,
        Some(Ok(seconds)) if (1..=3600).contains(&seconds) => Some(seconds),
        Some(_) => return invalid("expected 1 to 3600 seconds", "window"),
    };
    let runtime = &context.runtime;
    let has_kv = runtime.kv_bound() && admin.kv.breaker.reason().is_none();
    let mut stats = admin.stats.to_json(runtime.now(), window, has_kv);
    if let Some(stats) = stats.as_object_mut() {
        stats.insert("breakers".into(), breakers(admin));
        stats.insert("limits".into(), limits(admin));
    }
    json_response(200, &stats)
}

fn breakers(admin: &Admin) -> Value {
    let word = |is_open: bool| if is_open { "open" } else { "closed" };
    let (log, tiers) = (&admin.purges, &admin.tiers);
    let far = tiers.far.iter().map(|tier| (tier.name(), tier.breaker().is_open()));
    let others = [
        ("edge_cache", tiers.edge_cache.breaker.is_open()),
        ("purge_log", log.view.is_failing() || !log.takes_purges()),
    ];
    far.chain(others).map(|(name, is_open)| (name, word(is_open))).collect()
}

fn limits(admin: &Admin) -> Value {
    let highest = admin.usage.highest();
    let limits = Limit::ALL.into_iter().map(|limit| {
        let most = admin.config.limits.amounts.of(limit);
        (limit.as_str().to_owned(), json!({ "limit": most, "highest": highest.of(limit) }))
    });
    Value::Object(limits.collect())
}
