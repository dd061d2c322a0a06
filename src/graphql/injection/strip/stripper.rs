//! Removes added fields from a response, so that the result is byte for byte what the origin would
//! have sent without them.
//!
//! In scope: removing members from `data`, and mapping the `locations` of errors to the client's
//! document. Not in scope: the meaning of the response, and whether its numbers, words, escapes and
//! characters are valid; they pass unchanged, because some servers write `NaN`. Only what decides
//! where members begin and end is checked.

use super::json_scan::{is_scalar, scalar_end, space_end, string_end};
use super::location::{Coordinate, LOCATION_BYTES, Location};
use super::output::Run;
use super::state::{Container, Gap, Mode, State};
use crate::graphql::injection::injected_document::InjectedDocument;
use crate::graphql::injection::reserved_keys::RESERVED_PREFIX;
use std::borrow::Borrow;

/// The greatest depth of a response.
const DEPTH: usize = 4_096;

/// The greatest length of white space before or after a member of `data`. It is held back until the
/// next byte decides whether it stays.
const GAP_BYTES: usize = 4_096;

/// The bytes of a key that are compared: one more than the prefix.
const NAME_BYTES: usize = RESERVED_PREFIX.len() + 1;

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// The response is not JSON or exceeds a limit, so that some additions may not have been found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripError;

/// Strips a JSON response (RFC 8259) to an injected document, or a list of such responses, as a
/// stream.
///
/// In `data`, it removes each member whose key begins with the reserved prefix, written without
/// escapes. One comma and the white space of one member are removed with it. The white space before
/// the member stays for the next member. If none follows, it is removed together with the comma
/// before it; if the object becomes empty, so is all white space in it.
#[derive(Debug)]
pub struct ResponseStripper<I> {
    documents: Vec<I>,
    /// The index of the current response in a list.
    item: usize,
    state: State,
    /// Bytes that were pushed but cannot be passed on yet. Empty unless a push ended in a gap or a
    /// location.
    held: Vec<u8>,
    /// The open containers, outermost first.
    containers: Vec<Container>,
    /// The number of containers that are open directly within a response: one, or two in a list.
    answer_depth: usize,
    mode: Mode,
    /// The first bytes of the current key.
    name: Vec<u8>,
    /// `true` if the last push ended between a backslash and its character.
    escaped: bool,
    gap: Gap,
    /// The number of containers around the member that is being removed.
    removed_depth: usize,
    location: Option<Location>,
}

/// Strips a whole response. `None` if it is not JSON or exceeds a limit.
pub fn strip(body: &[u8], injected: &InjectedDocument) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut strip = ResponseStripper::new(injected);
    strip.push(body, &mut out);
    strip.finish(&mut out).ok().map(|()| out)
}

impl<I: Borrow<InjectedDocument>> ResponseStripper<I> {
    /// Strips the response to one document, or a list of responses to it.
    pub fn new(injected: I) -> Self {
        Self::of_batch(vec![injected])
    }

    /// Strips a list of responses to these documents, in this order.
    pub fn of_batch(injected: Vec<I>) -> Self {
        Self {
            documents: injected,
            item: 0,
            state: State::Start(0),
            held: Vec::new(),
            containers: Vec::new(),
            answer_depth: 0,
            mode: Mode::Other,
            name: Vec::with_capacity(NAME_BYTES),
            escaped: false,
            gap: Gap::default(),
            removed_depth: 0,
            location: None,
        }
    }

    /// Takes the next bytes of the response, and appends all that is certain to `out`. If the
    /// response turns out to be broken, that is all of the rest, unchanged.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut run = Run { chunk, base: out.len(), out, from: 0 };
        run.out.append(&mut self.held);
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            at = match self.state {
                State::Start(seen) => self.start(at, byte, seen, &mut run),
                State::Value | State::ValueOrEnd => self.value(at, byte, &mut run),
                State::Text => match string_end(chunk, at, &mut self.escaped) {
                    Some(end) => self.value_done(end, &mut run),
                    None => chunk.len(),
                },
                State::Scalar => match scalar_end(chunk, at) {
                    Some(end) => self.value_done(end, &mut run),
                    None => chunk.len(),
                },
                State::AfterValue => self.after_value(at, byte, &mut run),
                State::KeyOrEnd | State::Key => self.key(at, byte, &mut run),
                State::KeyText => self.key_text(at, &mut run),
                State::Colon => match byte {
                    b' ' | b'\t' | b'\n' | b'\r' => space_end(chunk, at + 1),
                    b':' => {
                        self.state = State::Value;
                        at + 1
                    }
                    _ => self.broken(at, &mut run),
                },
                State::AfterRemoved => self.after_removed(at, byte, &mut run),
                State::KeyAfterRemoved => match byte {
                    b' ' | b'\t' | b'\n' | b'\r' => space_end(chunk, at + 1),
                    b'"' => {
                        run.resume(at);
                        self.key(at, byte, &mut run)
                    }
                    _ => self.broken(at, &mut run),
                },
                State::Broken => chunk.len(),
            };
        }
        self.pause(&mut run);
    }

    /// Appends the remaining bytes to `out`. Fails if the response was incomplete or broken.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), StripError> {
        out.append(&mut self.held);
        let ended = matches!(self.state, State::AfterValue | State::Scalar);
        if ended && self.containers.is_empty() { Ok(()) } else { Err(StripError) }
    }

    fn start(&mut self, at: usize, byte: u8, seen: usize, run: &mut Run<'_>) -> usize {
        if BYTE_ORDER_MARK.get(seen) == Some(&byte) {
            self.state = State::Start(seen + 1);
            return at + 1;
        }
        if seen != 0 && seen != BYTE_ORDER_MARK.len() {
            return self.broken(at, run);
        }
        self.state = State::Value;
        at
    }

    fn value(&mut self, at: usize, byte: u8, run: &mut Run<'_>) -> usize {
        match byte {
            b'"' => {
                self.state = State::Text;
                at + 1
            }
            b' ' | b'\t' | b'\n' | b'\r' => space_end(run.chunk, at + 1),
            b'{' => self.open(Container::Object, at, run),
            b'[' => self.open(Container::List, at, run),
            b']' if self.state == State::ValueOrEnd => self.close(Container::List, at, run),
            _ if is_scalar(byte) => {
                if self.in_location() {
                    let position = run.position(at);
                    if let Some(Location { current: Some((_, start)), .. }) = &mut self.location {
                        *start = Some(position);
                    }
                }
                self.state = State::Scalar;
                at + 1
            }
            _ => self.broken(at, run),
        }
    }

    fn open(&mut self, container: Container, at: usize, run: &mut Run<'_>) -> usize {
        if self.containers.len() >= DEPTH {
            return self.broken(at, run);
        }
        self.containers.push(container);
        let depth = self.containers.len();
        if depth == 1 {
            self.answer_depth = if container == Container::Object { 1 } else { 2 };
        }
        self.state = match container {
            Container::Object => State::KeyOrEnd,
            Container::List => State::ValueOrEnd,
        };
        let within = depth.saturating_sub(self.answer_depth);
        match (self.mode, container, within) {
            (Mode::Data, Container::Object, _) => {
                self.gap.start = run.position(at + 1);
                self.gap.after_member = false;
            }
            // Neither `errors` nor an error's `locations` may be an object.
            (Mode::Errors, Container::Object, 1) => self.mode = Mode::Other,
            (Mode::Locations, Container::Object, 3) => self.mode = Mode::Errors,
            (Mode::Locations, Container::Object, 4) => {
                let start = run.position(at);
                self.location = Some(Location { start, current: None, line: None, column: None });
            }
            _ => {}
        }
        at + 1
    }

    fn close(&mut self, container: Container, at: usize, run: &mut Run<'_>) -> usize {
        if self.containers.last() != Some(&container) {
            return self.broken(at, run);
        }
        if self.in_location()
            && let Some(location) = self.location.take()
        {
            run.flush(at + 1);
            let document = match self.documents.as_slice() {
                [only] => Some(only),
                several => several.get(self.item),
            };
            if let Some(document) = document {
                location.map(document.borrow(), run);
            }
        }
        self.containers.pop();
        self.value_done(at + 1, run)
    }

    /// A value ended before `at`.
    fn value_done(&mut self, at: usize, run: &mut Run<'_>) -> usize {
        self.state = State::AfterValue;
        let depth = self.containers.len();
        match self.mode {
            Mode::Other => {}
            Mode::Removed if depth > self.removed_depth => {}
            Mode::Removed => {
                run.resume(at);
                self.state = State::AfterRemoved;
                self.mode = Mode::Data;
            }
            _ if depth <= self.answer_depth => self.mode = Mode::Other,
            Mode::Data => {
                if self.containers.last() == Some(&Container::Object) {
                    self.gap.start = run.position(at);
                    self.gap.after_member = true;
                }
            }
            Mode::Errors => {}
            Mode::Locations if depth <= self.answer_depth + 2 => self.mode = Mode::Errors,
            Mode::Locations => {
                if self.in_location()
                    && let Some(location) = &mut self.location
                {
                    location.value_done(run.position(at));
                }
            }
        }
        at
    }

    fn after_value(&mut self, at: usize, byte: u8, run: &mut Run<'_>) -> usize {
        match (byte, self.containers.last()) {
            (b' ' | b'\t' | b'\n' | b'\r', _) => space_end(run.chunk, at + 1),
            (b',', Some(Container::Object)) => {
                self.state = State::Key;
                at + 1
            }
            (b',', Some(Container::List)) => {
                if self.containers.len() == 1 {
                    self.item += 1;
                }
                self.state = State::Value;
                at + 1
            }
            (b'}', _) if self.gap_is_too_long(run.position(at)) => self.broken(at, run),
            (b'}', _) => self.close(Container::Object, at, run),
            (b']', _) => self.close(Container::List, at, run),
            _ => self.broken(at, run),
        }
    }

    fn key(&mut self, at: usize, byte: u8, run: &mut Run<'_>) -> usize {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => space_end(run.chunk, at + 1),
            _ if self.gap_is_too_long(run.position(at)) => self.broken(at, run),
            b'"' => {
                self.gap.key = run.position(at);
                self.name.clear();
                self.state = State::KeyText;
                at + 1
            }
            b'}' if self.state == State::KeyOrEnd => self.close(Container::Object, at, run),
            _ => self.broken(at, run),
        }
    }

    fn key_text(&mut self, at: usize, run: &mut Run<'_>) -> usize {
        let end = string_end(run.chunk, at, &mut self.escaped);
        let text = run.chunk.get(at..end.map_or(run.chunk.len(), |end| end - 1));
        let text = text.unwrap_or_default();
        let Some(end) = end else {
            self.extend_name(text);
            return run.chunk.len();
        };
        self.state = State::Colon;
        if self.mode == Mode::Data && self.containers.len() > self.answer_depth {
            let ours = if self.name.is_empty() {
                text.starts_with(RESERVED_PREFIX.as_bytes())
            } else {
                self.extend_name(text);
                self.name_is_reserved()
            };
            if ours {
                self.remove(end, run);
            }
        } else {
            self.extend_name(text);
            self.enter_member();
        }
        end
    }

    fn extend_name(&mut self, text: &[u8]) {
        let room = NAME_BYTES - self.name.len().min(NAME_BYTES);
        self.name.extend_from_slice(text.get(..room).unwrap_or(text));
    }

    fn name_is_reserved(&self) -> bool {
        self.name.starts_with(RESERVED_PREFIX.as_bytes())
    }

    /// A key outside `data` was read.
    fn enter_member(&mut self) {
        let within = self.containers.len().saturating_sub(self.answer_depth);
        self.mode = self.mode.in_member(&self.name, within);
        if let (Mode::Locations, 4, Some(location)) = (self.mode, within, &mut self.location) {
            location.current = Coordinate::named(&self.name).map(|coordinate| (coordinate, None));
        }
    }

    /// Takes back the key that ends before `at`, and drops what follows.
    fn remove(&mut self, at: usize, run: &mut Run<'_>) {
        run.flush(at);
        run.cut(self.gap.key);
        self.gap.end = self.gap.key;
        self.removed_depth = self.containers.len();
        self.mode = Mode::Removed;
    }

    fn after_removed(&mut self, at: usize, byte: u8, run: &mut Run<'_>) -> usize {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return space_end(run.chunk, at + 1),
            _ if self.gap_is_too_long(run.position(at)) => return self.broken(at, run),
            b',' => {
                run.flush(at);
                run.cut(self.gap.end);
                self.state = State::KeyAfterRemoved;
                return at + 1;
            }
            // White space after the last member stays, unless no member is left.
            b'}' if self.gap.after_member => {
                run.flush(at);
                run.cut_out(self.gap.start, self.gap.end);
            }
            b'}' => {
                run.flush(at);
                run.cut(self.gap.start);
            }
            _ => return self.broken(at, run),
        }
        self.close(Container::Object, at, run)
    }

    fn broken(&mut self, at: usize, run: &mut Run<'_>) -> usize {
        if self.drops() {
            run.resume(at);
        }
        self.state = State::Broken;
        self.mode = Mode::Other;
        self.location = None;
        at
    }

    /// `true` if the following bytes are dropped.
    fn drops(&self) -> bool {
        self.mode == Mode::Removed || self.state == State::KeyAfterRemoved
    }

    /// `true` directly inside a location that is being mapped.
    fn in_location(&self) -> bool {
        self.location.is_some() && self.containers.len() == self.answer_depth + 4
    }

    /// The position at which the current gap began. `None` outside gaps.
    fn gap(&self) -> Option<usize> {
        let in_gap = match self.state {
            State::KeyOrEnd | State::Key | State::KeyAfterRemoved | State::AfterRemoved => true,
            State::AfterValue => self.containers.last() == Some(&Container::Object),
            State::KeyText => RESERVED_PREFIX.as_bytes().starts_with(&self.name),
            _ => false,
        };
        let in_data = self.mode == Mode::Data && self.containers.len() > self.answer_depth;
        (in_data && in_gap).then_some(self.gap.start)
    }

    /// `true` if the gap at this position is over the limit. The result does not depend on how the
    /// response is cut into chunks: a gap that is too long at the end of a chunk is also too long
    /// at its own end.
    fn gap_is_too_long(&self, position: usize) -> bool {
        let start = match self.state {
            State::AfterRemoved => self.gap.end,
            State::KeyAfterRemoved | State::KeyText => return false,
            _ => self.gap.start,
        };
        self.mode == Mode::Data && self.gap().is_some() && position - start > GAP_BYTES
    }

    /// At the end of a chunk: passes on what is certain and holds back the rest.
    fn pause(&mut self, run: &mut Run<'_>) {
        let end = run.chunk.len();
        let in_data = self.mode == Mode::Data && self.containers.len() > self.answer_depth;
        if self.state == State::KeyText && in_data && self.name_is_reserved() {
            self.remove(end, run);
        }
        if !self.drops() {
            run.flush(end);
            let position = run.position(end);
            if self.gap_is_too_long(position) {
                self.broken(end, run);
            }
            if self.location.is_some_and(|location| position - location.start > LOCATION_BYTES) {
                self.location = None;
            }
        }
        let undecided = match self.mode {
            Mode::Removed => Some(self.gap.start),
            _ => self.gap().or(self.location.map(|location| location.start)),
        };
        if let Some(undecided) = undecided {
            self.held.extend_from_slice(run.since(undecided));
            run.cut(undecided);
            self.gap.move_by(undecided);
            if let Some(location) = &mut self.location {
                location.move_by(undecided);
            }
        }
    }
}

#[cfg(test)]
mod tests;
