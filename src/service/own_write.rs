//! A client that shows the token of its own write: what it requires of this isolate's replica.
//!
//! A token is never ignored. The replica knows the write's record, or the log was read since the
//! request came: what cannot be verified may be of a log that has lost its storage. Whoever forges
//! tokens gets no more than such reads, which the isolate's requests share.
//!
//! In scope: the tokens of requests and answers. Not in scope: their text
//! (`engine/purge_token.rs`), and how the log is read (`sync`).

use super::handle::Service;
use super::runtime::Runtime;
use crate::engine::{OwnWriteToken, PurgeKeys};
use crate::purge::Mark;

/// What a client requires that shows its own write.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnWrite {
    /// The record of its purge; none where the token could not be verified.
    record: Option<Mark>,
    /// The last question that was put to the log when the request came: the answer to a later one
    /// tells of the write, or shows that the log lacks it.
    question: u64,
}

impl<W: Runtime> Service<W> {
    /// What a request requires that has just come with these tokens.
    pub(super) fn own_write(&self, tokens: &[String]) -> Option<OwnWrite> {
        // Nearly all requests have none, and need no keys.
        if tokens.is_empty() {
            return None;
        }
        let question = self.isolate.log.questions();
        match OwnWriteToken::of_tokens(tokens, self.purge_keys())? {
            OwnWriteToken::Verified(record) => {
                self.isolate.log.note_shown(record);
                Some(OwnWrite { record: Some(record), question })
            }
            OwnWriteToken::Unverified => Some(OwnWrite { record: None, question }),
        }
    }

    /// Whether the replica knows enough for a client that shows its own write.
    pub(super) fn knows_own_write(&self, wanted: Option<OwnWrite>) -> bool {
        wanted.is_none_or(|OwnWrite { record, question }| {
            let replica = self.isolate.replica.borrow();
            let was_asked_since = self.isolate.log.has_answered_after(question);
            match record {
                Some(record) if replica.knows(record) => true,
                // It is of a log that is no more. One that lacks its own record was not asked from
                // there yet.
                Some(record) => was_asked_since && replica.mark() > Some(record),
                None => was_asked_since,
            }
        })
    }

    /// The token for the client whose write is purged by that record.
    pub(super) fn purge_token(&self, record: Mark) -> String {
        self.purge_keys().sign(record)
    }

    /// Made once: other secrets are another deployment.
    fn purge_keys(&self) -> &PurgeKeys {
        let (isolate, runtime) = (&self.isolate, &self.runtime);
        let make = || PurgeKeys::new(runtime.admin_tokens().as_deref(), &runtime.log_id());
        isolate.purge_keys.get_or_init(make)
    }
}
