//! The syntax of `Cache-Control`: a list of directives with optional arguments (RFC 9111 §5.2).

use crate::http::Headers;

/// A directive: its name in lower case, and its argument without quotes.
pub(super) type Directive = (String, Option<String>);

/// Parses all directives of a header in order.
pub(super) fn parse_directives(headers: &Headers, field: &str) -> Vec<Directive> {
    headers
        .get_all(field)
        .flat_map(|value| match closes_its_quotes(value) {
            true => split_list(value),
            // A directive must not be hidden by an unclosed quote.
            false => value.split(',').map(str::to_owned).collect(),
        })
        .map(|directive| {
            let (name, argument) = match directive.split_once('=') {
                Some((name, argument)) => {
                    (name, Some(argument.trim().trim_matches('"').to_owned()))
                }
                None => (directive.as_str(), None),
            };
            (name.trim().to_ascii_lowercase(), argument)
        })
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

/// Splits a list at its commas, except for commas in quotes.
pub(super) fn split_list(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for character in value.chars() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

fn closes_its_quotes(value: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for character in value.chars() {
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
    }
    !quoted
}
