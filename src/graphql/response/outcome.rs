//! What a response says happened.

use serde_json::{Map, Value};

/// What a JSON body says happened (GraphQL §7.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'a> {
    /// Data and no errors.
    Data(&'a Map<String, Value>),
    /// Data and errors, data that is null, or an error with a `path`: something ran.
    Partial(Option<&'a Map<String, Value>>),
    /// Errors of which none has a `path`, and no data: nothing ran.
    NothingRan,
    /// No GraphQL answer.
    Unknown,
}

/// Reads what happened off a body. Data that is null says nothing by itself: some servers write it
/// where they refuse a request, and some leave it out where all that ran has failed.
pub fn outcome(body: &Value) -> Outcome<'_> {
    let Value::Object(answer) = body else { return Outcome::Unknown };
    let errors = answer.get("errors").filter(|errors| !errors.is_null());
    let is_one_of_several = answer.contains_key("hasNext");
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

/// Whether errors were raised before anything ran (GraphQL §7.1.2, request errors): a list of which
/// none has a `path`.
fn are_of_the_request(errors: &Value) -> bool {
    let has_path = |error: &Value| error.get("path").is_some_and(|path| !path.is_null());
    errors.as_array().is_some_and(|errors| !errors.is_empty() && !errors.iter().any(has_path))
}
