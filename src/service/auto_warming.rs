//! Warming by itself, after a deploy or a purge of everything.
//!
//! It goes on in the background of requests that come anyway, and of the cron trigger: a few reads at a time,
//! by the isolate that has the lease from the statistics object. An isolate without a lease does nothing but
//! notice occasions.
//!
//! In scope: when an isolate asks the object, and the parts. Not in scope: who gets the lease
//! (`statistics/leases.rs`), and how a read is warmed (`warming.rs`).

use super::purges::Purges;
use super::report::report_warming;
use super::runtime::Runtime;
use super::stats_reports::StatsReports;
use super::warming::{FAILURES, Warmer};
use crate::admin::{WarmBudget, WarmOutcome, WarmRequest, warm_request};
use crate::config::Warm;
use crate::http::Url;
use crate::statistics::{
    LEASE_MILLIS, Occasions, PopularRequest, WarmAsk, WarmLease, WarmProgress, WarmReply,
    wait_after_failures,
};
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How many reads a part has at most. Each takes up to six calls, and the request in whose background it runs
/// has its own: 50 are allowed.
const PART: u64 = 4;
/// How many reads of a part run at once.
const AT_ONCE: usize = 2;
/// How long a part may take. The runtime lets work go on for so long after a response.
const PART_MILLIS: u64 = 30_000;
/// The longest time by which isolates differ in when they ask.
const DRAW_MILLIS: u64 = 5_000;

/// Warms the cache by itself.
pub struct AutoWarming {
    settings: Warm,
    purges: Purges,
    reports: Rc<StatsReports>,
    warmer: Rc<Warmer>,
    occasions: RefCell<Occasions>,
    held: RefCell<Option<Run>>,
    /// Whether it is known which version this is.
    has_version: Cell<bool>,
    /// Since when a part is under way.
    under_way: Cell<Option<Timestamp>>,
    /// How many calls to the object have failed in a row.
    failures: Cell<u32>,
}

/// A lease of this isolate.
struct Run {
    lease: WarmLease,
    site: Url,
    /// When the object was asked last.
    since: Timestamp,
    /// When the next part may begin.
    next_at: Timestamp,
    /// How many reads have failed in a row.
    failures: u32,
}

impl AutoWarming {
    /// Warming as configured. `None` if nothing is an occasion.
    pub fn new(
        settings: &Warm,
        purges: &Purges,
        reports: &Rc<StatsReports>,
        warmer: &Rc<Warmer>,
    ) -> Option<Rc<Self>> {
        settings.is_automatic().then(|| {
            Rc::new(Self {
                settings: settings.clone(),
                purges: purges.clone(),
                reports: reports.clone(),
                warmer: warmer.clone(),
                occasions: RefCell::default(),
                held: RefCell::default(),
                has_version: Cell::default(),
                under_way: Cell::default(),
                failures: Cell::default(),
            })
        })
    }

    /// Goes on in the background of a read of this URL, if there is something to do.
    pub fn go_on<R: Runtime>(self: &Rc<Self>, runtime: &R, url: &Url) {
        if self.is_due(runtime) {
            let (this, background, site) = (self.clone(), runtime.clone(), url.origin());
            runtime.spawn(async move { this.do_part(&background, Some(site)).await });
        }
    }

    /// Goes on now. For the cron trigger.
    pub async fn tend<R: Runtime>(&self, runtime: &R) {
        if self.is_due(runtime) {
            self.do_part(runtime, None).await;
        }
    }

    /// Whether there is an occasion that the statistics object does not know yet.
    pub fn has_pending(&self) -> bool {
        self.occasions.borrow().has_pending()
    }

    /// Notices occasions. Whether there is something to do.
    fn is_due<R: Runtime>(&self, runtime: &R) -> bool {
        let now = runtime.now();
        let is_new = self.settings.on.deploy && !self.has_version.replace(true);
        let is_deploy = is_new && runtime.version_id().is_some();
        let draw = runtime.isolate_number() % DRAW_MILLIS;
        self.occasions.borrow_mut().see(is_deploy, self.everything(), draw, now);
        let is_under_way = self.under_way.get().is_some_and(|at| now.is_within(PART_MILLIS, at));
        let has_turn = match &*self.held.borrow() {
            Some(held) if held.is_live(now) => now >= held.next_at,
            // The lease has ended, or is about to: this isolate may still be told to go on.
            Some(_) => true,
            // A part that began and never ended was cut off by the runtime, with the lease.
            None => self.under_way.get().is_some() || self.occasions.borrow().is_due(now),
        };
        has_turn
            && !is_under_way
            && !self.purges.view.is_paused(now)
            && self.reports.uses_object(runtime)
    }

    /// The last purge of everything, if that is an occasion.
    fn everything(&self) -> Option<(u64, u64)> {
        let last = self.purges.view.last_of_everything().filter(|_| self.settings.on.purge_all)?;
        Some((last.epoch, last.seq))
    }

    /// Warms a part and tells the object. Without a lease it asks for one first.
    async fn do_part<R: Runtime>(&self, runtime: &R, site: Option<String>) {
        self.under_way.set(Some(runtime.now()));
        let live = self.held.take().filter(|held| held.is_live(runtime.now()));
        let held = match live {
            Some(held) => Some(held),
            None => self.ask(runtime, site.clone(), None).await.and_then(Run::new),
        };
        if let Some(mut held) = held {
            let progress = self.warm(runtime, &mut held).await;
            let next = match self.ask(runtime, site, Some(progress)).await {
                Some((lease, since)) if lease.requests.is_empty() => {
                    (held.lease.number, held.lease.cursor, held.since) =
                        (lease.number, lease.cursor, since);
                    Some(held)
                }
                // Another run has begun, with a list of its own.
                Some(other) => Run::new(other),
                None => None,
            };
            self.held.replace(next);
        }
        self.under_way.set(None);
    }

    /// Asks the object. Returns the lease, and when the question was sent.
    async fn ask<R: Runtime>(
        &self,
        runtime: &R,
        site: Option<String>,
        progress: Option<WarmProgress>,
    ) -> Option<(WarmLease, Timestamp)> {
        let version = runtime.version_id().filter(|_| self.settings.on.deploy);
        let ask = WarmAsk {
            version: version.map(|version| version.as_str().to_owned()),
            everything: self.everything(),
            site,
            top: self.settings.top,
            progress,
        };
        let since = runtime.now();
        // What is noticed during the call is asked later.
        self.occasions.borrow_mut().note_asked();
        let reply = self.reports.warm(runtime, ask).await;
        let now = runtime.now();
        let millis = match reply {
            Some(WarmReply::Go(lease)) => {
                self.failures.set(0);
                return Some((lease, since));
            }
            Some(WarmReply::Nothing) => {
                self.failures.set(0);
                return None;
            }
            Some(WarmReply::Wait(millis)) => {
                self.failures.set(0);
                millis
            }
            None => {
                self.failures.set(self.failures.get().saturating_add(1));
                self.occasions.borrow_mut().note_unanswered();
                wait_after_failures(self.failures.get())
            }
        };
        self.occasions.borrow_mut().wait(millis, now);
        None
    }

    /// Warms the next reads of the list.
    async fn warm<R: Runtime>(&self, runtime: &R, held: &mut Run) -> WarmProgress {
        let began = runtime.now();
        let per_minute = self.settings.requests_per_minute.max(1);
        let size = (per_minute / 15).clamp(1, PART);
        held.next_at = after(began, size * 60_000 / per_minute);
        let WarmLease { number, cursor, requests, .. } = &held.lease;
        let rest = requests.get(*cursor..).unwrap_or_default();
        let part: Vec<&PopularRequest> =
            rest.iter().take(usize::try_from(size).unwrap_or(1)).collect();
        let reads: Vec<Option<WarmRequest>> =
            part.iter().map(|one| readable(&held.site, one)).collect();
        let are_readable: Vec<bool> = reads.iter().map(Option::is_some).collect();
        let reads = reads.into_iter().flatten().collect();
        let report = self.warmer.warm(runtime, reads, AT_ONCE, WarmBudget::default()).await;
        let mut failures = held.failures;
        for result in &report.results {
            match result.outcome {
                WarmOutcome::Failed => failures += 1,
                WarmOutcome::Warmed => failures = 0,
                WarmOutcome::AlreadyFresh | WarmOutcome::Skipped => {}
            }
        }
        let is_failing = failures >= FAILURES;
        held.failures = if is_failing { 0 } else { failures };
        // Those at which the origin failed are tried again.
        let is_failed = |outcome| outcome == WarmOutcome::Failed;
        let failed_last =
            report.results.iter().rev().take_while(|one| is_failed(one.outcome)).count();
        let again = if is_failing { failed_last } else { 0 };
        let done = places_done(&are_readable, report.results.len().saturating_sub(again));
        // What was skipped because the cache is paused is for later. A list without a rest was lost, or is
        // shorter than the object believes: then nothing is left to do.
        let is_paused = self.purges.view.is_paused(runtime.now());
        let cursor = match part.is_empty() {
            true => usize::MAX,
            false => cursor + if is_paused { 0 } else { done },
        };
        report_warming(runtime, &report, (cursor.min(requests.len()), requests.len()));
        WarmProgress { lease: *number, cursor, is_failing }
    }
}

impl Run {
    /// `None` if the site cannot be read.
    fn new((lease, since): (WarmLease, Timestamp)) -> Option<Self> {
        let site = Url::parse(&lease.site)?;
        Some(Self { lease, site, since, next_at: since, failures: 0 })
    }

    /// Whether a part can be done before the lease ends.
    fn is_live(&self, now: Timestamp) -> bool {
        now.is_within(LEASE_MILLIS - PART_MILLIS, self.since)
    }
}

/// How many places of a part are done, if so many of its readable reads are. One that cannot be read is done
/// once all before it are.
fn places_done(are_readable: &[bool], reads: usize) -> usize {
    let mut left = reads;
    let is_done = |is_readable: &&bool| {
        let is_done = !**is_readable || left > 0;
        left = left.saturating_sub(usize::from(**is_readable));
        is_done
    };
    are_readable.iter().take_while(is_done).count()
}

fn readable(site: &Url, one: &PopularRequest) -> Option<WarmRequest> {
    warm_request(site, (&one.method, &one.url), &one.headers, one.body.as_deref())
}

fn after(at: Timestamp, millis: u64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

#[cfg(test)]
mod tests;
