//! A list of header fields (RFC 9110 §5).

use super::original::OriginalFields;
use crate::record::{Read, Reader};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::rc::Rc;

/// Header fields in order, with names in lower case.
///
/// Values are text. Bytes that are not UTF-8 are replaced by U+FFFD; the original fields, if they
/// are attached, still have them.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers {
    fields: Vec<(String, String)>,
    #[serde(skip)]
    original: Option<Rc<dyn OriginalFields>>,
}

impl Read for Headers {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self { fields: Read::read(from)?, original: None })
    }
}

/// Compares the text only.
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.fields, out)
    }
}

impl Headers {
    /// A list without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first value of a field. `name` is in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All values of a field, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The values of a field, joined with `, ` (RFC 9110 §5.3). `None` if the field is absent.
    pub fn joined(&self, name: &str) -> Option<String> {
        let mut values = self.get_all(name);
        let mut all = values.next()?.to_owned();
        for value in values {
            all.push_str(", ");
            all.push_str(value);
        }
        Some(all)
    }

    /// The elements of a comma-separated field, trimmed and without empty ones.
    pub fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.get_all(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|member| !member.is_empty())
    }

    /// The fields that `Connection` declares as hop-by-hop (RFC 9110 §7.6.1), in lower case.
    pub fn named_by_connection(&self) -> Vec<String> {
        self.members("connection").map(str::to_ascii_lowercase).collect()
    }

    /// Whether the field is present.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether any value has bytes that are not UTF-8. Two different values of this kind may have
    /// the same text.
    pub fn has_unreadable_bytes(&self) -> bool {
        self.iter().any(|(_, value)| is_unreadable(value))
    }

    /// Whether a value of the field `name` has bytes that are not UTF-8.
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.get_all(name).any(is_unreadable)
    }

    /// The names of the fields that have such values.
    pub fn unreadable_names(&self) -> Vec<&str> {
        let fields = self.iter().filter(|(_, value)| is_unreadable(value));
        let mut names: Vec<&str> = fields.map(|(name, _)| name).collect();
        names.dedup();
        names
    }

    /// The original fields with their exact bytes, if they are attached.
    pub fn original(&self) -> Option<&Rc<dyn OriginalFields>> {
        self.original.as_ref()
    }

    /// Attaches the fields that this list was read from.
    pub fn attach_original(&mut self, original: Rc<dyn OriginalFields>) {
        self.original = Some(original);
    }

    /// Attaches the original fields of another list.
    pub fn attach_original_of(&mut self, others: &Self) {
        self.original.clone_from(&others.original);
    }

    /// Attaches the original fields of another list, reduced to those that text cannot represent.
    pub fn attach_unreadable_of(&mut self, others: &Self) {
        let names = self.unreadable_names();
        let original = others.original.as_ref().filter(|_| !names.is_empty());
        self.original = original.map(|original| original.only(&names));
    }

    /// Whether no bytes are lost: the original fields contain every value that text cannot
    /// represent.
    pub fn has_all_bytes(&self) -> bool {
        self.unreadable_names().iter().all(|name| {
            let original = self.original.as_ref().and_then(|original| original.text(name));
            original.is_some() && original == self.joined(name)
        })
    }

    /// Adds a field after those of the same name.
    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.fields.push((name.to_ascii_lowercase(), value.into()));
    }

    /// Replaces all values of a field by one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.append(name, value);
    }

    /// Removes all values of a field.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(field, _)| field != name);
    }

    /// Keeps the fields for whose names `keep` returns `true`.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.fields.retain(|(field, _)| keep(field));
    }

    /// The approximate size in bytes, as HTTP/1.1 sends it.
    pub fn bytes(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum()
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let in_lower_case =
            |(name, value): (N, V)| (name.as_ref().to_ascii_lowercase(), value.into());
        Self { fields: fields.into_iter().map(in_lower_case).collect(), original: None }
    }
}

fn is_unreadable(value: &str) -> bool {
    value.contains(char::REPLACEMENT_CHARACTER)
}

/// Whether a text is a token, as the names of fields and cookies are (RFC 9110 §5.6.2).
pub fn is_token(text: &str) -> bool {
    let is_token_byte = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::any::Any;

    /// Original fields whose values are plain text.
    struct Held(Vec<(String, String)>);

    impl OriginalFields for Held {
        fn text(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
        }

        fn only(&self, names: &[&str]) -> Rc<dyn OriginalFields> {
            let held = self.0.iter().filter(|(name, _)| names.contains(&name.as_str()));
            Rc::new(Self(held.cloned().collect()))
        }

        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    fn read(fields: &[(&str, &str)]) -> Headers {
        let mut headers: Headers = fields.iter().copied().collect();
        headers.attach_original(Rc::new(Held(headers.fields.clone())));
        headers
    }

    #[test]
    fn what_text_does_not_hold_is_in_the_original_fields_alone() {
        let response = read(&[("x-name", "caf\u{FFFD}"), ("set-cookie", "\u{FFFD}"), ("x", "y")]);
        let mut stored: Headers =
            response.iter().filter(|(name, _)| *name != "set-cookie").collect();
        assert_eq!(stored.unreadable_names(), ["x-name"]);
        assert!(response.has_all_bytes() && !stored.has_all_bytes());
        stored.attach_unreadable_of(&response);
        assert!(stored.has_all_bytes());
        let original = stored.original().unwrap();
        assert_eq!(original.text("x-name").as_deref(), Some("caf\u{FFFD}"));
        assert_eq!((original.text("set-cookie"), original.text("x")), (None, None));
        stored.set("x-name", "other \u{FFFD}");
        assert!(!stored.has_all_bytes(), "it was rewritten");
        stored.set("x-name", "plain");
        assert!(stored.has_all_bytes());
        stored.attach_unreadable_of(&response);
        assert!(stored.original().is_none());
    }

    #[test]
    fn values_of_one_name_are_compared_together() {
        let mut headers: Headers = [("a", "\u{FFFD}"), ("a", "b")].into_iter().collect();
        headers.attach_original(Rc::new(Held(vec![("a".into(), "\u{FFFD}, b".into())])));
        assert!(headers.has_all_bytes());
        headers.append("a", "c");
        assert!(!headers.has_all_bytes());
    }
}
