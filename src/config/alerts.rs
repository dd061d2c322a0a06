//! The section `alerts`: when an alert fires, and where it is sent.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::names::is_trustworthy;
use super::section::Section;
use super::share::Share;

/// `alerts`
#[derive(Debug, Clone, PartialEq)]
pub struct Alerts {
    /// A lower hit rate is an alert. None of them: no alert.
    pub hit_rate: Share,
    /// With fewer lookups the hit rate is no alert.
    pub min_lookups: u64,
    /// More errors a minute are an alert. 0: no alert.
    pub errors_per_minute: u64,
    /// The address to which each alert is sent.
    pub webhook: Option<String>,
}

impl Default for Alerts {
    /// The defaults of the keys.
    fn default() -> Self {
        Self {
            hit_rate: Share::of_hundredths(50),
            min_lookups: 100,
            errors_per_minute: 10,
            webhook: None,
        }
    }
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "hit_rate",
        value: ValueType::Share,
        default: DefaultValue::Hundredths(50),
        doc: "A hit rate below this is an alert. 0: no alert.",
    },
    Key {
        name: "min_lookups",
        value: ValueType::Number { unit: "lookups", least: 1, most: 1_000_000_000 },
        default: DefaultValue::Number(100),
        doc: "With fewer lookups in five minutes the hit rate is no alert.",
    },
    Key {
        name: "errors_per_minute",
        value: ValueType::Number { unit: "errors", least: 0, most: 1_000_000_000 },
        default: DefaultValue::Number(10),
        doc: "More errors a minute than this are an alert. 0: no alert.",
    },
    Key {
        name: "webhook",
        value: ValueType::Text(&forms::WEBHOOK),
        default: DefaultValue::None,
        doc: "The address to which each alert is sent, once when it begins and once when it ends.",
    },
];

pub(super) fn alerts(section: &Section<'_>) -> Alerts {
    let alerts = Alerts {
        hit_rate: section.share("hit_rate"),
        min_lookups: section.number("min_lookups"),
        errors_per_minute: section.number("errors_per_minute"),
        webhook: webhook(section),
    };
    section.report_unknown();
    alerts
}

fn webhook(section: &Section<'_>) -> Option<String> {
    let url = section.text("webhook")?;
    if !is_trustworthy(url) {
        // The address may contain a secret, and faults are logged.
        section.fault("webhook", "expected an address that begins with \"https://\"");
    }
    Some(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{parse, shown_host};
    use serde_json::json;

    #[test]
    fn everything_has_a_default_except_the_address() {
        let alerts = parse(&json!({})).unwrap().alerts;
        assert_eq!(alerts, Alerts::default());
        assert_eq!((alerts.hit_rate.as_f64(), alerts.min_lookups), (0.5, 100));
        assert_eq!((alerts.errors_per_minute, alerts.webhook), (10, None));
    }

    #[test]
    fn the_address_is_https_or_of_the_machine_itself() {
        let of = |url: &str| parse(&json!({ "alerts": { "webhook": url } }));
        for url in
            ["https://hooks.example.com/T0/secret", "http://127.0.0.1:4000/", "http://[::1]:1"]
        {
            assert_eq!(of(url).unwrap().alerts.webhook.as_deref(), Some(url));
        }
        for url in [
            "http://hooks.example.com/T0/secret",
            "hooks.example.com/secret",
            "",
            "https://",
            "https://user:secret@hooks.example.com/",
            "http://user:secret@127.0.0.1/",
        ] {
            let faults = of(url).unwrap_err();
            assert_eq!(faults[0].path, "alerts.webhook");
            assert!(!faults[0].message.contains("secret"), "{}", faults[0]);
        }
    }

    #[test]
    fn nothing_secret_of_an_address_is_shown() {
        for (url, shown) in [
            ("https://hooks.example.com/T0/secret?secret#secret", "hooks.example.com"),
            ("https://user:secret@hooks.example.com:8443/T0", "hooks.example.com:8443"),
            ("https://secret@secret@hooks.example.com", "hooks.example.com"),
            ("https://user:sec/ret@hooks.example.com/", "user"),
            ("http://127.0.0.1:4000/secret", "127.0.0.1:4000"),
            ("http://user:secret@[::1]:4000", "[::1]:4000"),
            ("http://[::1]/secret", "[::1]"),
            ("secret", ""),
        ] {
            assert_eq!(shown_host(url), shown, "{url}");
        }
    }

    #[test]
    fn a_hit_rate_is_a_share() {
        let faults = parse(&json!({ "alerts": { "hit_rate": 50 } })).unwrap_err();
        assert_eq!(faults[0].path, "alerts.hit_rate");
        let off = parse(&json!({ "alerts": { "hit_rate": 0 } })).unwrap().alerts.hit_rate;
        assert_eq!(off, Share::NONE);
    }
}
