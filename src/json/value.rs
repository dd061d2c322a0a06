//! The values of a JSON text, read through its index. They are places: copying one costs nothing.

use super::index::Index;
use super::node::{Node, NodeKind};

/// A value (RFC 8259 §3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, spelled as serde_json spells it: `1E2` is `1e+2`.
    Number(&'a str),
    /// A string, without escapes.
    String(&'a str),
    /// An array.
    Array(Array<'a>),
    /// An object.
    Object(Object<'a>),
}

/// The elements of an array.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Array<'a>(Nodes<'a>);

/// The members of an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Object<'a>(Nodes<'a>);

/// A name, or a value that nobody has looked at.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    index: &'a Index,
    at: usize,
}

/// All names in a value, at any depth, in the order of the text.
#[derive(Debug, Clone)]
pub struct Names<'a> {
    /// `None` for a value that has none.
    index: Option<&'a Index>,
    nodes: std::slice::Iter<'a, Node>,
}

/// The members of an object in their order: the name and the value of each.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a>(Nodes<'a>);

/// The nodes from one to another.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Nodes<'a> {
    index: &'a Index,
    next: usize,
    end: usize,
}

impl Index {
    /// The value that the text is.
    pub fn root(&self) -> Value<'_> {
        Value::at(self, 0)
    }
}

impl<'a> Value<'a> {
    fn at(index: &'a Index, at: usize) -> Self {
        let Some(node) = index.nodes.get(at) else { return Self::Null };
        let content = |node: &Node| Nodes { index, next: at + 1, end: node.end as usize };
        match node.kind {
            NodeKind::Null => Self::Null,
            NodeKind::False => Self::Bool(false),
            NodeKind::True => Self::Bool(true),
            NodeKind::Number => Self::Number(index.text_of(*node)),
            NodeKind::String | NodeKind::Name => Self::String(index.text_of(*node)),
            NodeKind::Array => Self::Array(Array(content(node))),
            NodeKind::Object => Self::Object(Object(content(node))),
        }
    }

    /// `true` for `null`.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// A string.
    pub fn as_str(self) -> Option<&'a str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// An array.
    pub fn as_array(self) -> Option<Array<'a>> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// An object.
    pub fn as_object(self) -> Option<Object<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// All names in this value, at any depth, in the order of the text.
    pub fn names(self) -> Names<'a> {
        match self {
            Self::Array(Array(Nodes { index, next, end }))
            | Self::Object(Object(Nodes { index, next, end })) => {
                let nodes = index.nodes.get(next..end).unwrap_or_default();
                Names { index: Some(index), nodes: nodes.iter() }
            }
            _ => Names { index: None, nodes: [].iter() },
        }
    }

    /// The value of a member, if this is an object that has it.
    pub fn get(self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }
}

impl<'a> Array<'a> {
    /// `true` without elements.
    pub fn is_empty(self) -> bool {
        self.0.next >= self.0.end
    }

    /// The elements in their order.
    pub fn iter(self) -> impl Iterator<Item = Value<'a>> {
        let mut nodes = self.0;
        std::iter::from_fn(move || Some(nodes.next_value()?.value()))
    }
}

impl<'a> Object<'a> {
    /// The members in their order. If a name is repeated, so is its member.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.places().map(|(name, value)| (name.text(), value.value()))
    }

    /// The members in their order, whose names and values are read only if somebody asks.
    #[inline(always)]
    pub fn places(self) -> Places<'a> {
        Places(self.0)
    }

    /// The value of the last member with that name. It passes all members: whoever looks for many names
    /// goes through the members instead.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.iter().filter(|(other, _)| *other == name).last().map(|(_, value)| value)
    }
}

// The iterators over names and members run for each one in a response, so they are part of the loops that use
// them.
impl<'a> Iterator for Names<'a> {
    type Item = &'a str;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let node = self.nodes.next()?;
            if node.kind == NodeKind::Name {
                return Some(self.index?.text_of(*node));
            }
        }
    }
}

impl<'a> Iterator for Places<'a> {
    type Item = (Place<'a>, Place<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next_name()?, self.0.next_value()?))
    }
}

impl<'a> Place<'a> {
    /// The value.
    pub fn value(self) -> Value<'a> {
        Value::at(self.index, self.at)
    }

    /// The text, if this is a name, a string or a number.
    #[inline]
    pub fn text(self) -> &'a str {
        self.index.nodes.get(self.at).map_or("", |node| self.index.text_of(*node))
    }

    /// `true` if this is that name, string or number.
    #[inline(always)]
    pub fn is_text(self, text: &str) -> bool {
        self.index.nodes.get(self.at).is_some_and(|node| self.index.has_text(*node, text))
    }
}

// These run for each member of each object of a response: short, and part of the loops that use them.
impl<'a> Nodes<'a> {
    #[inline(always)]
    fn next_name(&mut self) -> Option<Place<'a>> {
        let place = self.next_place()?;
        self.next += 1;
        Some(place)
    }

    #[inline(always)]
    fn next_value(&mut self) -> Option<Place<'a>> {
        let place = self.next_place()?;
        self.next = self.index.after(self.next);
        Some(place)
    }

    #[inline(always)]
    fn next_place(&self) -> Option<Place<'a>> {
        (self.next < self.end).then_some(Place { index: self.index, at: self.next })
    }
}
