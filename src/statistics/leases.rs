//! Which isolate warms the cache by itself, after what, and how far it is, as the statistics object knows it.
//!
//! An **occasion** is a new version of the Worker, or a purge of everything. Isolates tell the object which
//! ones they know. The first that asks after a new occasion gets a **lease**: it alone warms, and says after
//! each part how far it is. If it says nothing for so long that the lease ends, the next one that asks goes
//! on from there. Occasions that come while the cache is warmed, or soon after, are one more run together.
//!
//! In scope: the decision. Not in scope: what is warmed (`popular.rs`), and how (`service`).

use super::popular::PopularRequest;
use crate::record::{Read, Reader, members};
use crate::time::Timestamp;
use serde::Serialize;

/// How long a lease lasts after the holder's last message.
pub const LEASE_MILLIS: u64 = 120_000;
/// The least time between the beginnings of two runs.
pub const RUNS_APART_MILLIS: u64 = 300_000;
/// How far apart those ask again who were told to wait, so that seldom two ask at once.
const WAITS_APART_MILLIS: u64 = 15_000;
/// The longest wait.
const LONGEST_WAIT_MILLIS: u64 = 900_000;
/// The pause after the origin has failed; each further failure of the run doubles it.
const PAUSE_MILLIS: u64 = 60_000;
/// After so many pauses a run ends.
const PAUSES: u32 = 5;
/// After so long a run ends, however far it is.
const RUN_MILLIS: u64 = 6 * 3_600_000;
/// How many versions are remembered.
const VERSIONS: usize = 20;

/// A purge of everything: epoch of the log, and sequence number. A later one is greater.
pub type PurgeOfEverything = (u64, u64);

/// What an isolate knows, and what it has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct WarmAsk {
    /// The version of the Worker, if a deploy is an occasion.
    pub version: Option<String>,
    /// The last purge of everything, if that is an occasion.
    pub everything: Option<PurgeOfEverything>,
    /// Scheme and host of the requests that this isolate gets.
    pub site: Option<String>,
    /// How many reads are warmed in a run.
    pub top: usize,
    /// How far the isolate is that has the lease.
    pub progress: Option<WarmProgress>,
}

members!(WarmAsk { version, everything, site, top, progress });

/// How far the isolate is that has the lease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct WarmProgress {
    /// The number of the lease.
    pub lease: u64,
    /// How many reads of the list are done.
    pub cursor: usize,
    /// The origin has failed several times in a row.
    pub is_failing: bool,
}

members!(WarmProgress { lease, cursor, is_failing });

/// What the object says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarmReply {
    /// Nothing is to be warmed until the next occasion.
    Nothing,
    /// The isolate may ask again in so many milliseconds.
    Wait(u64),
    /// The isolate has the lease.
    Go(WarmLease),
}

impl Read for WarmReply {
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        if from.take("\"nothing\"") {
            return Some(Self::Nothing);
        }
        let mut reply = None;
        from.object(&mut |name, from| {
            reply = Some(match name {
                "wait" => Self::Wait(Read::read(from)?),
                "go" => Self::Go(Read::read(from)?),
                _ => return None,
            });
            Some(())
        })?;
        reply
    }
}

/// A lease.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub struct WarmLease {
    /// Its number. No two have the same.
    pub number: u64,
    /// How many reads of the list are done.
    pub cursor: usize,
    /// Scheme and host of the reads.
    pub site: String,
    /// The list, when the lease begins. Empty if the isolate has it.
    pub requests: Vec<PopularRequest>,
}

members!(WarmLease { number, cursor, site, requests });

/// How far warming is, for `GET health`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WarmRun {
    /// How many reads of the list are done.
    pub done: usize,
    /// How many there are. 0: the run has not begun.
    pub total: usize,
}

members!(WarmRun { done, total });

/// What is to be done with an isolate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// It gets this reply.
    Reply(WarmReply),
    /// It gets this lease, with the list that was stored when the run began.
    Resume(WarmLease),
    /// A run is due, for this site: then [`Leases::begin`].
    Begin(String),
}

/// A run through the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
struct Run {
    began: u64,
    site: String,
    total: usize,
    cursor: usize,
    /// The last lease and its holder.
    lease: u64,
    holder: u64,
    /// The holder's last message. `None`: it has given the lease back.
    renewed: Option<u64>,
    /// When the last pause began, and how many there were.
    paused: u64,
    pauses: u32,
}

members!(Run { began, site, total, cursor, lease, holder, renewed, paused, pauses });

/// What the object knows of occasions and of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(default)]
pub(super) struct Leases {
    /// The last versions that had a request.
    versions: Vec<String>,
    everything: Option<PurgeOfEverything>,
    /// There was an occasion since the last run began.
    is_wanted: bool,
    /// When the last run began.
    began: Option<u64>,
    leases: u64,
    run: Option<Run>,
    /// How many isolates were told to wait since the last lease began.
    waiting: u64,
}

members!(Leases { versions, everything, is_wanted, began, leases, run, waiting });

impl Leases {
    /// Notes what an isolate says, and decides what it does next.
    pub fn next(&mut self, isolate: u64, ask: &WarmAsk, now: Timestamp) -> Next {
        self.note_occasions(ask);
        self.note_progress(isolate, ask.progress, now);
        // What it fetched could be from before the purge.
        let is_behind = ask.everything.is_some() && ask.everything < self.everything;
        if let Some(run) = &mut self.run {
            let wait = run.wait(now);
            let has_lease =
                ask.progress.is_some_and(|progress| run.is_held(isolate, progress.lease));
            if has_lease && wait > 0 {
                return Next::Reply(WarmReply::Go(run.lease(Vec::new())));
            }
            if wait > 0 || is_behind {
                return self.wait(wait);
            }
            self.leases += 1;
            (run.lease, run.holder, run.renewed) = (self.leases, isolate, Some(now.as_millis()));
            let lease = run.lease(Vec::new());
            self.waiting = 0;
            return Next::Resume(lease);
        }
        if !self.is_wanted {
            return Next::Reply(WarmReply::Nothing);
        }
        let wait = self.began.map_or(0, |began| left(RUNS_APART_MILLIS, began, now));
        match &ask.site {
            Some(site) if wait == 0 && !is_behind => Next::Begin(site.clone()),
            _ => self.wait(wait),
        }
    }

    /// Begins a run through this list.
    pub fn begin(
        &mut self,
        isolate: u64,
        site: String,
        requests: Vec<PopularRequest>,
        now: Timestamp,
    ) -> WarmReply {
        let now = now.as_millis();
        (self.is_wanted, self.began, self.waiting) = (false, Some(now), 0);
        if requests.is_empty() {
            return WarmReply::Nothing;
        }
        self.leases += 1;
        let run = Run {
            began: now,
            site,
            total: requests.len(),
            lease: self.leases,
            holder: isolate,
            renewed: Some(now),
            ..Run::default()
        };
        let lease = run.lease(requests);
        self.run = Some(run);
        WarmReply::Go(lease)
    }

    /// The run that goes on, or one that is to begin.
    pub fn run(&self, now: Timestamp) -> Option<WarmRun> {
        match self.run.as_ref().filter(|run| !run.is_over(now)) {
            Some(run) => Some(WarmRun { done: run.cursor, total: run.total }),
            None => self.is_wanted.then(WarmRun::default),
        }
    }

    fn note_occasions(&mut self, ask: &WarmAsk) {
        if let Some(version) = &ask.version
            && !self.versions.contains(version)
        {
            let excess = (self.versions.len() + 1).saturating_sub(VERSIONS);
            self.versions.drain(..excess);
            self.versions.push(version.clone());
            self.is_wanted = true;
        }
        if ask.everything > self.everything {
            // A log that is new has purged nothing. One that has lost its storage has purged everything.
            let is_first = self.everything.is_none();
            self.is_wanted |= !is_first || ask.everything.is_some_and(|(_, seq)| seq > 0);
            self.everything = ask.everything;
        }
    }

    fn note_progress(&mut self, isolate: u64, progress: Option<WarmProgress>, now: Timestamp) {
        let Some(run) = &mut self.run else { return };
        let now_millis = now.as_millis();
        if let Some(progress) = progress
            && run.is_held(isolate, progress.lease)
        {
            run.cursor = run.cursor.max(progress.cursor);
            run.renewed = Some(now_millis).filter(|_| !progress.is_failing);
            if progress.is_failing {
                run.pauses += 1;
                run.paused = now_millis;
            }
        }
        if run.is_over(now) {
            self.run = None;
        }
    }

    /// Tells an isolate to ask again, in `millis` at the earliest.
    fn wait(&mut self, millis: u64) -> Next {
        self.waiting += 1;
        let wait = millis + WAITS_APART_MILLIS * self.waiting;
        Next::Reply(WarmReply::Wait(wait.min(LONGEST_WAIT_MILLIS)))
    }
}

impl Run {
    /// Whether nothing of it is left to do, or it has taken too long.
    fn is_over(&self, now: Timestamp) -> bool {
        let age = now.millis_since(Timestamp::from_millis(self.began));
        self.cursor >= self.total || self.pauses > PAUSES || age >= RUN_MILLIS
    }

    /// In how many milliseconds another isolate may have the lease.
    fn wait(&self, now: Timestamp) -> u64 {
        let pause = PAUSE_MILLIS << self.pauses.saturating_sub(1).min(PAUSES);
        match self.renewed {
            Some(renewed) => left(LEASE_MILLIS, renewed, now),
            None => left(pause, self.paused, now),
        }
    }

    fn is_held(&self, isolate: u64, lease: u64) -> bool {
        self.holder == isolate && self.lease == lease && self.renewed.is_some()
    }

    fn lease(&self, requests: Vec<PopularRequest>) -> WarmLease {
        WarmLease { number: self.lease, cursor: self.cursor, site: self.site.clone(), requests }
    }
}

/// How many of `millis` are left that began at `since`. None if the clock was set back.
fn left(millis: u64, since: u64, now: Timestamp) -> u64 {
    let since = Timestamp::from_millis(since);
    let is_within = now.is_within(millis, since);
    if is_within { millis.saturating_sub(now.millis_since(since)) } else { 0 }
}

#[cfg(test)]
mod tests;
