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
        let calls_before = self.view.calls();
        match OwnWriteToken::of_tokens(tokens, self.keys(runtime))? {
            OwnWriteToken::Verified(record) => {
                self.view.note_shown(record);
                Some(OwnWrite { record: Some(record), calls_before })
            }
            OwnWriteToken::Unverified => Some(OwnWrite { record: None, calls_before }),
        }
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
