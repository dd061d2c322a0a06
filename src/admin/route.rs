//! Maps paths and methods to admin routes.

use super::PREFIX;
use crate::http::Method;

/// An admin route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `POST purge`
    Purge,
    /// `GET stats`
    Stats,
    /// `GET schema`, `POST schema`, `DELETE schema`
    Schema,
    /// `GET health`, the only route that needs no token
    Health,
    /// `GET documents`
    Documents,
    /// `POST documents`
    Upload,
}

/// Why a request matches no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteError {
    /// There is no such route.
    Unknown,
    /// The route does not support the method.
    Method {
        /// The value of `Allow`.
        allow: &'static str,
    },
}

impl Route {
    fn allow(self) -> &'static str {
        match self {
            Self::Purge => "POST",
            Self::Schema => "DELETE, GET, HEAD, POST",
            Self::Stats | Self::Health => "GET, HEAD",
            Self::Documents | Self::Upload => "GET, HEAD, POST",
        }
    }
}

/// The route of a path under [`PREFIX`]. A wrong method is reported together with the route, so
/// that the token can be checked first: without a valid token, a client does not learn which
/// methods a route has.
pub fn route(method: &Method, path: &str) -> (Option<Route>, Option<RouteError>) {
    let route = match path.strip_prefix(PREFIX) {
        Some("purge") => Route::Purge,
        Some("schema") => Route::Schema,
        Some("stats") => Route::Stats,
        Some("health") => Route::Health,
        Some("documents") if *method == Method::Post => Route::Upload,
        Some("documents") => Route::Documents,
        _ => return (None, Some(RouteError::Unknown)),
    };
    let fits = match route {
        Route::Purge | Route::Upload => *method == Method::Post,
        Route::Schema => {
            matches!(method, Method::Get | Method::Head | Method::Post)
                || method.as_str() == "DELETE"
        }
        Route::Stats | Route::Health | Route::Documents => {
            matches!(method, Method::Get | Method::Head)
        }
    };
    (Some(route), (!fits).then_some(RouteError::Method { allow: route.allow() }))
}
