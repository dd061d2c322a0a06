//! The section `operator`: for people and their tools. The Worker checks it, and uses nothing of it.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;

pub(super) const KEYS: &[Key] = &[Key {
    name: "url",
    value: ValueType::Text(&forms::ORIGIN),
    default: DefaultValue::None,
    doc: "The Worker that the command line asks.",
}];

/// Checks the section.
pub(super) fn check_operator(section: &Section<'_>) {
    if let Some(url) = section.text("url") {
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = rest.unwrap_or_default().trim_end_matches('/');
        if host.is_empty() || host.contains(['/', '?', '#', ' ']) {
            let message = format!("expected scheme, host and port only, found {url:?}");
            section.fault("url", message);
        }
    }
    section.report_unknown();
}

#[cfg(test)]
mod tests {
    use crate::config::parse;
    use serde_json::json;

    #[test]
    fn a_url_is_a_scheme_and_a_host() {
        let faults = |operator: serde_json::Value| {
            let parsed = parse(&json!({ "operator": operator }));
            parsed.err().into_iter().flatten().map(|fault| fault.path).collect::<Vec<_>>()
        };
        assert!(faults(json!({ "url": "https://api.example.com" })).is_empty());
        assert!(faults(json!({})).is_empty());
        for url in ["api.example.com", "https://", "https://h/__evergraph"] {
            assert_eq!(faults(json!({ "url": url })), ["operator.url"], "{url}");
        }
        assert_eq!(faults(json!({ "token": "x" })), ["operator.token"]);
    }
}
