//! Decides from a response whether an operation was executed.

use crate::json::{Index, Object, Value};

/// What a response says about the execution of an operation (GraphQL §7.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    /// Data and no errors.
    Data(Object<'a>),
    /// Data and errors, `data: null`, or an error with a `path`: something was executed.
    Partial(Option<Object<'a>>),
    /// Errors without a `path`, and no data: nothing was executed.
    NothingRan,
    /// Not a GraphQL response.
    Unknown,
}

/// Reads the outcome from a response. `data: null` alone proves nothing: some servers write it when
/// they reject a request, and others omit `data` when everything they executed failed.
pub fn outcome(body: Value<'_>) -> Outcome<'_> {
    let Value::Object(answer) = body else { return Outcome::Unknown };
    let errors = answer.get("errors").filter(|errors| !errors.is_null());
    let is_one_of_several = answer.get("hasNext").is_some();
    match answer.get("data") {
        Some(Value::Object(data)) if errors.is_none() && !is_one_of_several => Outcome::Data(data),
        Some(Value::Object(data)) => Outcome::Partial(Some(data)),
        Some(Value::Null) | None
            if errors.is_some_and(are_of_the_request) && !is_one_of_several =>
        {
            Outcome::NothingRan
        }
        Some(_) => Outcome::Partial(None),
        None if errors.is_some() => Outcome::Partial(None),
        None => Outcome::Unknown,
    }
}

/// Whether a response shows that its operation was executed without an error.
pub fn is_success(body: Value<'_>) -> bool {
    matches!(outcome(body), Outcome::Data(_))
}

/// The same for the text of a response to one operation, or to all of a batch.
pub fn shows_success(body: &[u8]) -> bool {
    let Some(index) = Index::of(body) else { return false };
    match index.root() {
        Value::Array(all) => all.iter().all(is_success),
        one => is_success(one),
    }
}

/// `true` for a non-empty list of errors of which none has a `path`. Those are request errors,
/// raised before execution (GraphQL §7.1.2).
fn are_of_the_request(errors: Value<'_>) -> bool {
    let has_path = |error: Value<'_>| error.get("path").is_some_and(|path| !path.is_null());
    errors.as_array().is_some_and(|errors| !errors.is_empty() && !errors.iter().any(has_path))
}
