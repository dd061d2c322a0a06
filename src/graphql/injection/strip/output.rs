//! What a push writes, and may take back.

use super::location::Span;

/// A push: the chunk, where it goes, and what of it is not there yet.
pub(super) struct Run<'p> {
    pub(super) chunk: &'p [u8],
    pub(super) out: &'p mut Vec<u8>,
    /// Where in `out` positions are counted from.
    pub(super) base: usize,
    /// The first byte of the chunk that was neither written nor dropped.
    pub(super) from: usize,
}

impl Run<'_> {
    /// Where a byte of the chunk will stand in the output.
    pub(super) fn position(&self, at: usize) -> usize {
        self.out.len() - self.base + (at - self.from)
    }

    /// Writes the chunk up to there.
    pub(super) fn flush(&mut self, to: usize) {
        self.out.extend_from_slice(self.chunk.get(self.from..to).unwrap_or_default());
        self.from = to;
    }

    /// Drops the chunk up to there.
    pub(super) fn resume(&mut self, at: usize) {
        self.from = at;
    }

    /// Takes back what was written from there on.
    pub(super) fn cut(&mut self, position: usize) {
        self.out.truncate(self.base + position);
    }

    /// Takes back what was written from the one to the other.
    pub(super) fn cut_out(&mut self, start: usize, end: usize) {
        self.out.drain(self.base + start..self.base + end);
    }

    /// What was written from there on.
    pub(super) fn since(&self, position: usize) -> &[u8] {
        self.out.get(self.base + position..).unwrap_or_default()
    }

    pub(super) fn replace(&mut self, start: usize, span: Span, number: u64) {
        let start = self.base + start;
        self.out.splice(start + span.start..start + span.end, number.to_string().into_bytes());
    }
}
