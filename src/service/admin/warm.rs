//! `POST warm`

use super::body::{invalid, read_body};
use super::components::Admin;
use crate::admin::{WarmReport, WarmRequest, WarmRequests, read_warm, warm_request};
use crate::http::Response;
use crate::limits;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// What an administrator is told if there are no popular reads.
const NOTHING_POPULAR: &str =
    "no public read was counted since yesterday; send some, or list what to warm in `requests`";
/// The same if only this isolate has counted.
const NOTHING_POPULAR_HERE: &str = "this isolate has counted no public read, and without the binding STATS it does not know of those of others; list what to warm in `requests`";

/// Warms the first requests of a list, and responds with what became of them and with the rest.
pub async fn warm<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let runtime = &context.runtime;
    let too_large = "a list has at most 1 MiB; send several";
    let body = match read_body(runtime, limits::ADMIN_BODY_BYTES, too_large).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let command = match read_warm(&context.request.url, &body) {
        Ok(command) => command,
        Err(bad) => return invalid(&bad.message, &bad.path),
    };
    let (requests, hint) = match command.requests {
        WarmRequests::Listed(requests) => (requests, None),
        WarmRequests::Top(most) => {
            let requests = popular(admin, context, most).await;
            let hint = match admin.reports.uses_object(runtime) {
                true => NOTHING_POPULAR,
                false => NOTHING_POPULAR_HERE,
            };
            let is_empty = requests.is_empty();
            (requests, is_empty.then_some(hint))
        }
    };
    let warming = admin.warmer.warm(runtime, requests, command.at_once, command.budget);
    json_response(200, &WarmReport { hint, ..warming.await })
}

/// The most popular public reads, by the statistics of the service or else of this isolate.
async fn popular<R: Runtime>(admin: &Admin, context: &Context<R>, most: usize) -> Vec<WarmRequest> {
    let popular = admin.reports.popular(&context.runtime, most).await;
    let host = &context.request.url;
    let read = popular.iter().filter_map(|one| {
        warm_request(host, (&one.method, &one.url), &one.headers, one.body.as_deref())
    });
    read.collect()
}
