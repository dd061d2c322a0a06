//! The index of a JSON text: the place of each value, in one list.
//!
//! A tree has an allocation for each text, name and object, and takes ten times the memory of the text. An index of
//! the same text takes one to two times as much, and is made and dropped in a quarter of the time.

use super::node::{IndexFault, Node, NodeKind};
use super::reader::Reader;

/// A JSON text (RFC 8259) and the places of its values. The default is the index of `null`.
///
/// It reads what serde_json reads: valid UTF-8, no lone surrogates, and brackets that nest no deeper than 127. If
/// an object has two members with the same name, both are there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index {
    /// The JSON text, and after it what is not written as it reads: strings with escapes, and numbers that
    /// serde_json spells otherwise.
    text: String,
    /// Where the JSON text ends.
    json_bytes: usize,
    /// The values in the order of the text. A container comes before what it contains, and a name before its
    /// value.
    pub(super) nodes: Vec<Node>,
}

impl Index {
    /// Reads a text. `room` is asked for each amount of memory, in bytes, before it is taken.
    pub fn read(json: &[u8], room: &mut dyn FnMut(usize) -> bool) -> Result<Self, IndexFault> {
        // The places of a longer text do not fit into a node.
        if u32::try_from(json.len()).is_err() || !room(json.len()) {
            return Err(IndexFault::NoRoom);
        }
        let text = std::str::from_utf8(json).map_err(|_| IndexFault::NotJson)?;
        let (nodes, respelled) = Reader::new(text, room).read()?;
        if !room(respelled.len()) {
            return Err(IndexFault::NoRoom);
        }
        let mut all = String::with_capacity(text.len() + respelled.len());
        all.push_str(text);
        all.push_str(&respelled);
        Ok(Self { text: all, json_bytes: json.len(), nodes })
    }

    /// Reads a text for which there is enough memory. `None` if it is not JSON.
    pub fn of(json: &[u8]) -> Option<Self> {
        Self::read(json, &mut |_| true).ok()
    }

    /// The JSON text.
    pub fn json(&self) -> &str {
        self.text.get(..self.json_bytes).unwrap_or_default()
    }

    /// Where in the JSON text a name, a string or a number of it is: inside the quotes. `None` if it is written
    /// with escapes.
    pub fn place_of(&self, part: &str) -> Option<usize> {
        let place = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        (place + part.len() <= self.json_bytes).then_some(place)
    }

    /// The text of a scalar.
    #[inline(always)]
    pub(super) fn text_of(&self, node: Node) -> &str {
        let (start, end) = (node.start as usize, node.end as usize);
        self.text.get(start..end).unwrap_or_default()
    }

    /// `true` if a scalar has this text. Compared as bytes, whose ends nobody has to check.
    #[inline(always)]
    pub(super) fn has_text(&self, node: Node, text: &str) -> bool {
        let (start, end) = (node.start as usize, node.end as usize);
        self.text.as_bytes().get(start..end) == Some(text.as_bytes())
    }

    /// The node after a value and all that it contains.
    #[inline(always)]
    pub(super) fn after(&self, at: usize) -> usize {
        match self.nodes.get(at) {
            Some(Node { kind: NodeKind::Array | NodeKind::Object, end, .. }) => *end as usize,
            _ => at + 1,
        }
    }
}

#[cfg(test)]
impl From<&serde_json::Value> for Index {
    fn from(value: &serde_json::Value) -> Self {
        Self::of(value.to_string().as_bytes()).unwrap()
    }
}

#[cfg(test)]
mod tests;
