//! The recording through all configurations.

use super::lane::Lane;
use super::names::name_of;
use super::report::{Report, Skipped};
use crate::cli::knowledge::Knowledge;
use crate::cli::recording::{FileFault, HostFilter, InOrder, Item, Skip, read_file};
use crate::offline::{Recorded, STORE_BYTES};
use crate::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

/// How long after the last response the world goes on, so that everything is answered.
const AFTERWARDS_MILLIS: u64 = 120_000;
/// How many hosts are listed.
const HOSTS: usize = 20;

/// A configuration to replay with.
pub(crate) struct Candidate {
    /// Its name in the report.
    pub name: String,
    /// It, as JSON, without a fault.
    pub config: Value,
}

/// A replay under way.
pub(crate) struct Session {
    candidates: Vec<Candidate>,
    lanes: Vec<Lane>,
    knowledge: Knowledge,
    hosts: HostFilter,
    entries: u64,
    replayed: u64,
    late: u64,
    skipped: BTreeMap<&'static str, (Skip, u64)>,
    other_hosts: BTreeMap<String, u64>,
    first: Option<Timestamp>,
    last: Timestamp,
    /// When the last response ended.
    last_end: Timestamp,
    has_identity: bool,
    fault: Option<String>,
    /// How many bytes each store of each world takes at most.
    pub(super) store_bytes: usize,
}

impl Session {
    /// A session with these configurations, for requests to these hosts.
    pub fn new(candidates: Vec<Candidate>, knowledge: Knowledge, hosts: &[String]) -> Self {
        Self {
            candidates,
            knowledge,
            lanes: Vec::new(),
            hosts: HostFilter::new(hosts),
            entries: 0,
            replayed: 0,
            late: 0,
            skipped: BTreeMap::new(),
            other_hosts: BTreeMap::new(),
            first: None,
            last: Timestamp::default(),
            last_end: Timestamp::default(),
            has_identity: false,
            fault: None,
            store_bytes: STORE_BYTES,
        }
    }

    /// Replays a file. If it is broken, what came before that counts.
    pub fn replay(&mut self, file: &Path, progress: &dyn Fn(u64)) -> Result<(), FileFault> {
        let mut in_order = InOrder::default();
        let mut hosts = std::mem::replace(&mut self.hosts, HostFilter::new(&[]));
        let read = read_file(file, &mut hosts, progress, &mut |item| {
            self.entries += 1;
            match item {
                Item::Recorded(recorded) => {
                    in_order.push(*recorded).into_iter().for_each(|recorded| self.send(recorded));
                }
                Item::Skipped(skip, host) => self.skip(skip, host),
            }
        });
        self.hosts = hosts;
        while let Some(recorded) = in_order.pop() {
            self.send(recorded);
        }
        if let Err(fault) = &read {
            self.fault.get_or_insert_with(|| fault.message.clone());
        }
        read
    }

    /// The result.
    pub fn finish(mut self, files: Vec<String>) -> Report {
        let end =
            Timestamp::from_millis(self.last_end.as_millis().saturating_add(AFTERWARDS_MILLIS));
        self.lanes.iter_mut().for_each(|lane| lane.finish(end));
        let skipped = self.skipped.into_values();
        Report::new(
            files,
            (self.entries, self.replayed, self.late),
            skipped.map(|(skip, count)| Skipped::new(skip, count)).collect(),
            self.other_hosts,
            self.first.map_or(0, |first| self.last.millis_since(first)),
            self.has_identity,
            self.fault,
            &self.lanes,
        )
    }

    /// How much the configurations have in memory, besides their isolates and the tables of the report.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lanes.iter().map(Lane::count).sum()
    }

    fn send(&mut self, recorded: Recorded) {
        if self.first.is_none() {
            self.first = Some(recorded.at);
            self.last = recorded.at;
            for Candidate { name, config } in &self.candidates {
                match Lane::new(
                    name.clone(),
                    config,
                    &self.knowledge,
                    recorded.at,
                    self.store_bytes,
                ) {
                    Ok(lane) => self.lanes.push(lane),
                    Err(fault) => self.fault = Some(format!("{name}: {fault}")),
                }
            }
        }
        self.late += u64::from(recorded.at < self.last);
        // The clock does not go back: an entry that comes too late is sent now.
        let at = recorded.at.max(self.last);
        let recorded = Rc::new(Recorded { at, ..recorded });
        self.last = at;
        let end = at.as_millis().saturating_add(recorded.millis);
        self.last_end = self.last_end.max(Timestamp::from_millis(end));
        self.replayed += 1;
        let headers = &recorded.request.headers;
        self.has_identity |= headers.contains("cookie") || headers.contains("authorization");
        let name = Rc::new(name_of(&recorded));
        for lane in &mut self.lanes {
            lane.send(self.replayed, &recorded, &name);
        }
    }

    fn skip(&mut self, skip: Skip, host: Option<String>) {
        self.skipped.entry(skip.as_str()).or_insert((skip, 0)).1 += 1;
        if let Some(host) = host.filter(|_| skip == Skip::OtherHost) {
            let is_listed = self.other_hosts.contains_key(&host) || self.other_hosts.len() < HOSTS;
            let host = if is_listed { host } else { "(others)".to_owned() };
            *self.other_hosts.entry(host).or_default() += 1;
        }
    }
}
