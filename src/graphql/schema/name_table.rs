//! The names of a schema, each once, in one string.

/// Distinct names in ascending order, numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameTable {
    /// The names, each followed by a line feed, which no name contains (GraphQL §2.1.9).
    text: String,
    /// The offset of each name's line feed.
    ends: Vec<u32>,
}

impl NameTable {
    /// Reads names that are each followed by a line feed. `None` if any is invalid, or if they are
    /// not in order.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut ends = Vec::with_capacity(text.bytes().filter(|byte| *byte == b'\n').count());
        let mut before = "";
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let name = line.strip_suffix('\n')?;
            if !is_name(name) || before >= name {
                return None;
            }
            ends.push(u32::try_from(at + name.len()).ok()?);
            at += line.len();
            before = name;
        }
        Some(Self { text: text.to_owned(), ends })
    }

    /// Takes names, which must be distinct and in order.
    pub fn from_sorted(names: &[&str]) -> Option<Self> {
        let mut text = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names {
            text.push_str(name);
            text.push('\n');
        }
        Self::from_text(&text)
    }

    /// All names in one string.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of names.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The name with this number. Empty if there is none.
    pub fn get(&self, number: u32) -> &str {
        let end_of = |at: usize| self.ends.get(at).and_then(|end| usize::try_from(*end).ok());
        let Ok(at) = usize::try_from(number) else { return "" };
        let start = at.checked_sub(1).map_or(Some(0), |before| end_of(before).map(|end| end + 1));
        let range = start.zip(end_of(at)).map(|(start, end)| start..end);
        range.and_then(|range| self.text.get(range)).unwrap_or_default()
    }
}

/// Name (GraphQL §2.1.9).
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_numbers_in_order() {
        let names = NameTable::from_sorted(&["B", "_c", "a1"]).unwrap();
        assert_eq!((names.get(0), names.get(1), names.get(2), names.get(3)), ("B", "_c", "a1", ""));
        assert_eq!(names.get(u32::MAX), "");
        assert_eq!(names.count(), 3);
        assert_eq!(NameTable::from_text(names.text()), Some(names));
        assert_eq!(NameTable::from_text("").unwrap().get(0), "");
    }

    #[test]
    fn what_is_not_names_in_order_is_refused() {
        for bad in ["a", "\n", "b\na\n", "a\na\n", "1\n", "é\n", "a\nb", "a b\n"] {
            assert_eq!(NameTable::from_text(bad), None, "{bad:?}");
        }
    }
}
