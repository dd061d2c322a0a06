//! Which admin route a request is for.

use super::token::{Access, TokenForm};
use crate::config::Role;
use crate::http::{Method, folded_path};
use crate::order;

/// The paths of admin routes begin with this.
pub const PREFIX: &str = "/__evergraph/";

/// The path of routes for requests that purge by their method, whatever their path.
pub const ANY_PATH: &str = "*";

/// An admin route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method. A route for `GET` takes `HEAD` too.
    pub method: &'static str,
    /// The path after [`PREFIX`], as in `purge`; empty for the operator's page; or [`ANY_PATH`]. A segment
    /// such as `:key` stands for any text.
    pub path: &'static str,
    /// The role that the token needs. `None`: the route needs no token. All routes of one path need a
    /// token, or none does.
    pub role: Option<Role>,
    /// What it does, in one line. The reference in the docs has the same line.
    pub doc: &'static str,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteError {
    /// There is no such route, or no admin route at all, since nothing is configured that opens one:
    /// 404.
    Unknown {
        /// The paths of all routes, as in `purge, schema and stats`.
        known: String,
    },
    /// The token is missing or wrong: 401.
    Unauthorized,
    /// The token's role does not suffice: 403.
    Forbidden {
        /// The role that the route needs.
        needed: Role,
    },
    /// The path has routes for other methods: 405.
    Method {
        /// Those methods, as in `Allow`: `GET, HEAD`.
        allow: String,
    },
}

/// The folder of the admin routes.
const FOLDER: &str = "/__evergraph";

/// What a path was meant for that is another spelling of an admin route's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misspelled {
    /// The operator's page, without the slash at the end.
    Page,
    /// A route.
    Route,
}

/// Whether a path is for Evergraph itself: that of an admin route, or another spelling of one, as clients send
/// it that are given an address with a slash at its end (`//__evergraph/purge`). Servers differ in what they
/// take for the same path, and the token of such a request is not for the origin.
pub fn is_admin_path(path: &str) -> bool {
    if path.starts_with(PREFIX) {
        return true;
    }
    // Folding costs more, and few paths need it.
    if !path.contains("__") && !path.contains('%') {
        return false;
    }
    let folded = folded_path(path);
    folded.strip_prefix(FOLDER).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where a request belongs whose path is for Evergraph, but not that of a route. `None`: its path begins like
/// those of the routes.
pub fn misspelled(method: &Method, path: &str) -> Option<Misspelled> {
    if path.starts_with(PREFIX) || !is_admin_path(path) {
        return None;
    }
    let is_page = path == FOLDER && matches!(method, Method::Get | Method::Head);
    Some(if is_page { Misspelled::Page } else { Misspelled::Route })
}

/// Whether requests with this method purge, if the configuration permits it.
pub fn is_purge_method(method: &Method) -> bool {
    matches!(method, Method::Other(name) if name == "PURGE" || name == "BAN")
}

/// In which form a request with this method and path may send an admin token. Only routes whose clients
/// cannot choose accept more than `Authorization: Bearer`: those of Fastly's API and the methods that purge
/// accept `Fastly-Key`, and that of Apollo Router accepts the token without a scheme.
pub fn token_form(method: &Method, path: &str) -> TokenForm {
    match path.strip_prefix(PREFIX) {
        Some("invalidation") if *method == Method::Post => TokenForm::WithoutScheme,
        Some(route) if route.starts_with("service/") => TokenForm::FastlyKey,
        None if is_purge_method(method) => TokenForm::FastlyKey,
        _ => TokenForm::Bearer,
    }
}

impl Route {
    /// Whether it changes something, so that the audit has to show who called it. A `POST` that needs
    /// only the role `read` reads.
    pub fn is_change(&self) -> bool {
        self.method != "GET" && self.role.is_some_and(|role| role > Role::Read)
    }

    fn matches(&self, path: &str) -> bool {
        let mut texts = path.split('/');
        let all = self.path.split('/').all(|segment| {
            let text = texts.next();
            text.is_some_and(|text| segment == text || segment.starts_with(':') && !text.is_empty())
        });
        all && texts.next().is_none()
    }

    fn takes(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}

/// The route of `routes` that a request is for. A client without the right token learns which paths
/// there are, and not which methods they take.
///
/// ```
/// use evergraph::admin::{Access, Credential, Administrator, Role, Route, RouteError, find_route};
/// use evergraph::http::Method;
///
/// let role = Some(Role::Read);
/// let routes = [Route { method: "GET", path: "stats", role, doc: "Counters." }];
/// let path = "/__evergraph/stats";
/// let find = |method, access| find_route(&routes, &Method::parse(method), path, access);
/// let (name, credential) = ("ci".to_owned(), Credential::Token);
/// let ci = Access::Granted(Administrator { name, role: Role::Purge, credential });
/// assert_eq!(find("HEAD", &ci), Ok(&routes[0]));
/// assert_eq!(find("GET", &Access::Denied), Err(RouteError::Unauthorized));
/// assert_eq!(find("PUT", &ci), Err(RouteError::Method { allow: "GET, HEAD".into() }));
/// ```
pub fn find_route<'r>(
    routes: &'r [Route],
    method: &Method,
    path: &str,
    access: &Access,
) -> Result<&'r Route, RouteError> {
    let path = match path.strip_prefix(PREFIX) {
        Some(ANY_PATH) => None,
        Some(path) => Some(path),
        None => Some(ANY_PATH),
    };
    let of_path = || routes.iter().filter(|route| path.is_some_and(|path| route.matches(path)));
    let Some(any) = of_path().next().filter(|_| *access != Access::Closed) else {
        return Err(RouteError::Unknown { known: paths(routes) });
    };
    if *access == Access::Denied && any.role.is_some() {
        return Err(RouteError::Unauthorized);
    }
    let found = of_path().find(|route| route.takes(method.as_str()));
    if let (Some(needed), Access::Granted(administrator)) =
        (found.and_then(|route| route.role), access)
        && administrator.role < needed
    {
        return Err(RouteError::Forbidden { needed });
    }
    found.ok_or_else(|| {
        let methods = of_path().flat_map(|route| match route.method {
            "GET" => vec!["GET", "HEAD"],
            other => vec![other],
        });
        let methods = order::set_of(methods);
        RouteError::Method { allow: methods.into_iter().collect::<Vec<_>>().join(", ") }
    })
}

/// The named paths of routes in their order, each once, as in `purge, schema and stats`.
fn paths(routes: &[Route]) -> String {
    let paths = routes.iter().map(|route| route.path);
    let mut paths: Vec<_> = paths.filter(|path| !["", ANY_PATH].contains(path)).collect();
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
    use crate::admin::{Administrator, Credential};

    static ROUTES: [Route; 4] = [
        route("POST", "schema", Some(Role::Admin)),
        route("GET", "schema", Some(Role::Read)),
        route("DELETE", "schema", Some(Role::Admin)),
        route("GET", "health", None),
    ];

    const fn route(method: &'static str, path: &'static str, role: Option<Role>) -> Route {
        Route { method, path, role, doc: "" }
    }

    const ADMIN: Access = of_role(Role::Admin);

    const fn of_role(role: Role) -> Access {
        Access::Granted(Administrator { name: String::new(), role, credential: Credential::Token })
    }

    fn find(method: &str, path: &str, access: Access) -> Result<&'static Route, RouteError> {
        find_route(&ROUTES, &Method::parse(method), path, &access)
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
            assert_eq!(find(method, &path, ADMIN), Ok(&ROUTES[index]), "{method} {path}");
        }
    }

    #[test]
    fn a_segment_of_a_route_can_stand_for_any_text() {
        let routes = [route("POST", "service/:id/purge/:key", None), route("BAN", "*", None)];
        let find = |method, path: &str| {
            let path = format!("{PREFIX}{path}");
            find_route(&routes, &Method::parse(method), &path, &ADMIN)
                .ok()
                .map(|found| found.method)
        };
        assert_eq!(find("POST", "service/a/purge/b"), Some("POST"));
        for other in ["service/a/purge", "service/a/purge/", "service/a/purge/b/c", "*", ""] {
            assert_eq!(find("POST", other), None, "{other:?}");
            assert_eq!(find("BAN", other), None, "{other:?}");
        }
        let any = find_route(&routes, &Method::parse("BAN"), "/api/products", &ADMIN);
        assert_eq!(any, Ok(&routes[1]));
    }

    #[test]
    fn another_spelling_of_an_admin_path_is_no_other_path() {
        let get = |path: &str| (is_admin_path(path), misspelled(&Method::Get, path));
        for path in
            ["/__evergraph/purge", "/__evergraph/", "/__evergraph//purge", "/__evergraph/%2e%2e/x"]
        {
            assert_eq!(get(path), (true, None), "{path}");
        }
        for path in [
            "//__evergraph/purge",
            "///__evergraph/",
            "//__evergraph",
            "/__evergraph%2Fpurge",
            "/__evergraph%252Fpurge",
            "/%252f__evergraph/purge",
            "/%5F_evergraph/purge",
            "/__EverGraph/purge",
            "/__evergraph;v=1/purge",
            "/__evergraph%3Bv/purge",
            "/%20__evergraph/purge",
            "/__evergraph%00",
            "/__evergraph%5Cpurge",
            "/api/..%2F__evergraph/purge",
        ] {
            assert_eq!(get(path), (true, Some(Misspelled::Route)), "{path}");
        }
        for path in [
            "/__evergraphs/purge",
            "/__evergraph-docs",
            "/_evergraph/purge",
            "/__ever/graph",
            "/api/__evergraph/purge",
            "//",
            "/caf%C3%A9",
        ] {
            assert_eq!(get(path), (false, None), "{path}");
        }
        assert_eq!(get(FOLDER), (true, Some(Misspelled::Page)));
        assert_eq!(misspelled(&Method::Head, FOLDER), Some(Misspelled::Page));
        assert_eq!(misspelled(&Method::Post, FOLDER), Some(Misspelled::Route));
    }

    #[test]
    fn an_unknown_path_is_told_which_there_are() {
        let unknown = Err(RouteError::Unknown { known: "schema and health".to_owned() });
        for path in ["/__evergraph/", "/__evergraph/schemas", "/__evergraph/schema/", "/schema"] {
            assert_eq!(find("GET", path, ADMIN), unknown, "{path}");
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
        assert_eq!(find("PUT", schema, ADMIN), allow("DELETE, GET, HEAD, POST"));
        let health = "/__evergraph/health";
        assert_eq!(find("GET", health, Access::Denied), Ok(&ROUTES[3]));
        assert_eq!(find("POST", health, Access::Denied), allow("GET, HEAD"));
    }

    #[test]
    fn what_needs_more_than_the_role_read_and_is_no_get_is_a_change() {
        assert!(route("POST", "purge", Some(Role::Purge)).is_change());
        assert!(route("DELETE", "schema", Some(Role::Admin)).is_change());
        assert!(!route("POST", "explain", Some(Role::Read)).is_change());
        assert!(!route("GET", "secrets", Some(Role::Admin)).is_change());
        assert!(!route("POST", "public", None).is_change());
    }

    #[test]
    fn a_lower_role_is_refused() {
        let schema = "/__evergraph/schema";
        for (method, role, needed) in [
            ("GET", Role::Read, None),
            ("POST", Role::Read, Some(Role::Admin)),
            ("DELETE", Role::Purge, Some(Role::Admin)),
            ("DELETE", Role::Admin, None),
        ] {
            let refused = find(method, schema, of_role(role)).err();
            assert_eq!(refused, needed.map(|needed| RouteError::Forbidden { needed }), "{method}");
        }
    }
}
