//! `GET openapi.json`
//!
//! Not in scope: the document, which the tests generate (`openapi.rs`) and the build puts next to the
//! Worker.

use super::body::error;
use super::components::Admin;
use crate::http::Response;
use crate::service::context::Context;
use crate::service::runtime::Runtime;

/// Responds with the OpenAPI description of the admin routes.
pub async fn document<R: Runtime>(_admin: &Admin, context: &Context<R>) -> Response {
    let Some(text) = context.runtime.openapi() else {
        return error(503, "this Worker was built without openapi.json; the repository has it");
    };
    let headers = [("content-type", "application/json"), ("cache-control", "no-cache")];
    Response { status: 200, headers: headers.into_iter().collect(), body: text.into_bytes().into() }
}
