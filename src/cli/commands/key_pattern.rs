//! Patterns over keys, as people copy them.

use crate::cli::failure::Failure;

/// A pattern begins with `gql` or `rest`, after the service and the version that each key has. A copied key
/// has these too, and such a pattern would match nothing: the error says what to leave out.
pub(super) fn without_prefix(pattern: &str) -> Result<(), Failure> {
    let is_kind = |segment: &str| matches!(segment, "gql" | "rest");
    let segments: Vec<&str> = pattern.splitn(4, '/').collect();
    match segments.as_slice() {
        [service, version, kind, ..]
            if is_kind(kind) && !is_kind(service) && !service.starts_with('*') =>
        {
            Err(Failure::usage(format!(
                "{pattern}: a pattern begins after the service and the version of a key. Leave out {service}/{version}/"
            )))
        }
        _ => Ok(()),
    }
}
