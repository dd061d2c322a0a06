//! Which admin route a request is for.

use super::token::Access;
use crate::http::Method;
use std::collections::BTreeSet;

/// The paths of admin routes begin with this.
pub const PREFIX: &str = "/__evergraph/";

/// An admin route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method. A route for `GET` takes `HEAD` too.
    pub method: &'static str,
    /// The path after [`PREFIX`], as in `purge`.
    pub path: &'static str,
    /// Whether it needs one of `ADMIN_TOKENS`. All routes of one path need one, or none does.
    pub needs_token: bool,
    /// What it does, in one line. The reference in the docs has the same line.
    pub doc: &'static str,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteError {
    /// There is no such route, or no admin route at all, since no token is configured: 404.
    Unknown {
        /// The paths of all routes, as in `purge, schema and stats`.
        known: String,
    },
    /// The token is missing or wrong: 401.
    Unauthorized,
    /// The path has routes for other methods: 405.
    Method {
        /// Those methods, as in `Allow`: `GET, HEAD`.
        allow: String,
    },
}

impl Route {
    fn takes(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}

/// The route of `routes` that a request is for. A client without the right token learns which paths
/// there are, and not which methods they take.
///
/// ```
/// use evergraph::admin::{Access, Route, RouteError, find_route};
/// use evergraph::http::Method;
///
/// let routes = [Route { method: "GET", path: "stats", needs_token: true, doc: "Counters." }];
/// let path = "/__evergraph/stats";
/// let find = |method, access| find_route(&routes, &Method::parse(method), path, access);
/// assert_eq!(find("HEAD", Access::Granted), Ok(&routes[0]));
/// assert_eq!(find("GET", Access::Denied), Err(RouteError::Unauthorized));
/// assert_eq!(find("PUT", Access::Granted), Err(RouteError::Method { allow: "GET, HEAD".into() }));
/// ```
pub fn find_route<'r>(
    routes: &'r [Route],
    method: &Method,
    path: &str,
    access: Access,
) -> Result<&'r Route, RouteError> {
    let path = path.strip_prefix(PREFIX);
    let of_path = || routes.iter().filter(|route| Some(route.path) == path);
    let Some(any) = of_path().next().filter(|_| access != Access::Closed) else {
        return Err(RouteError::Unknown { known: paths(routes) });
    };
    if access == Access::Denied && any.needs_token {
        return Err(RouteError::Unauthorized);
    }
    of_path().find(|route| route.takes(method.as_str())).ok_or_else(|| {
        let methods = of_path().flat_map(|route| match route.method {
            "GET" => vec!["GET", "HEAD"],
            other => vec![other],
        });
        let methods: BTreeSet<_> = methods.collect();
        RouteError::Method { allow: methods.into_iter().collect::<Vec<_>>().join(", ") }
    })
}

/// The paths of routes in their order, each once, as in `purge, schema and stats`.
fn paths(routes: &[Route]) -> String {
    let mut paths: Vec<_> = routes.iter().map(|route| route.path).collect();
    paths.dedup();
    match paths.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static ROUTES: [Route; 4] = [
        route("POST", "schema", true),
        route("GET", "schema", true),
        route("DELETE", "schema", true),
        route("GET", "health", false),
    ];

    const fn route(method: &'static str, path: &'static str, needs_token: bool) -> Route {
        Route { method, path, needs_token, doc: "" }
    }

    fn find(method: &str, path: &str, access: Access) -> Result<&'static Route, RouteError> {
        find_route(&ROUTES, &Method::parse(method), path, access)
    }

    #[test]
    fn finds_a_route_by_method_and_path() {
        for (method, path, index) in [
            ("POST", "schema", 0),
            ("GET", "schema", 1),
            ("HEAD", "schema", 1),
            ("DELETE", "schema", 2),
            ("GET", "health", 3),
        ] {
            let path = format!("{PREFIX}{path}");
            assert_eq!(find(method, &path, Access::Granted), Ok(&ROUTES[index]), "{method} {path}");
        }
    }

    #[test]
    fn an_unknown_path_is_told_which_there_are() {
        let unknown = Err(RouteError::Unknown { known: "schema and health".to_owned() });
        for path in ["/__evergraph/", "/__evergraph/schemas", "/__evergraph/schema/", "/schema"] {
            assert_eq!(find("GET", path, Access::Granted), unknown, "{path}");
        }
        // Without a configured token there are no routes.
        assert_eq!(find("GET", "/__evergraph/schema", Access::Closed), unknown);
        assert_eq!(find("GET", "/__evergraph/health", Access::Closed), unknown);
    }

    #[test]
    fn the_token_is_checked_before_the_method() {
        let allow = |allow: &str| Err(RouteError::Method { allow: allow.to_owned() });
        let schema = "/__evergraph/schema";
        assert_eq!(find("PUT", schema, Access::Denied), Err(RouteError::Unauthorized));
        assert_eq!(find("PUT", schema, Access::Granted), allow("DELETE, GET, HEAD, POST"));
        let health = "/__evergraph/health";
        assert_eq!(find("GET", health, Access::Denied), Ok(&ROUTES[3]));
        assert_eq!(find("POST", health, Access::Denied), allow("GET, HEAD"));
    }
}
