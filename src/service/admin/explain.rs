//! `POST explain`

use super::body::{invalid, read_body};
use super::components::Admin;
use crate::admin::read_explain_request;
use crate::http::Response;
use crate::limits;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// Responds with what would be done with the request in the body.
pub async fn explain<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let too_large = "a request to explain has at most 1 MiB";
    let body = match read_body(&context.runtime, limits::ADMIN_BODY_BYTES, too_large).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let described = match read_explain_request(&context.request.url, &body) {
        Ok(described) => described,
        Err(fault) => return invalid(&fault.message, &fault.path),
    };
    drop(body);
    json_response(200, &admin.explainer.explain(&context.runtime, described).await)
}
