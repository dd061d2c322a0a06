//! Splits and joins the JSON arrays of batches, without changing the text of their elements.

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The texts of an array's elements. `None` unless it is an array of exactly `count` elements.
pub fn elements(body: &[u8], count: usize) -> Option<Vec<&str>> {
    struct Elements(usize);
    impl<'de> Visitor<'de> for Elements {
        type Value = Vec<&'de str>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "{} elements", self.0)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
            let mut found = Vec::with_capacity(self.0);
            while let Some(element) = array.next_element::<&RawValue>()? {
                if found.len() >= self.0 {
                    return Err(A::Error::invalid_length(found.len() + 1, &self));
                }
                found.push(element.get());
            }
            Ok(found)
        }
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let found = json.deserialize_seq(Elements(count)).ok()?;
    json.end().ok()?;
    (found.len() == count).then_some(found)
}

/// Joins elements to an array.
pub fn array_of<T: AsRef<[u8]>>(elements: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut array = vec![b'['];
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            array.push(b',');
        }
        array.extend_from_slice(element.as_ref());
    }
    array.push(b']');
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_apart_only_what_has_the_right_length() {
        let body = b" [ {\"a\": 1.0} ,[2], null\n] ";
        assert_eq!(elements(body, 3), Some(vec!["{\"a\": 1.0}", "[2]", "null"]));
        for (body, count) in [
            (" [1,2]", 3),
            ("[1,2]", 1),
            ("[1,2", 2),
            ("[1,2]]", 2),
            ("[1,]", 1),
            ("{\"a\":1}", 1),
            ("", 0),
        ] {
            assert_eq!(elements(body.as_bytes(), count), None, "{body}");
        }
        assert_eq!(elements(b"[]", 0), Some(vec![]));
        assert_eq!(elements(b"[\"\xff\"]", 1), None);
    }

    proptest! {
        #[test]
        fn what_is_put_together_is_taken_apart(
            texts in prop::collection::vec("[ -~é]{0,9}", 0..5),
        ) {
            let texts: Vec<String> =
                texts.iter().map(|text| serde_json::Value::from(text.as_str()).to_string()).collect();
            let array = array_of(&texts);
            prop_assert_eq!(elements(&array, texts.len()), Some(texts.iter().map(|t| &**t).collect()));
        }
    }
}
