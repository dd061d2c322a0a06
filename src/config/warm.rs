//! The section `warm`: after what the cache is warmed by itself, and how fast.

use super::key::{DefaultValue, Key, ValueType};
use super::section::Section;

/// `warm`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Warm {
    /// After what the cache is warmed. Neither: never by itself.
    pub on: WarmOn,
    /// How many of the most popular reads are warmed.
    pub top: usize,
    /// How many requests a minute all isolates together make for it.
    pub requests_per_minute: u64,
}

/// After what the cache is warmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WarmOn {
    /// After a version of the Worker was deployed.
    pub deploy: bool,
    /// After everything was purged.
    pub purge_all: bool,
}

impl Warm {
    /// Whether the cache is ever warmed by itself.
    pub fn is_automatic(&self) -> bool {
        self.on != WarmOn::default()
    }
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "on",
        value: ValueType::List(&ValueType::Choice(&["deploy", "purge-all"])),
        default: DefaultValue::List(&[]),
        doc: "After what the cache is warmed by itself. It needs the binding `STATS`.",
    },
    Key {
        name: "top",
        value: ValueType::Number { unit: "requests", least: 1, most: 200 },
        default: DefaultValue::Number(50),
        doc: "How many of the most popular reads are warmed.",
    },
    Key {
        name: "requests_per_minute",
        value: ValueType::Number { unit: "requests", least: 1, most: 600 },
        default: DefaultValue::Number(60),
        doc: "How many requests a minute all isolates together make to warm the cache.",
    },
];

/// Reads the section. `has_reports`: whether isolates report to the statistics object.
pub(super) fn warm(section: &Section<'_>, has_reports: bool) -> Warm {
    let named = section.list("on", |text| match text {
        "deploy" => Ok(WarmOn { deploy: true, purge_all: false }),
        "purge-all" => Ok(WarmOn { deploy: false, purge_all: true }),
        _ => Err(format!("expected \"deploy\" or \"purge-all\", found {text:?}")),
    });
    let warm = Warm {
        on: WarmOn {
            deploy: named.iter().any(|on| on.deploy),
            purge_all: named.iter().any(|on| on.purge_all),
        },
        top: usize::try_from(section.number("top")).unwrap_or(usize::MAX),
        requests_per_minute: section.number("requests_per_minute"),
    };
    section.report_unknown();
    if warm.is_automatic() && !has_reports {
        section.fault("on", "has no effect with stats.requests_per_day = 0");
    }
    warm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use serde_json::{Value, json};

    fn read(config: &Value) -> Result<Warm, Vec<String>> {
        parse(config)
            .map(|config| config.warm)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nothing_is_warmed_by_itself_unless_configured() {
        let warm = read(&json!({})).unwrap();
        assert!(!warm.is_automatic());
        assert_eq!((warm.top, warm.requests_per_minute), (50, 60));
        let on = read(&json!({ "warm": { "on": ["purge-all"] } })).unwrap().on;
        assert_eq!(on, WarmOn { deploy: false, purge_all: true });
        let both = json!({ "warm": { "on": ["deploy", "purge-all"], "top": 5 } });
        assert_eq!(read(&both).unwrap().on, WarmOn { deploy: true, purge_all: true });
    }

    #[test]
    fn what_would_have_no_effect_is_a_fault() {
        let faults = read(&json!({ "warm": { "on": ["purge"] } })).unwrap_err();
        let expected = "warm.on[0]: expected \"deploy\" or \"purge-all\", found \"purge\"";
        assert_eq!(faults, [expected]);
        let on = json!({ "on": ["deploy"] });
        let faults = read(&json!({ "warm": on, "stats": { "requests_per_day": 0 } })).unwrap_err();
        assert_eq!(faults, ["warm.on: has no effect with stats.requests_per_day = 0"]);
    }
}
