//! Removes added fields from a response, so that the result is byte for byte what the origin would
//! have sent without them.
//!
//! In scope: removing members from `data`, and mapping the `locations` of errors (GraphQL §7.1.2) to the
//! client's document. Not in scope: whether additions show anywhere else (`strippable`).

use super::injected_document::InjectedDocument;
use super::reserved_keys::RESERVED_PREFIX;
use crate::json::{Index, Object, Value, string_end};
use crate::order;
use std::borrow::Cow;

/// A part of the text that is replaced.
#[derive(Debug)]
struct Edit {
    start: usize,
    end: usize,
    /// Empty for what is removed.
    new: String,
}

/// Strips the response to an injected document. Borrowed if it stays as it is. `None` if additions are not written
/// as the document has them: as leaves, whose names have no escapes.
///
/// In `data`, it removes each member whose name begins with the reserved prefix. One comma and the white space of
/// one member are removed with it. The white space before the member stays for the next member. If none follows, it
/// is removed together with the comma before it; if the object becomes empty, so is all white space in it.
///
/// A list, which is no response to one operation (GraphQL §7.1), stays as it is.
pub fn strip<'i>(response: &'i Index, injected: &InjectedDocument) -> Option<Cow<'i, str>> {
    let mut edits = Vec::new();
    for (name, value) in response.root().as_object().into_iter().flat_map(Object::iter) {
        match name {
            "data" => {
                for name in value.names().filter(|name| name.starts_with(RESERVED_PREFIX)) {
                    remove_member(response.json(), response.place_of(name)?, name, &mut edits)?;
                }
            }
            "errors" => map_locations(response, value, injected, &mut edits),
            _ => {}
        }
    }
    Some(edited(response.json(), edits))
}

/// Removes the member whose name is at this place, inside its quotes.
fn remove_member(json: &str, place: usize, name: &str, edits: &mut Vec<Edit>) -> Option<()> {
    let colon = space_end(json, place + name.len() + 1);
    let value_end = leaf_end(json, space_end(json, colon + 1))?;
    let (mut start, after) = (place - 1, space_end(json, value_end));
    // Neighbors are removed as one.
    if let Some(last) = edits.pop_if(|last| last.end == start) {
        start = last.start;
    }
    let end = if json.as_bytes().get(after) == Some(&b',') {
        space_end(json, after + 1)
    } else {
        let before = json.get(..start)?.trim_end_matches(SPACE);
        match before.strip_suffix(',') {
            // White space after the last member stays, unless no member is left.
            Some(before) => {
                start = before.trim_end_matches(SPACE).len();
                value_end
            }
            None => {
                start = before.len();
                after
            }
        }
    };
    edits.push(Edit { start, end, new: String::new() });
    Some(())
}

/// Maps the locations of errors from the document that the origin was sent to the client's.
fn map_locations(
    response: &Index,
    errors: Value<'_>,
    injected: &InjectedDocument,
    edits: &mut Vec<Edit>,
) {
    let errors = errors.as_array().into_iter().flat_map(|errors| errors.iter());
    let members = errors.filter_map(Value::as_object).flat_map(Object::iter);
    let locations = members.filter(|(name, _)| *name == "locations");
    for location in locations.filter_map(|(_, all)| all.as_array()).flat_map(|all| all.iter()) {
        let number = |name| match location.get(name) {
            Some(Value::Number(text)) => Some((text, text.parse::<u64>().ok()?)),
            _ => None,
        };
        let (Some((line_text, line)), Some((column_text, column))) =
            (number("line"), number("column"))
        else {
            continue;
        };
        let mapped = injected.position_in_source(line, column);
        for (text, found, mapped) in [(line_text, line, mapped.0), (column_text, column, mapped.1)]
        {
            if let Some(start) = response.place_of(text).filter(|_| found != mapped) {
                edits.push(Edit { start, end: start + text.len(), new: mapped.to_string() });
            }
        }
    }
}

/// The text with these edits.
fn edited(json: &str, mut edits: Vec<Edit>) -> Cow<'_, str> {
    if edits.is_empty() {
        return Cow::Borrowed(json);
    }
    order::sort_by_key(&mut edits, |edit| edit.start);
    let mut text = String::with_capacity(json.len());
    let mut from = 0;
    for Edit { start, end, new } in edits {
        text.push_str(json.get(from..start).unwrap_or_default());
        text.push_str(&new);
        from = end;
    }
    text.push_str(json.get(from..).unwrap_or_default());
    Cow::Owned(text)
}

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

fn space_end(json: &str, at: usize) -> usize {
    let rest = json.as_bytes().get(at..).unwrap_or_default();
    let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    at + space
}

/// The end of a leaf: a string, a number or a word. `None` for an object or a list.
fn leaf_end(json: &str, at: usize) -> Option<usize> {
    let rest = json.as_bytes().get(at..)?;
    match rest.first()? {
        b'{' | b'[' => None,
        b'"' => Some(string_end(json.as_bytes(), at + 1)),
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
            Some(at + rest.iter().position(ends)?)
        }
    }
}

#[cfg(test)]
mod tests;
