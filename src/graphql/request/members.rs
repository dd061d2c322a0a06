//! The members of a JSON request in their order, each with its source text. A request can thus be
//! sent with another document and otherwise unchanged.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// No request has more members. Look-ups are linear.
const MAX_MEMBERS: usize = 64;

/// The members of a JSON object, with unique names.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Members(Vec<Member>);

#[derive(Debug, Clone, PartialEq)]
struct Member {
    name: String,
    raw: String,
    value: Value,
}

impl Members {
    /// A member's value. `None` if it is missing or null.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let member = self.0.iter().find(|member| member.name == name);
        member.map(|member| &member.value).filter(|value| !value.is_null())
    }

    /// A member's source text.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let member = self.0.iter().find(|member| member.name == name);
        member.map(|member| member.raw.as_str())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|member| member.name.as_str())
    }

    /// Replaces a member, or appends it. Returns `false` if the text is not JSON.
    pub fn set(&mut self, name: &str, raw: String) -> bool {
        let Ok(value) = serde_json::from_slice(raw.as_bytes()) else { return false };
        let member = Member { name: name.to_owned(), raw, value };
        match self.0.iter_mut().find(|member| member.name == name) {
            Some(before) => *before = member,
            None => self.0.push(member),
        }
        true
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|member| member.name != name);
    }

    /// The object as JSON.
    pub fn to_json(&self) -> String {
        let members =
            self.0.iter().map(|member| format!("{}:{}", text_to_json(&member.name), member.raw));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// The object with only those members whose name `keeps` accepts, each with its source text. `None`
/// if the text is not an object.
pub(crate) fn filter_members(object: &str, keeps: impl Fn(&str) -> bool) -> Option<String> {
    struct FilterVisitor<F>(F);
    impl<'de, F: Fn(&str) -> bool> Visitor<'de> for FilterVisitor<F> {
        type Value = String;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
            let mut object = String::from("{");
            while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
                if !(self.0)(&name) {
                    continue;
                }
                if object.len() > 1 {
                    object.push(',');
                }
                object.push_str(&text_to_json(&name));
                object.push(':');
                object.push_str(raw.get());
            }
            object.push('}');
            Ok(object)
        }
    }
    let mut json = serde_json::Deserializer::from_slice(object.as_bytes());
    json.deserialize_map(FilterVisitor(keeps)).ok()
}

/// A string as JSON.
pub(crate) fn text_to_json(text: &str) -> String {
    Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some((name, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.raw(&name).is_some() {
                        return Err(serde::de::Error::custom("two members have one name"));
                    }
                    if members.0.len() >= MAX_MEMBERS {
                        return Err(serde::de::Error::custom("more members than any request has"));
                    }
                    // Values that nest too deep, or hold invalid strings, are accepted as raw JSON
                    // but not as values.
                    if !members.set(&name, raw.get().to_owned()) {
                        return Err(serde::de::Error::custom("a member has no value"));
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_texts() {
        let text = "{ \"b\" : {\"y\": 1.0, \"x\":1e3} ,\"a\":null,\"b\\u0063\":\"\\u0061\" }";
        let mut members: Members = serde_json::from_str(text).unwrap();
        assert_eq!(
            members.to_json(),
            "{\"b\":{\"y\": 1.0, \"x\":1e3},\"a\":null,\"bc\":\"\\u0061\"}"
        );
        assert_eq!((members.value("a"), members.value("bc")), (None, Some(&"a".into())));
        members.set("b", "1".into());
        members.set("new", text_to_json("\"\n"));
        members.remove("a");
        assert_eq!(members.to_json(), "{\"b\":1,\"bc\":\"\\u0061\",\"new\":\"\\\"\\n\"}");
    }

    #[test]
    fn keeps_members_by_their_names() {
        let kept = |text: &str, names: &[&str]| filter_members(text, |name| names.contains(&name));
        let text = "{ \"b\" : {\"y\": 1.0} ,\"\\u0061\":[ 1e3 ],\"c\":null}";
        assert_eq!(kept(text, &["a", "c"]).as_deref(), Some("{\"a\":[ 1e3 ],\"c\":null}"));
        assert_eq!(kept(text, &["b"]).as_deref(), Some("{\"b\":{\"y\": 1.0}}"));
        assert_eq!(kept(text, &[]).as_deref(), Some("{}"));
        for bad in ["[]", "7", "null", "{\"a\"}"] {
            assert_eq!(kept(bad, &["a"]), None, "{bad}");
        }
        let many = (0..1_000).map(|n| format!("\"m{n}\":{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(
            kept(&format!("{{{many}}}"), &["m7", "m999"]).as_deref(),
            Some("{\"m7\":7,\"m999\":999}")
        );
    }

    #[test]
    fn refuses_two_of_one_name_and_more_than_any_request_has() {
        assert!(serde_json::from_str::<Members>("{\"a\":1,\"b\":2,\"a\":3}").is_err());
        let many = (0..100).map(|n| format!("\"m{n}\":{n}")).collect::<Vec<_>>().join(",");
        assert!(serde_json::from_str::<Members>(&format!("{{{many}}}")).is_err());
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500));
        for bad in ["[]", "7", "{\"a\":}", "{\"a\":1", "{\"a\":\"\\ud800\"}", deep.as_str()] {
            assert!(serde_json::from_str::<Members>(bad).is_err(), "{bad}");
        }
    }
}
