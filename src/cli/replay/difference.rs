//! Whether two response bodies say the same.

use serde::Serialize;
use serde_json::Value;

/// How much of a value is shown.
const SHOWN_LETTERS: usize = 60;

/// The first difference between what was served and what the recording has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// Where it is, such as `data.product.price`. Empty for bodies that are not JSON.
    pub path: String,
    /// What was served.
    pub served: String,
    /// What the recording has.
    pub recorded: String,
}

/// Compares two bodies. JSON is compared by its values: the order of members and white space do not
/// count, and of a GraphQL response `extensions` does not either.
pub(super) fn difference(served: &[u8], recorded: &[u8]) -> Option<Difference> {
    if served == recorded {
        return None;
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let (Some(mut served_json), Some(mut recorded_json)) = (json(served), json(recorded)) else {
        let size = |bytes: &[u8]| format!("{} bytes", bytes.len());
        return Some(Difference {
            path: String::new(),
            served: size(served),
            recorded: size(recorded),
        });
    };
    for json in [&mut served_json, &mut recorded_json] {
        if let Some(members) = json.as_object_mut().filter(|members| members.contains_key("data")) {
            members.remove("extensions");
        }
    }
    first_difference("", Some(&served_json), Some(&recorded_json))
}

fn first_difference(
    path: &str,
    served: Option<&Value>,
    recorded: Option<&Value>,
) -> Option<Difference> {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (served, recorded) {
        (Some(Value::Object(served)), Some(Value::Object(recorded))) => {
            let names =
                served.keys().chain(recorded.keys().filter(|name| !served.contains_key(*name)));
            names.into_iter().find_map(|name| {
                first_difference(&below(name), served.get(name), recorded.get(name))
            })
        }
        (Some(Value::Array(served)), Some(Value::Array(recorded))) => {
            let count = served.len().max(recorded.len());
            (0..count).find_map(|at| {
                first_difference(&format!("{path}[{at}]"), served.get(at), recorded.get(at))
            })
        }
        (served, recorded) if served == recorded => None,
        (served, recorded) => Some(Difference {
            path: path.to_owned(),
            served: shown(served),
            recorded: shown(recorded),
        }),
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    let short: String = text.chars().take(SHOWN_LETTERS).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_json_by_its_values() {
        let path = |served: &str, recorded: &str| {
            difference(served.as_bytes(), recorded.as_bytes()).map(|found| found.path)
        };
        for (served, recorded, expected) in [
            (r#"{"a":1,"b":[2]}"#, r#"{ "b": [2], "a": 1 }"#, None),
            (r#"{"data":{"p":{"x":1}}}"#, r#"{"data":{"p":{"x":2}}}"#, Some("data.p.x")),
            (r#"{"data":{},"extensions":{"t":1}}"#, r#"{"data":{}}"#, None),
            (r#"{"extensions":{"t":1}}"#, r#"{}"#, Some("extensions")),
            (r#"{"l":[1,2]}"#, r#"{"l":[1]}"#, Some("l[1]")),
            (r#"{"l":[]}"#, r#"{"l":{}}"#, Some("l")),
            ("<p>", "<p>", None),
            ("<p>", "<b>", Some("")),
        ] {
            assert_eq!(path(served, recorded).as_deref(), expected, "{served} {recorded}");
        }
        let found = difference(br#"{"a":1}"#, br#"{"b":1}"#).unwrap();
        assert_eq!((found.served.as_str(), found.recorded.as_str()), ("1", "nothing"));
    }
}
