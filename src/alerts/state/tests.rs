use super::*;
use crate::alerts::Firing;
use crate::config::parse;
use proptest::prelude::*;
use serde_json::json;

fn rules() -> AlertRules {
    let config = json!({ "alerts": { "webhook": "https://hooks.example.com/" } });
    AlertRules { service: "shop".to_owned(), config: parse(&config).unwrap().alerts }
}

fn at(minute: u64) -> Timestamp {
    Timestamp::from_millis(minute * 60_000)
}

/// Stores and reads the state, as the object does between any two requests.
fn stored(state: &AlertState) -> AlertState {
    AlertState::from_text(&state.to_text())
}

#[test]
fn kv_fails_and_recovers_with_one_message_for_each() {
    let mut state = AlertState::default();
    let mut sent = Vec::new();
    for (minute, fails) in [true, true, true, true, false, false, false].into_iter().enumerate() {
        let now = at(minute as u64);
        state.note(PartNote { kv_fails: fails, log_fails: false });
        state.evaluate(now, &rules(), Numbers::default());
        state = stored(&state);
        while let Some(attempt) = state.begin(now) {
            sent.push(attempt.message.text.clone());
            state.accepted(attempt.number);
        }
    }
    assert_eq!(sent, ["shop: Workers KV is unavailable", "shop: Workers KV is available again"]);
}

#[test]
fn evaluations_are_apart_and_notes_in_between_are_kept() {
    let mut state = AlertState::default();
    let now = at(100);
    assert!(state.is_due(now));
    state.evaluate(now, &rules(), Numbers::default());
    assert!(!state.is_due(Timestamp::from_millis(now.as_millis() + EVALUATION_MILLIS - 1)));
    state.note(PartNote { kv_fails: true, log_fails: false });
    state.note(PartNote::default());
    assert!(stored(&state).parts.kv_fails);
    assert!(state.is_due(Timestamp::from_millis(now.as_millis() + EVALUATION_MILLIS)));
}

#[test]
fn without_a_webhook_alerts_fire_and_nothing_waits() {
    let mut state = AlertState::default();
    let mut rules = rules();
    rules.config.webhook = None;
    for minute in 0..3 {
        state.note(PartNote { kv_fails: false, log_fails: true });
        state.evaluate(at(minute), &rules, Numbers::default());
    }
    assert_eq!((state.due(), state.reports()[3].state), (None, Firing::Firing));
}

#[test]
fn damaged_state_is_one_in_which_nothing_fires() {
    for text in ["", "{", "[]", r#"{"board":7}"#] {
        assert_eq!(AlertState::from_text(text), AlertState::default(), "{text}");
    }
    // A later build may know more.
    assert_eq!(AlertState::from_text(r#"{"more":1}"#), AlertState::default());
}

proptest! {
    /// Each change is sent once: for every alert the accepted messages alternate, begin with `firing`, and the
    /// last one is the alert's state.
    #[test]
    fn each_change_is_sent_once(
        minutes in prop::collection::vec((0_u64..200, 0_u64..200, 0_u64..100, any::<bool>()), 0..60),
        refusals in prop::collection::vec(any::<bool>(), 0..4),
    ) {
        let (mut state, mut sent, mut refusals) =
            (AlertState::default(), Vec::new(), refusals.into_iter());
        let mut deliver = |state: &mut AlertState, now| {
            while let Some(attempt) = state.begin(now) {
                *state = stored(state);
                if refusals.next() == Some(true) {
                    break;
                }
                sent.push((attempt.message.alert.clone(), attempt.message.state));
                state.accepted(attempt.number);
            }
        };
        for (minute, (lookups, hits, errors, kv_fails)) in minutes.iter().enumerate() {
            let now = at(minute as u64);
            let numbers = Numbers {
                seconds: 300,
                lookups: lookups + hits,
                hits: *hits,
                errors: *errors,
            };
            state.note(PartNote { kv_fails: *kv_fails, log_fails: false });
            state.evaluate(now, &rules(), numbers);
            deliver(&mut state, now);
        }
        while let Some(due) = state.due() {
            deliver(&mut state, due);
        }
        for report in state.reports() {
            let states: Vec<_> =
                sent.iter().filter(|(alert, _)| *alert == report.alert).map(|(_, state)| *state).collect();
            for (n, state) in states.iter().enumerate() {
                prop_assert_eq!(*state, if n % 2 == 0 { Firing::Firing } else { Firing::Ok });
            }
            prop_assert_eq!(states.last().copied().unwrap_or(Firing::Ok), report.state);
        }
    }
}
