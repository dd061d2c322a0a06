//! What the routes have in common: reading a request's body and its query, and errors as JSON.

use crate::admin::Problem;
use crate::http::{Request, Response, form_pairs};
use crate::service::respond::json_response;
use crate::service::runtime::{BodyRead, Runtime};
use std::rc::Rc;

/// `{"error": …}`
pub fn error(status: u16, message: &str) -> Response {
    json_response(status, &Problem { error: message.to_owned(), path: None })
}

/// A 400 with what is wrong, and where: a path such as `tags[1]`.
pub fn invalid(message: &str, path: &str) -> Response {
    json_response(400, &Problem { error: message.to_owned(), path: Some(path.to_owned()) })
}

/// Reads the request's body, or returns the response to one that cannot be read. An administrator's
/// body does not count against the memory of bodies in flight.
pub async fn read_body<R: Runtime>(
    runtime: &R,
    limit: usize,
    too_large: &str,
) -> Result<Rc<[u8]>, Response> {
    match runtime.request_body(limit, 0).await {
        BodyRead::Whole(body) => Ok(body),
        BodyRead::TooLarge | BodyRead::NoRoom => Err(error(413, too_large)),
        BodyRead::Broken => Err(error(400, "the request's body broke off")),
    }
}

/// The value of a parameter in the request's query.
pub fn parameter(request: &Request, name: &str) -> Option<String> {
    let pairs = form_pairs(request.url.query.as_deref().unwrap_or_default());
    pairs.into_iter().flatten().find(|(other, _)| other == name).map(|(_, value)| value)
}
