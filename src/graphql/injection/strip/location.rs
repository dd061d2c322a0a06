//! One entry of an error's `locations` (GraphQL §7.1.2), tracked while it passes through the
//! stripper.

/// The greatest length of a location whose line and column are mapped.
pub(super) const LOCATION_BYTES: usize = 256;

/// A location, from its opening brace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Location {
    pub(super) start: usize,
    /// The coordinate whose value is next, and the position at which that value began.
    pub(super) current: Option<(Coordinate, Option<usize>)>,
    pub(super) line: Option<Span>,
    pub(super) column: Option<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coordinate {
    Line,
    Column,
}

/// The position of a number, relative to its location.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Location {
    pub(super) fn value_done(&mut self, position: usize) {
        let Some((coordinate, Some(start))) = self.current.take() else { return };
        let span = Some(Span { start: start - self.start, end: position - self.start });
        match coordinate {
            Coordinate::Line => self.line = span,
            Coordinate::Column => self.column = span,
        }
    }

    pub(super) fn move_by(&mut self, distance: usize) {
        self.start = self.start.saturating_sub(distance);
        if let Some((_, Some(start))) = &mut self.current {
            *start = start.saturating_sub(distance);
        }
    }
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
