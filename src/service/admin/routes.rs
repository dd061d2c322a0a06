//! The table of admin routes.

use super::components::Admin;
use super::{documents, health, purge, schema, stats};
use crate::admin::Route;
use crate::http::Response;
use crate::service::context::Context;
use crate::service::runtime::Runtime;

/// The route needs one of `ADMIN_TOKENS`.
const TOKEN: bool = true;
/// The route needs no token, once `ADMIN_TOKENS` is set.
const PUBLIC: bool = false;

/// Defines [`ROUTES`], and [`call`] which calls the handler of one of them.
macro_rules! routes {
    ($($method:literal $path:literal $access:ident => $handler:path, $doc:literal;)+) => {
        /// The routes, in the order in which a 404 lists them.
        pub const ROUTES: &[Route] = &[
            $(Route {
                method: $method,
                path: $path,
                needs_token: $access,
                doc: $doc,
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
    "POST" "purge" TOKEN => purge::purge,
        "Purges responses by tag, type, operation, path, key or pattern, or all of them.";
    "POST" "documents" TOKEN => documents::upload,
        "Adds documents that clients name by ids, or replaces all with `?replace=1`.";
    "GET" "documents" TOKEN => documents::count,
        "Counts the uploaded documents.";
    "POST" "schema" TOKEN => schema::upload,
        "Puts a GraphQL schema in force, as SDL or as an introspection result.";
    "GET" "schema" TOKEN => schema::summary,
        "Shows where the schema in force came from, and how many types it has.";
    "DELETE" "schema" TOKEN => schema::end,
        "Ends the schema in force, and purges everything.";
    "GET" "stats" TOKEN => stats::counters,
        "Shows the counters of the isolate that answers, with `?window=` of the last seconds.";
    "GET" "health" PUBLIC => health::health,
        "Shows whether KV, the purge log, the edge cache and the origin work. Needs no token.";
}
