//! The description of one configuration key: its name, its type, its default, and a line of
//! documentation.
//!
//! Each section's file has a table of its keys (`KEYS`) next to the code that reads them. Ranges and
//! defaults are read from that table, so a new key is added in one file. `keys.rs` lists all the
//! tables; its tests compare them with docs/configuration.md, and `schema.rs` makes the JSON Schema of
//! them.

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name within its section, such as `max_lag`.
    pub name: &'static str,
    /// The type of its value.
    pub value: ValueType,
    /// What applies if the key is absent.
    pub default: DefaultValue,
    /// What it does, in one line. docs/configuration.md has the details.
    pub doc: &'static str,
}

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// `true` or `false`.
    Flag,
    /// A whole number from `least` to `most`.
    Number {
        /// What is counted, for error messages: `seconds`.
        unit: &'static str,
        /// The lowest value.
        least: u64,
        /// The highest value.
        most: u64,
    },
    /// A number from 0 to 1, such as `0.25`: a share of all events of a kind.
    Share,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A string of this form.
    Text(&'static TextForm),
    /// A list of values of one type.
    List(&'static ValueType),
    /// The same, with at least one value.
    NonEmptyList(&'static ValueType),
    /// A section: a table with keys of its own, which `keys.rs` lists by the section's path.
    Section,
    /// A table whose keys the user chooses, such as the names of cache types.
    Map {
        /// The form of the keys.
        names: &'static TextForm,
        /// The type of the values.
        values: &'static ValueType,
    },
    /// A value of one of these types.
    OneOf(&'static [ValueType]),
}

/// The form of a string, for editors. The parser has the last word: it may refuse more, and never less.
#[derive(Debug, PartialEq, Eq)]
pub struct TextForm {
    /// A regular expression (ECMA-262) that every valid string matches. Empty: any string.
    pub pattern: &'static str,
    /// Some valid strings.
    pub examples: &'static [&'static str],
}

/// What applies if a key is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultValue {
    /// Nothing: the key is required.
    Required,
    /// Nothing: the feature is not configured.
    None,
    /// This flag.
    Flag(bool),
    /// This number.
    Number(u64),
    /// This many hundredths: 50 is 0.5.
    Hundredths(u64),
    /// This string.
    Text(&'static str),
    /// This list of strings.
    List(&'static [&'static str]),
    /// What these words say.
    Described(&'static str),
}

/// A number of seconds up to the longest lifetime that Evergraph handles.
pub(super) const SECONDS: ValueType =
    ValueType::Number { unit: "seconds", least: 0, most: crate::time::Ttl::MAX.as_seconds() };
