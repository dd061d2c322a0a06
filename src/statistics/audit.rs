//! The audit in the statistics object: the last changes that administrators made.
//!
//! The object numbers them and keeps them as texts, which it does not read.

use super::last_numbers::LastNumbers;
use super::messages::MessageFault;
use super::rows::{Rows, Table};
use crate::record::{self, members};
use serde::Serialize;

/// How many changes are kept.
pub const AUDITED_CHANGES: u64 = 1_000;

/// The version of the messages.
const VERSION: u32 = 1;
/// How messages about the audit begin, and no other.
const BEGINNING: &str = "{\"audit\":";
/// How many bytes a message may have.
const MESSAGE_BYTES: usize = 4 << 20;
/// The highest number of a row: JavaScript's numbers have 53 bits.
const HIGHEST: u64 = (1 << 53) - 1;

/// What an isolate wants of the audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct AuditMessage {
    /// The version; [`Self::encode`] sets it.
    pub audit: u32,
    /// A number that no other isolate has.
    pub isolate: u64,
    /// The isolate's number of the first change in `append`; those after it have the next ones. The object
    /// stores each once. 0: the isolate is of a build that does not number them.
    pub first: u64,
    /// Changes to add, the earliest first.
    pub append: Vec<String>,
    /// Only changes with lower numbers are shown.
    pub before: Option<u64>,
    /// How many changes are shown.
    pub limit: u64,
}

members!(AuditMessage { audit, isolate, first, append, before, limit });

/// What the object replies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct AuditReply {
    /// The version.
    pub audit: u32,
    /// Changes with their numbers, the latest first.
    pub changes: Vec<(u64, String)>,
}

members!(AuditReply { audit, changes });

impl AuditMessage {
    /// The message as text.
    pub fn encode(self) -> String {
        serde_json::to_string(&Self { audit: VERSION, ..self }).unwrap_or_default()
    }

    /// Reads a text. `None` if it is no message about the audit.
    pub(super) fn decode(text: &str) -> Option<Result<Self, MessageFault>> {
        text.starts_with(BEGINNING).then(|| {
            if text.len() > MESSAGE_BYTES {
                return Err(MessageFault::TooLong);
            }
            let message: Self = record::read(text).ok_or(MessageFault::Form)?;
            if message.audit == VERSION { Ok(message) } else { Err(MessageFault::Version) }
        })
    }
}

impl AuditReply {
    /// Reads a reply. `None` if the object does not know the audit, or knows another version of it.
    pub fn decode(text: &str) -> Option<Self> {
        let reply: Self = record::read(text)?;
        (reply.audit == VERSION).then_some(reply)
    }
}

/// The audit of a service.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// The number of the last change, once it is known.
    last: Option<u64>,
    /// The last change of each isolate, by the isolate's own numbers.
    stored: LastNumbers,
}

impl Audit {
    /// Handles a message, and returns the reply.
    pub fn handle<R: Rows>(
        &mut self,
        rows: &R,
        message: &AuditMessage,
    ) -> Result<String, R::Fault> {
        let last = self.append(rows, message)?;
        let mut changes = Vec::new();
        let shown = message.before.map_or(last, |before| before.saturating_sub(1).min(last));
        let first = (shown + 1).saturating_sub(message.limit).max(1);
        if message.limit > 0 && shown > 0 {
            let mut show = |number, text: &str| changes.push((number, text.to_owned()));
            rows.each(Table::Audit, (first, shown), &mut show)?;
        }
        changes.reverse();
        let reply = AuditReply { audit: VERSION, changes };
        Ok(serde_json::to_string(&reply).unwrap_or_default())
    }

    /// Stores the changes in a message, and returns the number of the last one.
    fn append<R: Rows>(&mut self, rows: &R, message: &AuditMessage) -> Result<u64, R::Fault> {
        let mut last = self.last(rows)?;
        if message.append.is_empty() {
            return Ok(last);
        }
        for change in message.append.iter().skip(self.stored_of(message)) {
            last += 1;
            rows.put(Table::Audit, last, change)?;
        }
        // Before anything else can fail: then the isolate sends the changes again.
        self.last = Some(last);
        self.note_stored(message);
        rows.delete_below(Table::Audit, (last + 1).saturating_sub(AUDITED_CHANGES))?;
        Ok(last)
    }

    /// The number of the last change that is stored.
    fn last<R: Rows>(&mut self, rows: &R) -> Result<u64, R::Fault> {
        if let Some(last) = self.last {
            return Ok(last);
        }
        let mut last = 0;
        rows.each(Table::Audit, (0, HIGHEST), &mut |number, _| last = number)?;
        self.last = Some(last);
        Ok(last)
    }

    /// How many of the changes in a message are stored already: their isolate got no reply.
    fn stored_of(&self, message: &AuditMessage) -> usize {
        if message.first == 0 {
            return 0;
        }
        let next = self.stored.of(message.isolate).saturating_add(1);
        usize::try_from(next.saturating_sub(message.first)).unwrap_or(usize::MAX)
    }

    fn note_stored(&mut self, message: &AuditMessage) {
        if message.first > 0 {
            let last = (message.first - 1).saturating_add(message.append.len() as u64);
            self.stored.note(message.isolate, last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::book::{Book, BookFault};
    use super::super::rows::{FailingRows, MemoryRows};
    use super::*;
    use crate::time::Timestamp;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn ask(book: &mut Book<MemoryRows>, message: AuditMessage) -> Vec<(u64, String)> {
        let reply = book.handle(&message.encode(), Timestamp::default()).unwrap();
        AuditReply::decode(&reply).unwrap().changes
    }

    fn append(book: &mut Book<MemoryRows>, numbers: std::ops::RangeInclusive<u64>) {
        let append = numbers.map(|number| format!("change {number}")).collect();
        assert_eq!(ask(book, AuditMessage { append, ..Default::default() }), []);
    }

    fn shown(book: &mut Book<MemoryRows>, before: Option<u64>, limit: u64) -> Vec<u64> {
        let changes = ask(book, AuditMessage { before, limit, ..Default::default() });
        assert!(changes.iter().all(|(number, text)| *text == format!("change {number}")));
        changes.into_iter().map(|(number, _)| number).collect()
    }

    /// An isolate sends its changes with the numbers from `first` on.
    fn numbered(isolate: u64, first: u64, changes: &[&str]) -> AuditMessage {
        let append = changes.iter().map(|change| (*change).to_owned()).collect();
        AuditMessage { isolate, first, append, ..Default::default() }
    }

    #[test]
    fn changes_that_are_sent_again_are_stored_once() {
        let mut book = Book::new(MemoryRows::default());
        for message in [
            numbered(7, 1, &["a", "b"]),
            numbered(7, 1, &["a", "b"]),
            numbered(7, 1, &["a", "b", "c"]),
            // An earlier call comes after it.
            numbered(7, 2, &["b"]),
            // The isolate has given some up.
            numbered(7, 9, &["d"]),
            numbered(8, 1, &["e"]),
            // Isolates of an earlier build.
            numbered(0, 0, &["f"]),
            numbered(0, 0, &["f"]),
            numbered(7, u64::MAX, &["g", "h"]),
        ] {
            ask(&mut book, message);
        }
        let all = AuditMessage { limit: AUDITED_CHANGES, ..Default::default() };
        let changes = ask(&mut book, all);
        let texts: Vec<&str> = changes.iter().rev().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d", "e", "f", "f", "g", "h"]);
        let of_an_earlier_build = r#"{"audit":1,"append":["i"],"before":null,"limit":1}"#;
        let reply = book.handle(of_an_earlier_build, Timestamp::default()).unwrap();
        assert_eq!(AuditReply::decode(&reply).unwrap().changes, [(10, "i".to_owned())]);
    }

    #[test]
    fn the_last_changes_are_shown_in_pages() {
        let mut book = Book::new(MemoryRows::default());
        assert!(shown(&mut book, None, 10).is_empty());
        append(&mut book, 1..=3);
        append(&mut book, 4..=5);
        assert_eq!(shown(&mut book, None, 2), [5, 4]);
        assert_eq!(shown(&mut book, Some(4), 2), [3, 2]);
        assert_eq!(shown(&mut book, Some(2), 2), [1]);
        for before in [0, 1] {
            assert!(shown(&mut book, Some(before), 2).is_empty());
        }
        assert_eq!(shown(&mut book, Some(u64::MAX), u64::MAX), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn a_thousand_are_kept_and_numbers_go_on_in_another_object() {
        let mut book = Book::new(MemoryRows::default());
        append(&mut book, 1..=700);
        append(&mut book, 701..=1_700);
        assert_eq!(book.rows().size(Table::Audit).0, 1_000);
        assert_eq!(shown(&mut book, Some(702), 10), [701]);
        let mut next = Book::new(book.into_rows());
        append(&mut next, 1_701..=1_701);
        assert_eq!(shown(&mut next, None, 2), [1_701, 1_700]);
        assert_eq!(next.rows().size(Table::Audit).0, 1_000);
    }

    #[test]
    fn messages_of_another_form_or_version_are_refused() {
        let mut book = Book::new(MemoryRows::default());
        let mut fault = |text: &str| book.handle(text, Timestamp::default()).unwrap_err();
        assert_eq!(fault(r#"{"audit":2}"#), BookFault::Message(MessageFault::Version));
        assert_eq!(fault(r#"{"audit":1,"append":7}"#), BookFault::Message(MessageFault::Form));
        let long = format!("{{\"audit\":1,\"append\":[\"{}\"]}}", "x".repeat(MESSAGE_BYTES));
        assert_eq!(fault(&long), BookFault::Message(MessageFault::TooLong));
        assert_eq!(AuditReply::decode(r#"{"version":1,"wait_ms":5}"#), None);
    }

    #[test]
    fn no_message_shows_more_than_is_kept_or_writes_without_a_change() {
        let mut book = Book::new(MemoryRows::default());
        append(&mut book, 1..=3);
        assert!(shown(&mut book, None, 0).is_empty());
        assert_eq!(ask(&mut book, AuditMessage::default()), []);
        assert_eq!(shown(&mut book, Some(3), 1), [2]);
        let reply =
            book.handle(r#"{"audit":1,"before":null,"limit":1,"later":7}"#, Timestamp::default());
        assert_eq!(AuditReply::decode(&reply.unwrap()).unwrap().changes.len(), 1);
    }

    /// An isolate that sends its changes until it gets a reply.
    struct Sender {
        isolate: u64,
        first: u64,
        pending: Vec<String>,
    }

    impl Sender {
        fn send(&mut self, book: &mut Book<FailingRows>, is_reply_lost: bool) {
            let (isolate, first) = (self.isolate, self.first);
            let append = self.pending.clone();
            let message = AuditMessage { isolate, first, append, ..Default::default() };
            let reply = book.handle(&message.encode(), Timestamp::default());
            if reply.is_ok() && !is_reply_lost {
                self.first += self.pending.len() as u64;
                self.pending.clear();
            }
        }
    }

    proptest! {
        /// Isolates append changes and send them again until they get a reply; storage fails half way, replies
        /// are lost, and the object restarts. No change is lost, the changes of an isolate stay in order, and
        /// each is stored once, unless the object restarts while an isolate waits for a reply.
        #[test]
        fn no_change_is_lost(
            steps in prop::collection::vec(
                (
                    0_usize..3,
                    0_u32..4,
                    prop::option::weighted(0.3, 0_usize..4),
                    any::<bool>(),
                    prop::bool::weighted(0.1),
                ),
                1..40,
            ),
        ) {
            let mut book = Book::new(FailingRows::default());
            let mut senders =
                [0, 1, 2].map(|isolate| Sender { isolate, first: 1, pending: Vec::new() });
            let (mut sent, mut may_double) = (0, false);
            for (isolate, changes, fails_after, is_reply_lost, restarts) in steps {
                for _ in 0..changes {
                    sent += 1;
                    senders[isolate].pending.push(format!("{isolate} {sent}"));
                }
                book.rows().left.set(fails_after);
                senders[isolate].send(&mut book, is_reply_lost);
                if restarts {
                    may_double |= senders.iter().any(|sender| !sender.pending.is_empty());
                    let FailingRows { rows, .. } = book.into_rows();
                    book = Book::new(FailingRows { rows, ..Default::default() });
                }
            }
            book.rows().left.set(None);
            for sender in &mut senders {
                sender.send(&mut book, false);
                assert!(sender.pending.is_empty());
            }
            let all = AuditMessage { limit: AUDITED_CHANGES, ..Default::default() };
            let reply = book.handle(&all.encode(), Timestamp::default()).unwrap();
            let changes = AuditReply::decode(&reply).unwrap().changes;
            let mut last_seen: BTreeMap<&str, usize> = BTreeMap::new();
            for (place, (_, change)) in changes.iter().rev().enumerate() {
                last_seen.insert(change, place);
            }
            prop_assert_eq!(last_seen.len(), sent);
            prop_assert!(may_double || changes.len() == sent);
            for isolate in ["0", "1", "2"] {
                let own = last_seen.iter().filter(|(change, _)| change.starts_with(isolate));
                let number = |change: &str| change.split_once(' ').unwrap().1.parse().unwrap();
                let mut own: Vec<(usize, usize)> =
                    own.map(|(change, place)| (number(change), *place)).collect();
                own.sort_unstable();
                prop_assert!(own.windows(2).all(|pair| pair[0].1 < pair[1].1), "{:?}", own);
            }
        }
    }
}
