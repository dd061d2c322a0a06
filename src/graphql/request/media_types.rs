//! The media types that a client accepts, and that of Evergraph's own responses.

use crate::http::Headers;
use crate::order;

/// `true` if a browser requests a page (GraphiQL).
pub fn wants_html(headers: &Headers) -> bool {
    headers.members("accept").any(|range| {
        let kind = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "text/html" || kind == "application/xhtml+xml"
    })
}

/// The accepted media types in canonical form, most preferred first. Requests that share it get the
/// same media type from any server. White space, case and the exact weights do not matter: `A/b,
/// c/d;q=0.5` and `a/b ,c/d; q=0.4` are equal.
pub fn accepted_media_types(headers: &Headers) -> String {
    let mut ranges: Vec<(u32, String)> = headers
        .members("accept")
        .map(|range| {
            let mut weight = 1000;
            let mut kind = String::new();
            for part in range.split(';').map(str::trim) {
                match part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")) {
                    Some(q) => weight = weight_in_thousandths(q),
                    None => {
                        kind.push_str(&part.to_ascii_lowercase());
                        kind.push(';');
                    }
                }
            }
            if weight == 0 {
                kind.push_str("q=0");
            }
            (weight, kind)
        })
        .collect();
    order::sort_by_key(&mut ranges, |(weight, _)| std::cmp::Reverse(*weight));
    ranges.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>().join(",")
}

/// The media type of a GraphQL response that Evergraph itself makes:
/// `application/graphql-response+json` if the client prefers it (GraphQL over HTTP, draft, §6.4).
pub fn response_media_type(headers: &Headers) -> &'static str {
    const NEWER: &str = "application/graphql-response+json";
    let kinds = accepted_media_types(headers);
    let wished = kinds.split(',').filter(|kind| !kind.ends_with("q=0"));
    let mut wished = wished.filter_map(|kind| kind.split(';').next());
    let first =
        wished.find(|kind| [NEWER, "application/json", "application/*", "*/*"].contains(kind));
    match first {
        Some(NEWER) => "application/graphql-response+json; charset=utf-8",
        _ => "application/json; charset=utf-8",
    }
}

/// A weight (RFC 9110 §12.4.2) in thousandths. An invalid one counts as 1.
fn weight_in_thousandths(q: &str) -> u32 {
    let weight: f32 = q.trim().parse().unwrap_or(1.0);
    // Clamped to 0..=1, so that the number fits.
    (weight.clamp(0.0, 1.0) * 1000.0) as u32
}
