//! `GET config`

use super::components::Admin;
use crate::config::with_defaults;
use crate::http::Response;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::Runtime;

/// Responds with the active configuration, defaults included.
pub async fn active<R: Runtime>(admin: &Admin, _context: &Context<R>) -> Response {
    json_response(200, &with_defaults(&admin.configured))
}
