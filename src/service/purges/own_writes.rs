//! Read your own writes: the tokens in `Evergraph-Purge`, by which a client never reads anything older
//! than its own write.
//!
//! No token is ignored. Either the replica includes the write's record, or the log has been read since the
//! request arrived: a token that cannot be verified may be of a log that has lost its storage. Forging
//! tokens gains nothing but such reads, which the requests of an isolate share.
//!
//! In scope: what the tokens of a request require, and the token of a record. Not in scope: the text of a
//! token (`engine/purge_token.rs`), and how the log is read (`sync.rs`).

use super::log_view::LogView;
use crate::engine::{OwnWriteToken, PurgeKeys};
use crate::purge::Mark;
use crate::service::context::OwnWrite;
use crate::service::runtime::Runtime;
use std::cell::OnceCell;
use std::rc::Rc;

/// The tokens of clients' own writes.
#[derive(Debug)]
pub struct OwnWrites {
    view: Rc<LogView>,
    /// Made once: other secrets come with another deployment.
    keys: OnceCell<PurgeKeys>,
}

impl OwnWrites {
    pub(super) fn new(view: Rc<LogView>) -> Self {
        Self { view, keys: OnceCell::new() }
    }

    /// What a request requires that has just arrived with these tokens; `None` if it has none.
    pub fn required_by<R: Runtime>(&self, runtime: &R, tokens: &[String]) -> Option<OwnWrite> {
        // Nearly all requests have none, and need no keys.
        if tokens.is_empty() {
            return None;
        }
        let own_write = self.read(runtime, tokens)?;
        own_write.record.into_iter().for_each(|record| self.view.note_shown(record));
        Some(own_write)
    }

    /// The same for a request that is only explained: that a client has shown a token is not noted.
    pub fn read<R: Runtime>(&self, runtime: &R, tokens: &[String]) -> Option<OwnWrite> {
        if tokens.is_empty() {
            return None;
        }
        let calls_before = self.view.calls();
        let record = match OwnWriteToken::of_tokens(tokens, self.keys(runtime))? {
            OwnWriteToken::Verified(record) => Some(record),
            OwnWriteToken::Unverified => None,
        };
        Some(OwnWrite { record, calls_before })
    }

    /// The token for the client whose write is purged by that record.
    pub fn token_of<R: Runtime>(&self, runtime: &R, record: Mark) -> String {
        self.keys(runtime).sign(record)
    }

    fn keys<R: Runtime>(&self, runtime: &R) -> &PurgeKeys {
        let make = || PurgeKeys::new(runtime.admin_tokens().as_deref(), &runtime.log_id());
        self.keys.get_or_init(make)
    }
}

#[cfg(test)]
mod tests {
    use crate::purge::Mark;
    use crate::service::purges::fixture::purges;
    use crate::service::testing::TestRuntime;

    const RECORD: Mark = Mark { epoch: 7, seq: 3 };

    #[test]
    fn a_token_names_the_record_that_it_was_made_of() {
        let (runtime, purges) = (TestRuntime::new(), purges());
        runtime.has_secrets(Some("a secret of some length"), None);
        let token = purges.own_writes.token_of(&runtime, RECORD);
        let own_write = purges.own_writes.required_by(&runtime, &[token]).unwrap();
        assert_eq!((own_write.record, purges.view.shown()), (Some(RECORD), Some(RECORD)));
        assert!(purges.own_writes.required_by(&runtime, &[]).is_none());
    }

    #[test]
    fn a_token_that_cannot_be_verified_is_not_ignored() {
        let (runtime, purges) = (TestRuntime::new(), purges());
        let own_write = purges.own_writes.required_by(&runtime, &["forged".to_owned()]).unwrap();
        assert_eq!((own_write.record, purges.view.shown()), (None, None));
        assert!(!purges.view.is_recent(runtime.at(), Some(own_write)));
    }
}
