//! One entry of an error's `locations` (GraphQL §7.1.2), tracked while it passes through the
//! stripper.

use super::output::{Run, Span};
use crate::graphql::injection::injected_document::InjectedDocument;
use std::cmp::Reverse;

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

impl Coordinate {
    /// The coordinate with that name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"line" => Some(Self::Line),
            b"column" => Some(Self::Column),
            _ => None,
        }
    }
}

impl Location {
    /// Maps the location, which was just written, from the document that the origin was sent to the
    /// client's.
    pub(super) fn map(self, document: &InjectedDocument, run: &mut Run<'_>) {
        let written = run.since(self.start);
        if written.len() > LOCATION_BYTES {
            return;
        }
        let (Some(line_at), Some(column_at)) = (self.line, self.column) else { return };
        let (Some(line), Some(column)) = (line_at.number(written), column_at.number(written))
        else {
            return;
        };
        let mapped = document.position_in_source(line, column);
        let mut changes = [(line_at, line, mapped.0), (column_at, column, mapped.1)];
        // The later number is replaced first, so that the position of the other one stays right.
        changes.sort_by_key(|(span, _, _)| Reverse(span.start));
        for (span, found, mapped) in changes {
            if found != mapped {
                run.replace(self.start, span, mapped);
            }
        }
    }

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
