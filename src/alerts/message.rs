//! The messages to the webhook.

use super::alert::Alert;
use super::board::{Change, Firing};
use crate::decimal::thousandths;
use crate::record::members;
use serde::Serialize;

/// The body of a request to the webhook. Chat services such as Slack show `text`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct AlertMessage {
    /// The name of the service.
    pub service: String,
    /// The word of the alert.
    pub alert: String,
    /// Whether it fires now.
    pub state: Firing,
    /// The number, if the alert has one.
    pub value: Option<f64>,
    /// What it was compared with.
    pub threshold: Option<f64>,
    /// When it changed, in milliseconds since 1970.
    pub at: u64,
    /// The same as a sentence.
    pub text: String,
}

members!(AlertMessage { service, alert, state, value, threshold, at, text });

impl AlertMessage {
    /// The message about a change.
    pub fn of(service: &str, change: &Change) -> Self {
        let measure = change.measure;
        Self {
            service: service.to_owned(),
            alert: measure.alert.as_str().to_owned(),
            state: change.state,
            value: measure.value,
            threshold: measure.threshold,
            at: change.at.as_millis(),
            text: format!("{service}: {}", sentence(change)),
        }
    }
}

fn sentence(change: &Change) -> String {
    let measure = &change.measure;
    let value = measure.value.unwrap_or_default();
    let threshold = measure.threshold.unwrap_or_default();
    match (measure.alert, change.state) {
        (Alert::HitRate, Firing::Firing) => {
            format!("the hit rate is {} %, below {} %", percent(value), percent(threshold))
        }
        (Alert::HitRate, Firing::Ok) if measure.value.is_none() => {
            "too few requests to tell the hit rate".to_owned()
        }
        (Alert::HitRate, Firing::Ok) => format!("the hit rate is {} % again", percent(value)),
        (Alert::Errors, Firing::Firing) => {
            format!("{} errors a minute, more than {}", number(value), number(threshold))
        }
        (Alert::Errors, Firing::Ok) => format!("{} errors a minute again", number(value)),
        (Alert::Kv, Firing::Firing) => "Workers KV is unavailable".to_owned(),
        (Alert::Kv, Firing::Ok) => "Workers KV is available again".to_owned(),
        (Alert::PurgeLog, Firing::Firing) => "the purge log is unavailable".to_owned(),
        (Alert::PurgeLog, Firing::Ok) => "the purge log is available again".to_owned(),
    }
}

/// With at most one digit after the point.
fn percent(share: f64) -> String {
    thousandths((share * 1_000.0).round() as u64 * 100)
}

fn number(value: f64) -> String {
    thousandths((value * 1_000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Level, Measure};
    use super::*;
    use crate::time::Timestamp;

    fn text(alert: Alert, state: Firing, value: Option<f64>, threshold: Option<f64>) -> String {
        let measure = Measure { alert, level: Level::Bad, value, threshold };
        let change = Change { measure, state, at: Timestamp::from_millis(9) };
        AlertMessage::of("shop", &change).text
    }

    #[test]
    fn says_what_is_wrong_and_when_it_is_over() {
        use Firing::{Firing as Begins, Ok as Ends};
        for (alert, state, value, threshold, expected) in [
            (
                Alert::HitRate,
                Begins,
                Some(0.4123),
                Some(0.5),
                "shop: the hit rate is 41.2 %, below 50 %",
            ),
            (Alert::HitRate, Ends, Some(0.62), Some(0.5), "shop: the hit rate is 62 % again"),
            (Alert::HitRate, Ends, None, Some(0.5), "shop: too few requests to tell the hit rate"),
            (
                Alert::Errors,
                Begins,
                Some(23.4),
                Some(10.0),
                "shop: 23.4 errors a minute, more than 10",
            ),
            (Alert::Errors, Ends, Some(0.0), Some(10.0), "shop: 0 errors a minute again"),
            (Alert::Kv, Begins, None, None, "shop: Workers KV is unavailable"),
            (Alert::PurgeLog, Ends, None, None, "shop: the purge log is available again"),
        ] {
            assert_eq!(text(alert, state, value, threshold), expected);
        }
    }

    #[test]
    fn the_body_has_the_documented_members() {
        let measure = Measure { alert: Alert::Kv, level: Level::Bad, value: None, threshold: None };
        let change = Change { measure, state: Firing::Firing, at: Timestamp::from_millis(9) };
        assert_eq!(
            serde_json::to_string(&AlertMessage::of("shop", &change)).unwrap(),
            concat!(
                r#"{"service":"shop","alert":"kv","state":"firing","value":null,"threshold":null,"at":9,"#,
                r#""text":"shop: Workers KV is unavailable"}"#
            )
        );
    }
}
