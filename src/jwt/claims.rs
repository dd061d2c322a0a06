//! What a request's token says of who is asking.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The claims of a request's token.
#[derive(Debug, Clone, PartialEq)]
pub enum Claims {
    /// Nobody has looked yet.
    NotChecked,
    /// The request has no token.
    NoToken,
    /// It has a token that proves nothing.
    Unverified,
    /// It has a good token. Of its claims those are here that a scope goes by.
    Verified(Rc<BTreeMap<String, Value>>),
}

impl Claims {
    /// A claim that the configuration names, if a good token has it.
    pub fn get(&self, path: &str) -> Option<&Value> {
        match self {
            Self::Verified(claims) => claims.get(path),
            Self::NotChecked | Self::NoToken | Self::Unverified => None,
        }
    }

    /// Whether it is certain which claims there are.
    pub fn are_known(&self) -> bool {
        matches!(self, Self::NoToken | Self::Verified(_))
    }
}

/// The claims of those paths that a token has.
pub(super) fn selected<'a>(
    all: &Map<String, Value>,
    paths: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, Value> {
    paths.filter_map(|path| Some((path.to_owned(), claim(all, path)?.clone()))).collect()
}

/// A claim by its name, or by a path with dots through nested objects. A name may itself have dots,
/// as those that are URLs do: the longest name that leads somewhere counts. A null is no claim.
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
