//! Reading JSON into structs with little code.
//!
//! serde's derived `Deserialize` takes 3 to 8 KB of Wasm for each struct, and one per crate of input. With
//! [`Read`] a struct takes some hundred bytes: one function reads objects, and calls back with each member's
//! name. It is for what the service tells itself and stores for itself, such as statistics. Writing is left to
//! serde.
//!
//! In scope: structs whose members may all be missing, lists, pairs, maps and scalars. Unknown members are
//! ignored. Not in scope: faults with their places, and two members with one name; the last one counts.

use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::{BTreeMap, VecDeque};

/// What is left of a text of JSON.
pub struct Reader<'t>(&'t str);

/// A type that can be read from JSON.
pub trait Read: Sized {
    /// Reads one value. `None`: it has not the form of the type.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// Implements [`Read`] for a struct with a default. All fields must be listed. Each is read from the member with
/// its name, or with the name after `as`.
macro_rules! members {
    ($type:ty { $($field:ident $(as $name:literal)?),+ $(,)? }) => {
        impl $crate::record::Read for $type {
            fn read(from: &mut $crate::record::Reader<'_>) -> Option<Self> {
                let mut read = Self::default();
                from.object(&mut |name, from| {
                    $(if name == $crate::record::member_name!($field $($name)?) {
                        read.$field = $crate::record::Read::read(from)?;
                        return Some(());
                    })+
                    from.skip()
                })?;
                let Self { $($field: _),+ } = &read;
                Some(read)
            }
        }
    };
}

/// The same for a struct without a default: the fields before the semicolon must be there, those after it have a
/// default.
macro_rules! required_members {
    ($type:ty { $($field:ident),+ ; $($optional:ident),* }) => {
        impl $crate::record::Read for $type {
            fn read(from: &mut $crate::record::Reader<'_>) -> Option<Self> {
                $(let mut $field = None;)+
                $(let mut $optional = None;)*
                from.object(&mut |name, from| {
                    $(if name == stringify!($field) {
                        $field = Some($crate::record::Read::read(from)?);
                        return Some(());
                    })+
                    $(if name == stringify!($optional) {
                        $optional = Some($crate::record::Read::read(from)?);
                        return Some(());
                    })*
                    from.skip()
                })?;
                Some(Self {
                    $($field: $field?,)+
                    $($optional: $optional.unwrap_or_default(),)*
                })
            }
        }
    };
}

/// The name of the member that a field is read from.
macro_rules! member_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

pub(crate) use {member_name, members, required_members};

/// Reads a whole text. `None`: it has not the form of the type.
pub fn read<T: Read>(text: &str) -> Option<T> {
    let mut reader = Reader(text);
    let value = T::read(&mut reader)?;
    reader.0.trim_ascii().is_empty().then_some(value)
}

impl Reader<'_> {
    /// Reads an object. `member` reads the value of each member, whose name it gets.
    pub fn object(&mut self, member: &mut dyn FnMut(&str, &mut Self) -> Option<()>) -> Option<()> {
        self.elements("{", "}", &mut |from| {
            let name: String = from.scalar()?;
            from.take(":").then_some(())?;
            member(&name, from)
        })
    }

    /// Reads a list. `element` reads each element.
    pub fn list(&mut self, element: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.elements("[", "]", element)
    }

    /// Passes over a value.
    pub fn skip(&mut self) -> Option<()> {
        self.scalar::<IgnoredAny>().map(|_| ())
    }

    /// Whether the next token is this one, which is then read.
    pub fn take(&mut self, token: &str) -> bool {
        let rest = self.0.trim_ascii_start().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn elements(
        &mut self,
        begin: &str,
        end: &str,
        element: &mut dyn FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(begin).then_some(())?;
        if self.take(end) {
            return Some(());
        }
        loop {
            element(self)?;
            if !self.take(",") {
                return self.take(end).then_some(());
            }
        }
    }

    /// A value without members, as serde reads it.
    fn scalar<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_slice(self.0.as_bytes()).into_iter();
        let value = values.next()?.ok()?;
        self.0 = self.0.get(values.byte_offset()..)?;
        Some(value)
    }
}

macro_rules! scalars {
    ($($type:ty)+) => {
        $(impl Read for $type {
            fn read(from: &mut Reader<'_>) -> Option<Self> {
                from.scalar()
            }
        })+
    };
}

scalars!(String u64 bool f64);

impl Read for u16 {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        u64::read(from)?.try_into().ok()
    }
}

impl Read for u32 {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        u64::read(from)?.try_into().ok()
    }
}

impl Read for usize {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        u64::read(from)?.try_into().ok()
    }
}

impl<T: Read> Read for Option<T> {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        if from.take("null") { Some(None) } else { T::read(from).map(Some) }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut items = Self::new();
        from.list(&mut |from| {
            items.push(T::read(from)?);
            Some(())
        })?;
        Some(items)
    }
}

impl<T: Read> Read for VecDeque<T> {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Vec::read(from).map(Self::from)
    }
}

impl<A: Read, B: Read> Read for (A, B) {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        from.take("[").then_some(())?;
        let one = A::read(from)?;
        from.take(",").then_some(())?;
        let other = B::read(from)?;
        from.take("]").then_some((one, other))
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut map = Self::new();
        from.object(&mut |name, from| {
            map.insert(name.to_owned(), T::read(from)?);
            Some(())
        })?;
        Some(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Inner {
        text: String,
        pair: (u64, String),
    }

    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Outer {
        number: u64,
        small: u32,
        flag: bool,
        share: Option<f64>,
        inner: Vec<Inner>,
        by_name: BTreeMap<String, u64>,
    }

    members!(Inner { text, pair });
    members!(Outer { number, small, flag, share, inner, by_name });

    fn inner() -> impl Strategy<Value = Inner> {
        (any::<String>(), any::<(u64, String)>()).prop_map(|(text, pair)| Inner { text, pair })
    }

    fn outer() -> impl Strategy<Value = Outer> {
        // serde_json reads other fractions to the last digit but one.
        let share = (0_u32..10_000).prop_map(|share| f64::from(share) / 100.0);
        let numbers = (any::<u64>(), any::<u32>(), any::<bool>(), prop::option::of(share));
        let by_name = prop::collection::btree_map(any::<String>(), any::<u64>(), 0..4);
        (numbers, prop::collection::vec(inner(), 0..4), by_name).prop_map(
            |((number, small, flag, share), inner, by_name)| Outer {
                number,
                small,
                flag,
                share,
                inner,
                by_name,
            },
        )
    }

    proptest! {
        #[test]
        fn what_serde_wrote_is_read(value in outer(), is_pretty in any::<bool>()) {
            let text = match is_pretty {
                true => serde_json::to_string_pretty(&value).unwrap(),
                false => serde_json::to_string(&value).unwrap(),
            };
            prop_assert_eq!(read::<Outer>(&text), Some(value));
        }

        /// Whatever is damaged: what is read is what serde reads, and nothing is read that serde refuses.
        #[test]
        fn nothing_else_is_read(
            value in outer(),
            place in any::<prop::sample::Index>(),
            put in prop::sample::select(vec!["", "{", "}", "[", "]", ",", ":", "\"", "0", "-", "null", "\\", " "]),
        ) {
            let mut text = serde_json::to_string(&value).unwrap();
            let places: Vec<(usize, char)> = text.char_indices().collect();
            let (at, replaced) = places[place.index(places.len())];
            text.replace_range(at..at + replaced.len_utf8(), put);
            if let Some(read) = read::<Outer>(&text) {
                // serde refuses two members with one name; here the last one counts.
                let by_serde = serde_json::from_str::<Outer>(&text);
                let is_twice = |error: &serde_json::Error| error.to_string().contains("duplicate field");
                prop_assert!(by_serde.as_ref().map_or_else(is_twice, |by_serde| *by_serde == read), "{}", text);
            }
        }
    }

    #[derive(Debug, PartialEq)]
    struct Required {
        number: u64,
        text: String,
        flag: bool,
    }

    required_members!(Required { number, text; flag });

    #[test]
    fn what_is_required_is_there_or_nothing_is_read() {
        let whole = r#"{"text":"a","later":[{}],"number":7}"#;
        assert_eq!(read(whole), Some(Required { number: 7, text: "a".into(), flag: false }));
        for lacking in [
            "{}",
            r#"{"number":7,"flag":true}"#,
            r#"{"text":"a"}"#,
            r#"{"number":null,"text":"a"}"#,
        ] {
            assert_eq!(read::<Required>(lacking), None, "{lacking}");
        }
    }

    #[test]
    fn missing_members_have_their_default_and_unknown_ones_are_ignored() {
        assert_eq!(read::<Outer>(" {} "), Some(Outer::default()));
        let later = r#"{"later":{"a":[1,{"b":"}"}]},"number":7,"also":null}"#;
        assert_eq!(read::<Outer>(later), Some(Outer { number: 7, ..Outer::default() }));
        for damaged in [
            "",
            "{",
            "[]",
            "{} {}",
            r#"{"number":-1}"#,
            r#"{"number":1,}"#,
            r#"{"small":4294967296}"#,
        ] {
            assert_eq!(read::<Outer>(damaged), None, "{damaged}");
        }
    }
}
