//! From a request for an admin route to its handler.

use super::body::error;
use super::components::Admin;
use super::routes::{ROUTES, call};
use crate::admin::{RouteError, access, find_route};
use crate::http::Response;
use crate::service::context::Context;
use crate::service::runtime::Runtime;

impl Admin {
    /// Responds to a request whose path begins with [`crate::admin::PREFIX`].
    pub async fn respond<R: Runtime>(&self, context: &Context<R>) -> Response {
        let request = &context.request;
        let access = access(context.runtime.admin_tokens().as_deref(), &request.headers);
        match find_route(ROUTES, &request.method, &request.url.path, access) {
            Ok(route) => call(route, self, context).await,
            Err(RouteError::Unknown { known }) => {
                error(404, &format!("no such route; there are {known}"))
            }
            Err(RouteError::Unauthorized) => {
                let mut response = error(401, "send Authorization: Bearer <one of ADMIN_TOKENS>");
                response.headers.set("www-authenticate", "Bearer realm=\"evergraph\"");
                response
            }
            Err(RouteError::Method { allow }) => {
                let mut response = error(405, &format!("use {allow}"));
                response.headers.set("allow", allow);
                response
            }
        }
    }
}
