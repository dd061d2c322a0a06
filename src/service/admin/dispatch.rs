//! From a request for an admin route to its handler, and what is said about it afterwards.

use super::body::error;
use super::components::Admin;
use super::guard::{Admission, is_deliberate, sends_token};
use super::no_tokens::no_tokens_page;
use super::routes::{ROUTES, call};
use crate::admin::{
    Access, Change, DeniedRequests, Misspelled, PREFIX, Route, RouteError, find_route, misspelled,
};
use crate::http::{Headers, Request, Response};
use crate::service::context::{AdminRequest, Context};
use crate::service::failed_attempts::CLIENT_ADDRESS;
use crate::service::report::report;
use crate::service::runtime::Runtime;
use serde_json::json;
use std::rc::Rc;

/// The longest address that the audit keeps, in characters.
const ADDRESS_CHARS: usize = 45;

const MISSPELLED: &str =
    "no such route; did you mean /__evergraph/… with one slash at the start, in lower case?";

impl Admin {
    /// Responds to a request for Evergraph itself ([`crate::engine::is_admin`]).
    pub async fn respond<R: Runtime>(&self, context: &Context<R>) -> Response {
        let request = &context.request;
        let path = request.url.comparable_path();
        // No token is judged: this is no route, and it is not for the origin either.
        match misspelled(&request.method, &path) {
            Some(Misspelled::Page) => return to_page(request),
            Some(Misspelled::Route) => return error(404, MISSPELLED),
            None => {}
        }
        let Admission { access, limited } = self.guard.admit(context).await;
        let found = find_route(ROUTES, &request.method, &path, &access);
        match (found, access) {
            (Ok(route), Access::Granted(administrator)) => {
                if !is_deliberate(&administrator, request) {
                    self.count_denied(|denied| denied.forbidden += 1);
                    let message = "with Cloudflare Access, send Content-Type: application/json or \
                                   Evergraph-Admin: 1, so that no page of another site can do this";
                    return error(403, message);
                }
                let (detail, recorded) = Default::default();
                let admin = AdminRequest { administrator, detail, recorded };
                let admin = Rc::new(admin);
                let context = Context { admin: Some(admin.clone()), ..context.clone() };
                let response = call(route, self, &context).await;
                self.record(route, &admin, &context, &response);
                response
            }
            (Ok(route), Access::Denied | Access::Closed) => {
                // A public route may say more to an administrator, so this may be a guess.
                if limited.is_none() {
                    self.guard.count_failure(context);
                }
                call(route, self, context).await
            }
            (Err(RouteError::Unknown { known }), access) => {
                let page = (access == Access::Closed).then(|| no_tokens_page(request)).flatten();
                page.unwrap_or_else(|| no_such_route(&known))
            }
            (Err(refusal), _) => self.refuse(context, limited, refusal),
        }
    }

    fn refuse<R: Runtime>(
        &self,
        context: &Context<R>,
        limited: Option<u64>,
        refusal: RouteError,
    ) -> Response {
        match (refusal, limited) {
            (RouteError::Unknown { known }, _) => no_such_route(&known),
            (RouteError::Unauthorized, Some(seconds)) => {
                self.count_denied(|denied| denied.limited += 1);
                let message =
                    format!("too many attempts of your address failed; try again in {seconds} s");
                let mut response = error(429, &message);
                response.headers.set("retry-after", seconds.to_string());
                response
            }
            (RouteError::Unauthorized, None) => {
                self.count_denied(|denied| denied.unauthorized += 1);
                self.guard.count_failure(context);
                let message = match sends_token(&context.request) {
                    true => "the token is wrong; send Authorization: Bearer <one of ADMIN_TOKENS>",
                    false => "send Authorization: Bearer <one of ADMIN_TOKENS>",
                };
                let mut response = error(401, message);
                response.headers.set("www-authenticate", "Bearer realm=\"evergraph\"");
                response
            }
            (RouteError::Forbidden { needed }, _) => {
                self.count_denied(|denied| denied.forbidden += 1);
                error(403, &format!("use a token with the role {}", needed.as_str()))
            }
            (RouteError::Method { allow }, _) => {
                let mut response = error(405, &format!("use {allow}"));
                response.headers.set("allow", allow);
                response
            }
        }
    }

    fn count_denied(&self, count: impl FnOnce(&mut DeniedRequests)) {
        let mut denied = self.audit.denied.get();
        count(&mut denied);
        self.audit.denied.set(denied);
    }

    /// Logs a change, and has it stored.
    fn record<R: Runtime>(
        &self,
        route: &Route,
        admin: &AdminRequest,
        context: &Context<R>,
        response: &Response,
    ) {
        if !route.is_change() {
            return;
        }
        let AdminRequest { administrator, detail, recorded } = admin;
        let runtime = &context.runtime;
        let name = [route.method, " ", route.path].concat();
        let recorded = recorded.take().map(|body| Response {
            status: response.status,
            headers: Headers::default(),
            body,
        });
        let shown = recorded.as_ref().unwrap_or(response);
        let change = Change::of(administrator, name, &detail.borrow(), shown, runtime.now());
        let Some(mut change) = change else { return };
        let line = json!({
            "event": "admin",
            "token": change.token,
            "role": change.role,
            "route": change.route,
            "detail": change.detail,
            "status": change.status,
        });
        report(runtime, &line);
        let address = context.request.headers.get(CLIENT_ADDRESS);
        change.address = address.map(|address| address.chars().take(ADDRESS_CHARS).collect());
        self.audit.record(runtime, &change);
    }
}

/// A redirect to the operator's page.
fn to_page(request: &Request) -> Response {
    let location = request
        .url
        .query
        .as_deref()
        .map_or_else(|| PREFIX.to_owned(), |query| [PREFIX, "?", query].concat());
    let mut response = error(308, "the page is at /__evergraph/, with a slash at the end");
    response.headers.set("location", location);
    response
}

fn no_such_route(known: &str) -> Response {
    error(404, &format!("no such route; there are {known}"))
}
