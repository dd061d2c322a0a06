//! `GET stats`

use super::body::{invalid, parameter};
use super::components::Admin;
use crate::admin::{LimitUse, RowSort, Stats, StatsDetails};
use crate::http::{Request, Response};
use crate::limits::Limit;
use crate::service::context::Context;
use crate::service::respond::json_text_response;
use crate::service::runtime::Runtime;
use crate::service::stats_reports::WindowNumbers;
use crate::service::tiers::{FarTier, Tier};
use crate::statistics::{Ask, By};

/// The longest window, in seconds: 30 days.
const LONGEST_WINDOW: u64 = 2_592_000;

/// Responds with the numbers of the service, the state of the circuit breakers, and how close requests came
/// to the limits.
pub async fn numbers<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let (ask, sort) = match asked(&context.request) {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let runtime = &context.runtime;
    let (sum, is_own, fault) = match admin.reports.numbers(runtime, ask).await {
        WindowNumbers::Service(sum) => (sum, false, None),
        WindowNumbers::Isolate(sum, fault) => (sum, true, fault),
    };
    let stats = Stats::new(
        sum,
        StatsDetails {
            is_own,
            fault,
            window: ask.window,
            by: ask.by,
            sort,
            is_available: runtime.kv_bound() && admin.kv.breaker.reason().is_none(),
            breakers: breakers(admin),
            limits: limits(admin),
        },
    );
    // Numbers and strings can always be serialized.
    json_text_response(200, serde_json::to_string(&stats).unwrap_or_default())
}

/// What a request asks for, and by what rows are sorted.
fn asked(request: &Request) -> Result<(Ask, RowSort), Response> {
    let window = match parameter(request, "window").map(|text| text.parse::<u64>()) {
        None => None,
        Some(Ok(seconds)) if (1..=LONGEST_WINDOW).contains(&seconds) => Some(seconds),
        Some(_) => {
            return Err(invalid("expected 1 to 2592000 seconds, which are 30 days", "window"));
        }
    };
    let by = match parameter(request, "by") {
        None => None,
        Some(word) => match By::parse(&word) {
            Some(by) => Some(by),
            None => return Err(invalid("expected type, operation, path or reason", "by")),
        },
    };
    let sort = match parameter(request, "sort") {
        None => RowSort::default(),
        Some(word) => match RowSort::parse(&word) {
            Some(sort) => sort,
            None => return Err(invalid("expected traffic, misses, time or bytes", "sort")),
        },
    };
    Ok((Ask { window, by }, sort))
}

fn breakers(admin: &Admin) -> Vec<(String, String)> {
    let word = |is_open: bool| if is_open { "open" } else { "closed" };
    let (log, tiers) = (&admin.purges, &admin.tiers);
    let far = tiers.far.iter().map(|tier| (tier.name(), tier.breaker().is_open()));
    let others = [
        ("edge_cache", tiers.edge_cache.breaker.is_open()),
        ("purge_log", log.view.is_failing() || !log.takes_purges()),
    ];
    far.chain(others).map(|(name, is_open)| (name.to_owned(), word(is_open).to_owned())).collect()
}

fn limits(admin: &Admin) -> Vec<(String, LimitUse)> {
    let highest = admin.usage.highest();
    let limits = Limit::ALL.into_iter().map(|limit| {
        let most = admin.config.limits.amounts.of(limit);
        (limit.as_str().to_owned(), LimitUse { limit: most, highest: highest.of(limit) })
    });
    limits.collect()
}
