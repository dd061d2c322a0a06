//! The messages that the webhook has not accepted yet.

use super::message::AlertMessage;
use crate::record::members;
use crate::time::Timestamp;
use serde::Serialize;
use std::collections::VecDeque;

/// How long after each attempt the next one follows. After the last one the message is given up.
const PAUSES_MILLIS: [u64; 5] = [10_000, 60_000, 300_000, 1_800_000, 1_800_000];
/// How many messages wait at most. A further one replaces the oldest.
const CAPACITY: usize = 32;

/// Messages in the order of their changes. The oldest is sent first, and the others wait for it, so that the
/// last message about an alert is its state.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Outbox {
    waiting: VecDeque<Waiting>,
    last: u64,
}

members!(Outbox { waiting, last });

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Waiting {
    number: u64,
    message: AlertMessage,
    attempts: u32,
    due: Timestamp,
}

members!(Waiting { number, message, attempts, due });

/// A message to send now.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Names the message in [`Outbox::accepted`].
    pub number: u64,
    /// What to send.
    pub message: AlertMessage,
}

impl Outbox {
    /// Adds a message, which is due at once.
    pub fn add(&mut self, message: AlertMessage, now: Timestamp) {
        self.last += 1;
        self.waiting.push_back(Waiting { number: self.last, message, attempts: 0, due: now });
        if self.waiting.len() > CAPACITY {
            self.waiting.pop_front();
        }
    }

    /// When something is due next.
    pub fn due(&self) -> Option<Timestamp> {
        self.waiting.front().map(|first| first.due)
    }

    /// Begins to send the oldest message, if it is due. The outbox must be stored before the message is sent:
    /// then an interrupted attempt counts, and the next one follows after a pause.
    pub fn begin(&mut self, now: Timestamp) -> Option<Attempt> {
        let first = self.waiting.front_mut().filter(|first| first.due <= now)?;
        let Some(pause) = PAUSES_MILLIS.get(first.attempts as usize) else {
            // Its attempts are used up, and none was accepted.
            self.waiting.pop_front();
            return self.begin(now);
        };
        first.attempts += 1;
        first.due = Timestamp::from_millis(now.as_millis() + pause);
        Some(Attempt { number: first.number, message: first.message.clone() })
    }

    /// The webhook has accepted a message.
    pub fn accepted(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }
}

#[cfg(test)]
mod tests {
    use super::super::board::Firing;
    use super::*;
    use proptest::prelude::*;

    fn message(at: u64) -> AlertMessage {
        AlertMessage {
            service: "shop".into(),
            alert: "kv".into(),
            state: Firing::Firing,
            value: None,
            threshold: None,
            at,
            text: String::new(),
        }
    }

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_refused_message_is_sent_again_after_pauses_and_given_up_at_last() {
        let mut outbox = Outbox::default();
        outbox.add(message(1), at(0));
        let mut sent = Vec::new();
        while let Some(due) = outbox.due() {
            if outbox.begin(due).is_some() {
                sent.push(due.as_millis());
            }
        }
        assert_eq!(sent, [0, 10_000, 70_000, 370_000, 2_170_000]);
    }

    #[test]
    fn later_messages_wait_for_the_oldest() {
        let mut outbox = Outbox::default();
        outbox.add(message(1), at(0));
        outbox.add(message(2), at(1));
        let first = outbox.begin(at(1)).unwrap();
        assert_eq!(outbox.begin(at(2)), None);
        outbox.accepted(first.number);
        assert_eq!(outbox.begin(at(2)).unwrap().message.at, 2);
    }

    proptest! {
        /// Whatever is refused, whatever attempt is cut off and however the state is stored in between: a
        /// message is accepted at most once, in order; without more failures than attempts, exactly once.
        #[test]
        fn a_message_is_accepted_at_most_once_and_in_order(
            fates in prop::collection::vec(prop::sample::select(vec!["accepted", "refused", "cut off"]), 0..80),
            count in 1_u64..10,
        ) {
            let mut outbox = Outbox::default();
            for n in 1..=count {
                outbox.add(message(n), at(0));
            }
            let (mut accepted, mut fates, mut failed) = (Vec::new(), fates.into_iter(), 0);
            while let Some(due) = outbox.due() {
                let stored = serde_json::to_string(&outbox).unwrap();
                outbox = crate::record::read(&stored).unwrap();
                let Some(attempt) = outbox.begin(due) else { continue };
                match fates.next().unwrap_or("accepted") {
                    "accepted" => {
                        accepted.push(attempt.message.at);
                        outbox.accepted(attempt.number);
                    }
                    "refused" => failed += 1,
                    // The object ended during the attempt; what it had stored before is what is left.
                    _ => {
                        failed += 1;
                        let stored = serde_json::to_string(&outbox).unwrap();
                        outbox = crate::record::read(&stored).unwrap();
                    }
                }
            }
            prop_assert!(accepted.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", accepted);
            if failed < PAUSES_MILLIS.len() {
                prop_assert_eq!(accepted.len() as u64, count);
            }
        }

        #[test]
        fn the_outbox_is_bounded(count in 0_u64..200) {
            let mut outbox = Outbox::default();
            for n in 0..count {
                outbox.add(message(n), at(n));
            }
            prop_assert!(outbox.waiting.len() <= CAPACITY);
            let newest = outbox.waiting.back().map(|waiting| waiting.message.at);
            prop_assert_eq!(newest, count.checked_sub(1));
        }
    }
}
