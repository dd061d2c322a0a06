//! What must hold of every answer, and of every write.
//!
//! - No answer is older than a recorded purge by more than `max_lag`.
//! - No answer is older than a write whose number the client shows.
//! - No answer of the isolate that a write went through is older than that write, whether or not
//!   the purge log took its purge, and whether or not the origin's answer came.
//! - No answer is that to another request, another person's, or another service's.
//! - Every write arrives at the origin once, and where it was answered not less.

use super::executor::Group;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What clients were told, and what was broken.
#[derive(Default)]
pub struct Laws {
    recorded: RefCell<BTreeMap<(usize, String), Vec<Recorded>>>,
    /// By isolate and entity, the version that was written through it.
    written: RefCell<BTreeMap<(Group, String), u64>>,
    broken: RefCell<Vec<String>>,
}

/// A write or a change whose purge was recorded.
#[derive(Debug, Clone, Copy)]
struct Recorded {
    version: u64,
    at: u64,
}

/// What an answer showed of an entity.
#[derive(Debug, Clone)]
pub struct Shown {
    pub service: usize,
    pub entity: String,
    pub version: u64,
}

impl Laws {
    /// A client was told that the purge for this version of an entity is recorded.
    pub fn recorded(&self, service: usize, entity: &str, version: u64, at: u64) {
        let mut all = self.recorded.borrow_mut();
        all.entry((service, entity.to_owned())).or_default().push(Recorded { version, at });
    }

    /// A client was told by an isolate that this version was written.
    pub fn written(&self, isolate: Group, entity: &str, version: u64) {
        let mut all = self.written.borrow_mut();
        let known = all.entry((isolate, entity.to_owned())).or_default();
        *known = version.max(*known);
    }

    /// What was written through an isolate so far.
    pub fn all_written_by(&self, isolate: Group) -> BTreeMap<String, u64> {
        let all = self.written.borrow();
        let of_isolate = all.iter().filter(|((group, _), _)| *group == isolate);
        of_isolate.map(|((_, entity), version)| (entity.clone(), *version)).collect()
    }

    /// An answer to a request that was made at `asked_at`. `own` is the version that the client
    /// itself wrote, if it showed its number.
    pub fn answered(
        &self,
        shown: &Shown,
        asked_at: u64,
        max_lag: u64,
        own: Option<u64>,
        how: &str,
    ) {
        let all = self.recorded.borrow();
        let of_entity = all.get(&(shown.service, shown.entity.clone()));
        let due = of_entity.into_iter().flatten().filter(|one| one.at + max_lag <= asked_at);
        let least = due.map(|one| one.version).max().unwrap_or(0);
        if shown.version < least {
            self.broken(format!(
                "stale: {} of service {} at version {}, though {least} was purged over {max_lag} ms before the request at {asked_at} ({how})",
                shown.entity, shown.service, shown.version
            ));
        }
        if own.is_some_and(|own| shown.version < own) {
            self.broken(format!(
                "not its own write: {} at version {}, though the client showed that it wrote {own:?} ({how})",
                shown.entity, shown.version
            ));
        }
    }

    pub fn broken(&self, what: String) {
        self.broken.borrow_mut().push(what);
    }

    pub fn all_broken(&self) -> Vec<String> {
        self.broken.borrow().clone()
    }
}
