//! The table of admin routes.

use super::components::Admin;
use super::{
    aliases, audit, config, documents, entries, explain, health, metrics, openapi_route, page,
    pause, purge, schema, stats, warm,
};
use crate::admin::{Role, Route};
use crate::http::Response;
use crate::service::context::Context;
use crate::service::runtime::Runtime;

/// The route needs a token with this role, or a higher one.
const READ: Option<Role> = Some(Role::Read);
const PURGE: Option<Role> = Some(Role::Purge);
const ADMIN: Option<Role> = Some(Role::Admin);
/// The route needs no token, once there are admin routes at all.
const PUBLIC: Option<Role> = None;

/// Defines [`ROUTES`], and [`call`] which calls the handler of one of them.
macro_rules! routes {
    ($($method:literal $path:literal $access:ident => $handler:path, $doc:literal;)+) => {
        /// The routes, in the order in which a 404 lists them.
        pub const ROUTES: &[Route] = &[
            $(Route {
                method: $method,
                path: $path,
                role: $access,
                // Only the OpenAPI description shows it, and the build writes that.
                doc: if cfg!(target_arch = "wasm32") { "" } else { $doc },
            },)+
        ];

        /// Carries out a route of [`ROUTES`].
        pub async fn call<R: Runtime>(
            route: &Route,
            admin: &Admin,
            context: &Context<R>,
        ) -> Response {
            match (route.method, route.path) {
                $(($method, $path) => $handler(admin, context).await,)+
                _ => super::body::error(404, "no such route"),
            }
        }
    };
}

routes! {
    "POST" "purge" PURGE => purge::purge,
        "Purges responses by tag, type, operation, path, key or pattern, or all of them.";
    "PURGE" "souin" PURGE => aliases::purge_by_headers,
        "Purges the tags in `Surrogate-Key`, as Souin does.";
    "POST" "explain" READ => explain::explain,
        "Explains what would be done with a request, and why, without asking the origin.";
    "POST" "pause" PURGE => pause::pause,
        "Passes all requests to the origin, in all isolates: for `seconds`, or until `POST resume`.";
    "POST" "resume" PURGE => pause::resume,
        "Ends the pause.";
    "POST" "warm" PURGE => warm::warm,
        "Fetches and stores the responses to a list of requests, a few at each call.";
    "POST" "documents" ADMIN => documents::upload,
        "Adds documents that clients name by ids, or replaces all with `?replace=1`.";
    "GET" "documents" READ => documents::count,
        "Counts the uploaded documents.";
    "POST" "schema" ADMIN => schema::upload,
        "Puts a GraphQL schema in force, as SDL or as an introspection result.";
    "GET" "schema" READ => schema::summary,
        "Shows where the schema in force came from, and how many types it has.";
    "DELETE" "schema" ADMIN => schema::end,
        "Ends the schema in force, and purges everything.";
    "GET" "stats" READ => stats::numbers,
        "Shows hits, misses, times and purges, of the last `?window=` seconds, `?by=` what.";
    "GET" "entries" READ => entries::entries,
        "Lists the entries in KV, by `?pattern=`; one of them with `?key=`.";
    "GET" "audit" READ => audit::changes,
        "Shows the last changes and who made them, with `?limit=` and `?before=`.";
    "GET" "metrics" READ => metrics::metrics,
        "Shows counters, response times, health and alerts in the text format of Prometheus.";
    "GET" "health" PUBLIC => health::health,
        "Shows whether KV, the purge log, the edge cache and the origin work. Needs no token.";
    "POST" "service/:id/purge" PURGE => aliases::fastly_keys,
        "Purges several tags, as Fastly does.";
    "POST" "service/:id/purge/:key" PURGE => aliases::fastly_key,
        "Purges one tag, as Fastly does.";
    "POST" "service/:id/purge_all" PURGE => aliases::fastly_everything,
        "Purges everything, as Fastly does.";
    "POST" "invalidation" PURGE => aliases::router_invalidation,
        "Purges types and tags, as Apollo Router does.";
    "PURGE" "*" PURGE => aliases::purge_path,
        "Purges the request's own path, as Varnish does, with `purge.methods`.";
    "BAN" "*" PURGE => aliases::ban_path,
        "Purges the request's own path and all below it, with `purge.methods`.";
    "GET" "config" READ => config::active,
        "Shows the active configuration, with the defaults of all keys that are not configured.";
    "GET" "openapi.json" PUBLIC => openapi_route::document,
        "Describes these routes as OpenAPI 3.1. Needs no token.";
    "GET" "" PUBLIC => page::html,
        "The operator's page, for a browser. It asks for a token.";
    "GET" "page.js" PUBLIC => page::script,
        "The page's script.";
    "GET" "page.css" PUBLIC => page::style,
        "The page's style sheet.";
}
