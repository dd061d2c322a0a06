//! What must hold of every answer, and of every write.
//!
//! - No answer is older than a recorded purge by more than `max_lag`.
//!   A soft purge leaves answers stale: they may be older, but say so. Where the log cannot be read
//!   and the configuration prefers answers, this holds from when the isolate reads it again.
//! - No answer is older than a write whose number the client shows.
//! - No answer of the isolate that a write went through is older than that write, whether or not
//!   the purge log took its purge, and whether or not the origin's answer came.
//! - Once everything works again for long enough, no answer anywhere is older than a write whose
//!   purge the log did not take: unless the isolate that had it ended before KV took it.
//!   By then the log has that purge, whether or not an answer shows it.
//! - An isolate puts such a purge into the outbox at once.
//! - No answer is that to another request, another person's, or another service's.
//! - Every write arrives at the origin once, and where it was answered not less.
//! - Every read is answered, within a minute, unless its isolate ends.
//! - While the cache is paused, no stored response is served by an isolate that can read the log.
//! - No answer is of another variant, or of a text's several versions at once, and no token counts
//!   that is forged.

use super::executor::Group;
use crate::purge::Record;
use crate::tag::hash_of;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What clients know by their responses, and the violations so far.
#[derive(Default)]
pub struct Laws {
    recorded: RefCell<BTreeMap<(usize, String), Vec<Recorded>>>,
    /// The versions that were written through an isolate, by isolate and entity.
    written: RefCell<BTreeMap<(Group, String), Vec<Recorded>>>,
    /// Writes whose purges the log did not take, each with the time of its change.
    pending: RefCell<Vec<(Group, ShownVersion, u64)>>,
    /// Purges that were sent to the outbox, and those that KV took.
    asked: RefCell<Vec<Put>>,
    taken: RefCell<Vec<Put>>,
    /// Purges that will be recorded once everything works again.
    promised: RefCell<Vec<(ShownVersion, u64)>>,
    /// The pause of each service that is in force: until when, and since when.
    paused: RefCell<BTreeMap<usize, (u64, u64)>>,
    broken: RefCell<Vec<String>>,
}

/// A purge that an isolate put into the outbox.
struct Put {
    service: usize,
    isolate: Group,
    record: Record,
    at: u64,
}

impl Put {
    /// Whether it purges what a write changed: it does if it is later than the change, whichever write
    /// it was made for.
    fn covers(&self, isolate: Group, shown: &ShownVersion, changed_at: u64) -> bool {
        let from = (self.service, self.isolate) == (shown.service, isolate);
        from && purges(&self.record, shown) && self.at >= changed_at
    }
}

fn purges(record: &Record, shown: &ShownVersion) -> bool {
    let id = shown.entity.split_once(' ').map_or("", |(_, id)| id);
    let name = match shown.entity.split(' ').next() {
        Some("product") => "Product",
        Some("text") => "Text",
        _ => "User",
    };
    let tags = [name.to_owned(), format!("{name}:{id}")];
    record.all || tags.iter().any(|tag| record.tags.contains(&hash_of(tag)))
}

/// How long after everything works again a purge that was pending is recorded: KV shows it within
/// a minute, and the cron trigger comes within another.
const RECORDED_WITHIN: u64 = 130_000;

/// A version whose purge is recorded, or that an isolate knows of, and since when.
#[derive(Debug, Clone, Copy)]
struct Recorded {
    version: u64,
    at: u64,
    reach: Reach,
}

/// Which responses a purge reaches, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach {
    /// The way of reading that it reaches. `None` for all of them.
    pub view: Option<&'static str>,
    /// Whether it leaves them stale.
    pub soft: bool,
}

/// The circumstances of a read.
#[derive(Debug, Clone, Copy)]
pub struct ReadTerms<'a> {
    /// The way of reading.
    pub view: &'static str,
    /// Whether the response is a fresh one from the cache.
    pub hit: bool,
    /// When it was asked for.
    pub asked_at: u64,
    /// For how long a purge may be unknown. `None` if nothing is promised.
    pub grace: Option<u64>,
    /// The version that the client itself wrote, if it sent the token of that write.
    pub own: Option<u64>,
    /// Its `Cache-Status`, for the trace.
    pub how: &'a str,
}

/// The version of an entity that a response shows.
#[derive(Debug, Clone)]
pub struct ShownVersion {
    pub service: usize,
    pub entity: String,
    pub version: u64,
}

impl Laws {
    /// Notes that the purge for this version of an entity is recorded.
    pub fn note_recorded(&self, service: usize, entity: &str, version: u64, at: u64) {
        self.note_recorded_for(service, entity, version, at, Reach::default());
    }

    /// Notes a recorded purge that does not reach all responses.
    pub fn note_recorded_for(
        &self,
        service: usize,
        entity: &str,
        version: u64,
        at: u64,
        reach: Reach,
    ) {
        let mut all = self.recorded.borrow_mut();
        let of_entity = all.entry((service, entity.to_owned())).or_default();
        of_entity.push(Recorded { version, at, reach });
    }

    /// Notes that this version was written through an isolate, which shows it from `at` on.
    pub fn note_written(&self, isolate: Group, entity: &str, version: u64, at: u64) {
        let mut all = self.written.borrow_mut();
        all.entry((isolate, entity.to_owned())).or_default().push(Recorded {
            version,
            at,
            reach: Reach::default(),
        });
    }

    /// The versions that were written through an isolate and that it has to show by now.
    pub fn all_written_by(&self, isolate: Group, now: u64) -> BTreeMap<String, u64> {
        let all = self.written.borrow();
        let of_isolate = all.range((isolate, String::new())..);
        let of_isolate = of_isolate.take_while(|((group, _), _)| *group == isolate);
        let newest = of_isolate.filter_map(|((_, entity), versions)| {
            let due = versions.iter().filter(|one| one.at <= now);
            Some((entity.clone(), due.map(|one| one.version).max()?))
        });
        newest.collect()
    }

    /// Checks the version that a response shows.
    pub fn check_read(&self, shown: &ShownVersion, judged: &ReadTerms<'_>) {
        let ReadTerms { view, hit, asked_at, grace, own, how } = *judged;
        let all = self.recorded.borrow();
        let of_entity = all.get(&(shown.service, shown.entity.clone())).into_iter().flatten();
        let reached = of_entity.filter(|one| {
            one.reach.view.is_none_or(|reached| reached == view) && (hit || !one.reach.soft)
        });
        let due = reached.filter(|one| grace.is_some_and(|grace| one.at + grace <= asked_at));
        let least = due.map(|one| one.version).max().unwrap_or(0);
        if shown.version < least {
            let grace = grace.unwrap_or(0);
            self.report(format!(
                "stale: {} of service {} at version {}, though {least} was purged over {grace} ms before the request at {asked_at} ({how})",
                shown.entity, shown.service, shown.version
            ));
        }
        if own.is_some_and(|own| shown.version < own) {
            self.report(format!(
                "not its own write: {} at version {}, though the client showed that it wrote {own:?} ({how})",
                shown.entity, shown.version
            ));
        }
    }

    /// Notes that the log has paused a service until then, by the isolates' clocks.
    pub fn note_paused(&self, service: usize, until: u64, at: u64) {
        self.paused.borrow_mut().insert(service, (until, at));
    }

    /// Notes that a pause is about to be ended.
    pub fn note_resuming(&self, service: usize) {
        self.paused.borrow_mut().remove(&service);
    }

    /// The pause of a service that was recorded by then: until when it lasts.
    pub fn paused_by(&self, service: usize, at: u64) -> Option<u64> {
        let paused = self.paused.borrow();
        paused.get(&service).filter(|(_, since)| *since <= at).map(|(until, _)| *until)
    }

    /// Notes that a write's purge is pending in an isolate.
    pub fn note_pending(&self, isolate: Group, shown: &ShownVersion, changed_at: u64) {
        self.pending.borrow_mut().push((isolate, shown.clone(), changed_at));
    }

    /// Notes that an isolate sends a purge to the outbox.
    pub fn note_put_started(&self, service: usize, isolate: Group, record: &Record, at: u64) {
        self.asked.borrow_mut().push(Put { service, isolate, record: record.clone(), at });
    }

    /// Notes that KV took a purge, and does not lose it.
    pub fn note_put_stored(&self, service: usize, isolate: Group, record: &Record, at: u64) {
        self.taken.borrow_mut().push(Put { service, isolate, record: record.clone(), at });
    }

    /// Whether an isolate sent a purge of what a write changed to the outbox.
    pub fn was_put(&self, isolate: Group, shown: &ShownVersion, changed_at: u64) -> bool {
        self.asked.borrow().iter().any(|put| put.covers(isolate, shown, changed_at))
    }

    /// Everything works from here on, so what is pending will be recorded: what KV has taken, and
    /// what an isolate that lives has in its memory.
    pub fn settle(&self, now: u64, lives: impl Fn(Group) -> bool) {
        let taken = self.taken.borrow();
        for (isolate, shown, changed_at) in self.pending.borrow().iter() {
            let put = || taken.iter().any(|put| put.covers(*isolate, shown, *changed_at));
            if lives(*isolate) || put() {
                let at = now + RECORDED_WITHIN;
                self.note_recorded(shown.service, &shown.entity, shown.version, at);
                self.note_promised(shown.clone(), *changed_at);
            }
        }
    }

    /// Notes that the log has to receive a purge of what was written.
    pub fn note_promised(&self, shown: ShownVersion, changed_at: u64) {
        self.promised.borrow_mut().push((shown, changed_at));
    }

    /// Checks that the logs have received every purge that they have to. A purge may be lost without a
    /// response that shows it.
    pub fn all_promised_are_recorded(&self, taken: impl Fn(usize) -> Vec<(u64, Record)>) {
        for (shown, changed_at) in self.promised.borrow().iter() {
            let taken = taken(shown.service);
            if !taken.iter().any(|(at, record)| at >= changed_at && purges(record, shown)) {
                self.report(format!(
                    "a purge is lost: {} of service {} at version {}, written at {changed_at}",
                    shown.entity, shown.service, shown.version
                ));
            }
        }
    }

    pub fn report(&self, what: String) {
        self.broken.borrow_mut().push(what);
    }

    pub fn violations(&self) -> Vec<String> {
        self.broken.borrow().clone()
    }
}
