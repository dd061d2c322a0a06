//! The parts that messages and pages are made of: numbers, patterns, last purges.
//!
//! `fixed` numbers are 64 bits, little-endian. Other numbers are LEB128: seven bits a byte, the lowest
//! first.

use crate::key::Pattern;
use crate::limits;
use crate::purge::mark::{HIGHEST_SEQ, Seq};
use crate::purge::pause::Pause;
use crate::purge::schemas::SchemaInForce;
use crate::purge::state::{LastPurges, LatestTagged, TaggedPurges};
use crate::tag::Tagging;

/// Writes parts, one after the other.
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub fn fixed(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub fn number(&mut self, mut number: u64) {
        loop {
            let low = (number & 0x7F).to_le_bytes()[0];
            number >>= 7;
            if number == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    pub fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub fn last(&mut self, last: LastPurges) {
        self.number(last.hard);
        self.number(last.soft);
    }

    pub fn tagged(&mut self, tagged: TaggedPurges) {
        for LatestTagged { seq, tagging, by_others } in [tagged.hard, tagged.soft] {
            self.number(seq);
            self.fixed(tagging.number());
            self.number(by_others);
        }
    }

    pub fn pattern(&mut self, pattern: &Pattern) {
        self.text(pattern.as_str());
    }

    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }
}

/// Reads parts, one after the other. Each method returns `None` if the bytes are not such a part.
///
/// A right checksum does not make a payload trustworthy, so everything is checked.
pub struct Reader<'a> {
    rest: &'a [u8],
    /// How many patterns were read. They are limited, because each takes many times its bytes in
    /// memory.
    patterns: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, patterns: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    pub fn fixed(&mut self) -> Option<u64> {
        let (number, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*number))
    }

    /// A LEB128 number. Only its shortest form is read, so that each message has one form.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            let placed = bits << shift;
            if placed >> shift != bits || (byte == 0 && shift > 0) {
                return None;
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub fn seq(&mut self) -> Option<Seq> {
        self.number().filter(|seq| *seq <= HIGHEST_SEQ)
    }

    /// A count of items that take at least `bytes` each. A count that the rest cannot hold is refused,
    /// so that memory for the items may be allocated at once.
    pub fn count(&mut self, bytes: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count.checked_mul(bytes)? <= self.rest.len()).then_some(count)
    }

    pub fn last(&mut self, head: Seq) -> Option<LastPurges> {
        let last = LastPurges { hard: self.number()?, soft: self.number()? };
        (last.hard.max(last.soft) <= head).then_some(last)
    }

    pub fn tagged(&mut self, head: Seq) -> Option<TaggedPurges> {
        Some(TaggedPurges { hard: self.latest_tagged(head)?, soft: self.latest_tagged(head)? })
    }

    fn latest_tagged(&mut self, head: Seq) -> Option<LatestTagged> {
        let (seq, tagging) = (self.number()?, self.tagging()?);
        let by_others = self.number()?;
        (by_others <= seq && seq <= head).then_some(LatestTagged { seq, tagging, by_others })
    }

    pub fn tagging(&mut self) -> Option<Tagging> {
        self.fixed().map(Tagging::from_number)
    }

    pub fn pattern(&mut self) -> Option<Pattern> {
        self.patterns += 1;
        if self.patterns > limits::PURGE_ITEMS {
            return None;
        }
        Pattern::parse(self.text()?).ok()
    }

    pub fn text(&mut self) -> Option<&'a str> {
        let bytes = self.count(1)?;
        let (text, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }

    pub fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub fn schema(&mut self) -> Option<SchemaInForce> {
        self.fixed().map(SchemaInForce::from_number)
    }

    pub fn pause(&mut self) -> Option<Pause> {
        self.fixed().map(Pause::from_number)
    }
}
