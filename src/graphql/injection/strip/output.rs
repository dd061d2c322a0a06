//! The output of the stripper, of which it may take back the last bytes.

/// One chunk on its way to the output. Positions count from `base`.
pub(super) struct Run<'p> {
    pub(super) chunk: &'p [u8],
    pub(super) out: &'p mut Vec<u8>,
    /// The offset in `out` from which positions count.
    pub(super) base: usize,
    /// The first byte of the chunk that was neither written nor dropped.
    pub(super) from: usize,
}

impl Run<'_> {
    /// The output position of a byte of the chunk.
    pub(super) fn position(&self, at: usize) -> usize {
        self.out.len() - self.base + (at - self.from)
    }

    /// Writes the chunk up to this offset.
    pub(super) fn flush(&mut self, to: usize) {
        self.out.extend_from_slice(self.chunk.get(self.from..to).unwrap_or_default());
        self.from = to;
    }

    /// Drops the chunk up to this offset.
    pub(super) fn resume(&mut self, at: usize) {
        self.from = at;
    }

    /// Removes the output from this position on.
    pub(super) fn cut(&mut self, position: usize) {
        self.out.truncate(self.base + position);
    }

    /// Removes the output between two positions.
    pub(super) fn cut_out(&mut self, start: usize, end: usize) {
        self.out.drain(self.base + start..self.base + end);
    }

    /// The output from this position on.
    pub(super) fn since(&self, position: usize) -> &[u8] {
        self.out.get(self.base + position..).unwrap_or_default()
    }

    pub(super) fn replace(&mut self, start: usize, span: Span, number: u64) {
        let start = self.base + start;
        self.out.splice(start + span.start..start + span.end, number.to_string().into_bytes());
    }
}

/// The position of a number, relative to its location.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    /// The number at this position. `None` if it is not written in digits alone.
    pub(super) fn number(self, written: &[u8]) -> Option<u64> {
        let digits = written.get(self.start..self.end)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse().ok()
    }
}
