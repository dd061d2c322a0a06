//! Reads a JSON text (RFC 8259) into the nodes of its index, from its first byte to its last.
//!
//! It does not recurse: what is open is on a stack of its own, whose depth is limited like serde_json's.

use super::node::{IndexFault, Node, NodeKind};
use super::string::plain_length;
use std::mem::size_of;

/// The greatest depth of brackets.
const DEPTH: usize = 127;

/// The nodes for which there is memory at first: one for so many bytes of the text. Responses with few long
/// strings need less, and those with many numbers more.
const BYTES_A_NODE: usize = 12;

/// The least number of nodes for which memory is taken.
const FEWEST_NODES: usize = 16;

/// The least amount of memory that is taken for strings with escapes.
const LEAST_RESPELLED_BYTES: usize = 256;

pub(super) struct Reader<'t, 'r> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
    /// What is not written as it reads (`Index::text`). Its places count from the text's end.
    respelled: String,
    room: &'r mut dyn FnMut(usize) -> bool,
    has_no_room: bool,
}

/// A container whose end has not been read yet.
#[derive(Clone, Copy)]
struct Open {
    node: usize,
    is_object: bool,
}

impl<'t, 'r> Reader<'t, 'r> {
    pub(super) fn new(text: &'t str, room: &'r mut dyn FnMut(usize) -> bool) -> Self {
        let (bytes, nodes, respelled) = (text.as_bytes(), Vec::new(), String::new());
        Self { text, bytes, at: 0, nodes, respelled, room, has_no_room: false }
    }

    /// Reads all of the text. Returns the nodes, and the texts that are not written as they read.
    pub(super) fn read(mut self) -> Result<(Vec<Node>, String), IndexFault> {
        match self.read_value() {
            Some(()) => Ok((self.nodes, self.respelled)),
            None if self.has_no_room => Err(IndexFault::NoRoom),
            None => Err(IndexFault::NotJson),
        }
    }

    fn read_value(&mut self) -> Option<()> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            match self.next_token()? {
                b'"' => self.string(NodeKind::String)?,
                bracket @ (b'{' | b'[') => {
                    if open.len() >= DEPTH {
                        return None;
                    }
                    let is_object = bracket == b'{';
                    let kind = if is_object { NodeKind::Object } else { NodeKind::Array };
                    open.push(Open { node: self.nodes.len(), is_object });
                    self.add(kind, self.at, self.at)?;
                    self.at += 1;
                    let is_empty = self.next_token()? == closing(is_object);
                    match (is_empty, is_object) {
                        (true, _) => {}
                        (false, true) => {
                            self.name()?;
                            continue;
                        }
                        (false, false) => continue,
                    }
                }
                b't' => self.word("true", NodeKind::True)?,
                b'f' => self.word("false", NodeKind::False)?,
                b'n' => self.word("null", NodeKind::Null)?,
                _ => self.number()?,
            }
            if self.after_value(&mut open)? {
                return Some(());
            }
        }
    }

    /// Reads what follows a value, up to the next value. Returns `true` at the end of the text.
    fn after_value(&mut self, open: &mut Vec<Open>) -> Option<bool> {
        loop {
            let Some(Open { node, is_object }) = open.last().copied() else {
                self.space();
                return (self.at == self.bytes.len()).then_some(true);
            };
            match self.next_token()? {
                b',' => {
                    self.at += 1;
                    if is_object {
                        self.next_token()?;
                        self.name()?;
                    }
                    return Some(false);
                }
                byte if byte == closing(is_object) => {
                    self.at += 1;
                    let end = u32::try_from(self.nodes.len()).ok()?;
                    self.nodes.get_mut(node)?.end = end;
                    open.pop();
                }
                _ => return None,
            }
        }
    }

    /// The first byte that is not white space.
    #[inline(always)]
    fn next_token(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// Reads the name of a member, and the colon after it.
    #[inline(always)]
    fn name(&mut self) -> Option<()> {
        if *self.bytes.get(self.at)? != b'"' {
            return None;
        }
        self.string(NodeKind::Name)?;
        if self.next_token()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Reads a string from its opening quote.
    #[inline(always)]
    fn string(&mut self, kind: NodeKind) -> Option<()> {
        let start = self.at + 1;
        let end = start + plain_length(self.bytes.get(start..)?);
        match self.bytes.get(end)? {
            b'"' => {
                self.at = end + 1;
                self.add(kind, start, end)
            }
            b'\\' => self.escaped_string(kind, start, end),
            _ => None,
        }
    }

    /// Reads a string with an escape, whose first backslash is at `escape`.
    #[inline(never)]
    fn escaped_string(&mut self, kind: NodeKind, start: usize, escape: usize) -> Option<()> {
        let mut end = escape;
        loop {
            match self.bytes.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                _ => return None,
            }
            end += plain_length(self.bytes.get(end..)?);
        }
        self.at = end + 1;
        // A second reading: escapes are rare.
        let string: String = serde_json::from_str(self.text.get(start - 1..=end)?).ok()?;
        let start = self.bytes.len() + self.respelled.len();
        self.hold(&string)?;
        self.add(kind, start, start + string.len())
    }

    fn word(&mut self, word: &str, kind: NodeKind) -> Option<()> {
        let start = self.at;
        self.at += word.len();
        (self.bytes.get(start..self.at)? == word.as_bytes()).then_some(())?;
        self.add(kind, start, self.at)
    }

    /// Reads a number: `-`, digits without a leading zero, a fraction, an exponent.
    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.at += usize::from(self.bytes.get(start) == Some(&b'-'));
        let first = *self.bytes.get(self.at)?;
        let digits = self.digits()?;
        if first == b'0' && digits > 1 {
            return None;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(letter @ (b'e' | b'E')) = self.bytes.get(self.at) {
            let exponent = self.at;
            self.at += 1;
            let has_sign = matches!(self.bytes.get(self.at), Some(b'+' | b'-'));
            self.at += usize::from(has_sign);
            self.digits()?;
            if *letter == b'E' || !has_sign {
                return self.respelled_number(start, exponent);
            }
        }
        self.add(NodeKind::Number, start, self.at)
    }

    /// Adds a number with the exponent that begins there, in serde_json's spelling: `1e+5` for `1E5`. Ids are
    /// compared as text, also with those that serde_json has read.
    #[inline(never)]
    fn respelled_number(&mut self, start: usize, exponent: usize) -> Option<()> {
        let digits = self.text.get(exponent + 1..self.at)?;
        let sign = if digits.starts_with(['+', '-']) { "" } else { "+" };
        let number = [self.text.get(start..exponent)?, "e", sign, digits].concat();
        let start = self.bytes.len() + self.respelled.len();
        self.hold(&number)?;
        self.add(NodeKind::Number, start, start + number.len())
    }

    /// Passes digits, of which there is one at least. Returns how many there are.
    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Some(self.at - start).filter(|count| *count > 0)
    }

    #[inline(always)]
    fn add(&mut self, kind: NodeKind, start: usize, end: usize) -> Option<()> {
        if self.nodes.len() == self.nodes.capacity() {
            self.grow()?;
        }
        let (start, end) = (u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        self.nodes.push(Node { kind, start, end });
        Some(())
    }

    /// Takes memory for more nodes.
    #[inline(never)]
    fn grow(&mut self) -> Option<()> {
        let before = self.nodes.capacity();
        let more = before.max(self.bytes.len() / BYTES_A_NODE).max(FEWEST_NODES);
        // While the nodes move, they are there twice. What was taken before stays taken.
        if !self.has_room((before + more) * size_of::<Node>()) {
            return None;
        }
        self.nodes.reserve_exact(more);
        Some(())
    }

    /// Keeps a text that differs from how it is written. Memory is taken for many of them at once.
    fn hold(&mut self, string: &str) -> Option<()> {
        let before = self.respelled.capacity();
        if before - self.respelled.len() < string.len() {
            let more = before.max(string.len()).max(LEAST_RESPELLED_BYTES);
            if !self.has_room(before + more) {
                return None;
            }
            self.respelled.reserve_exact(more);
        }
        self.respelled.push_str(string);
        Some(())
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        let has_room = (self.room)(bytes);
        self.has_no_room |= !has_room;
        has_room
    }
}

fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}
