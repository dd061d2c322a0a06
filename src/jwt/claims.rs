//! The claims of a request's JSON Web Token.

use crate::order;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The claims of a request's token.
#[derive(Debug, Clone, PartialEq)]
pub enum Claims {
    /// The token has not been checked yet.
    NotChecked,
    /// The request has no token.
    NoToken,
    /// The token is not valid.
    Unverified,
    /// The token is valid. Contains the claims that scopes depend on.
    Verified(Rc<BTreeMap<String, Value>>),
}

impl Claims {
    /// The claim at this path, if the token is valid and has it. `path` must be configured in a
    /// scope.
    pub fn get(&self, path: &str) -> Option<&Value> {
        match self {
            Self::Verified(claims) => claims.get(path),
            Self::NotChecked | Self::NoToken | Self::Unverified => None,
        }
    }

    /// Whether it is certain which claims the request has.
    pub fn are_known(&self) -> bool {
        matches!(self, Self::NoToken | Self::Verified(_))
    }
}

/// The claims at these paths.
pub(super) fn selected<'a>(
    all: &Map<String, Value>,
    paths: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, Value> {
    order::map_of(paths.filter_map(|path| Some((path.to_owned(), claim(all, path)?.clone()))))
}

/// A claim by its name, or by a path with dots through nested objects. Names may contain dots
/// themselves, as URLs do: the longest name that leads to a value is used. `null` is no claim.
fn claim<'a>(all: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = all.get(path) {
        return Some(value).filter(|value| !value.is_null());
    }
    path.rmatch_indices('.').find_map(|(at, _)| {
        let (name, rest) = path.split_at(at);
        claim(all.get(name)?.as_object()?, rest.strip_prefix('.')?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_found_by_name_or_by_path() {
        let all = json!({
            "sub": "alice",
            "null": null,
            "realm": { "roles": ["b", "a"], "x": { "y": 1 } },
            "https://shop.example/user": { "id": 7 },
            "realm.x": { "y": 2 },
        });
        let all = all.as_object().unwrap();
        let found = |path: &str| claim(all, path).map(ToString::to_string);
        for (path, value) in [
            ("sub", Some("\"alice\"")),
            ("realm.roles", Some("[\"b\",\"a\"]")),
            ("realm.x.y", Some("2")),
            ("https://shop.example/user.id", Some("7")),
            ("https://shop.example/user", Some("{\"id\":7}")),
            ("null", None),
            ("absent", None),
            ("sub.x", None),
            ("realm.roles.0", None),
        ] {
            assert_eq!(found(path).as_deref(), value, "{path}");
        }
    }
}
