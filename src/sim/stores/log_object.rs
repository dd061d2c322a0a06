//! The Durable Object with a purge log: its clock, its memory, its storage, and the messages to it.

use super::failure::{damage, fault};
use super::kv_writes::KvWrites;
use crate::purge::{
    AppendReply, Delta, DeltaLimits, IntentId, IntentReply, KvClaim, KvGrant, Log, LogLimits,
    LogRequest, LogTime, Mark, MemoryRows, MessageError, NewRecord, ReadReply, Record, Seq,
    Version, VersionId,
};
use crate::service::Fault;
use crate::sim::environment::Environment;
use crate::sim::faults::Faults;
use crate::sim::random::Random;
use crate::sim::turns::Turns;
use crate::time::{Timestamp, Ttl};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// What is to be recorded later: when, what, and for which intent.
type Due = (u64, Record, Option<IntentId>);

/// The Durable Object with the log of one service.
pub struct LogObject {
    log: RefCell<Log<MemoryRows>>,
    rows: MemoryRows,
    /// What it had written down when it started last.
    older: RefCell<MemoryRows>,
    /// As long as any entry lives.
    retention: Ttl,
    /// How many milliseconds after a purge it is repeated; 0 for never.
    settle: u64,
    /// What is to be repeated, and when, in order.
    due: RefCell<Vec<Due>>,
    /// How many intents were noted.
    intents: Cell<u64>,
    /// The deployed versions that have their record.
    versions: RefCell<BTreeSet<VersionId>>,
    /// All records that it ever received, with their times. Another log begins with a purge of everything, for
    /// entries of the one before are gone.
    given: RefCell<Vec<(u64, Record)>>,
    /// It does one thing after the other.
    turns: Turns,
    /// The snapshot that it has encoded last.
    encoded: Cell<Option<Mark>>,
    /// As many tags its snapshots have at least, for what they cost.
    pub counted_tags: Cell<u64>,
    out_of_reach_until: Cell<u64>,
    clock: Cell<LogClock>,
    /// Whether it may be asked from beyond its head.
    lacks_records: Cell<bool>,
    name: u64,
    /// How often another object has taken its place.
    deployments: Cell<u64>,
    /// How often it was read.
    pub reads: Cell<u64>,
    /// The version of the code that it runs, by the messages which that reads.
    pub version: Cell<Version>,
    /// The writes to KV that it has granted, and those that were made.
    pub kv_writes: KvWrites,
}

/// The clock of the machine on which the object runs.
#[derive(Clone, Copy)]
struct LogClock {
    number: u64,
    ahead: u64,
    /// By how many millionths it is too fast.
    fast: u64,
}

impl LogClock {
    fn new(random: &Random, drift: u64) -> Self {
        let fast = if drift == 0 { 0 } else { random.between(0, 900) };
        Self { number: random.next(), ahead: random.between(0, 2 * drift), fast }
    }

    fn shows(self, now: u64) -> LogTime {
        let at = self.ahead + now + now * self.fast / 1_000_000;
        LogTime { clock: self.number, at: Timestamp::from_millis(at) }
    }
}

/// Microseconds that a question takes by itself, and nanoseconds for each tag of a snapshot: to
/// encode it, and to send what is encoded.
const QUESTION_MICROS: u64 = 300;
const ENCODED_TAG_NANOS: u64 = 170;
const SENT_TAG_NANOS: u64 = 8;
/// Tags that the network takes in a millisecond: 25 MB a second.
const TAGS_A_MILLISECOND: u64 = 2_000;
/// Bytes of memory within which a log stays.
const MEMORY_BYTES: usize = 40 << 20;

/// Where a log is to forget, so little that a run meets all limits.
fn sizes(epoch: u64, forgets: bool) -> LogLimits {
    if !forgets {
        return LogLimits::default();
    }
    let random = Random::new(epoch);
    LogLimits {
        tags: random.between(10, 60) as usize,
        page_tags: random.between(5, 20) as usize,
        delta: DeltaLimits { records: 20, tags: random.between(10, 80) as usize, patterns: 10 },
        page_cost: *random.of(&[2, 20, 1_000]),
    }
}

impl LogObject {
    pub fn new(epoch: u64, settle: u64, random: &Random, faults: &Faults, retention: Ttl) -> Self {
        let sizes = sizes(epoch, faults.log_forgets > 0);
        let rows = MemoryRows::of_log(epoch, 0);
        let log = Log::open(rows.clone(), retention, sizes, || epoch);
        Self {
            log: RefCell::new(log.unwrap()),
            older: RefCell::new(rows.copy()),
            rows,
            retention,
            settle,
            due: RefCell::default(),
            intents: Cell::new(0),
            versions: RefCell::default(),
            given: RefCell::default(),
            turns: Turns::default(),
            encoded: Cell::new(None),
            counted_tags: Cell::new(0),
            out_of_reach_until: Cell::new(0),
            clock: Cell::new(LogClock::new(random, faults.drift)),
            lacks_records: Cell::default(),
            name: epoch,
            deployments: Cell::default(),
            reads: Cell::new(0),
            version: Cell::new(Version::CURRENT),
            kv_writes: KvWrites::default(),
        }
    }

    /// Which object it is, for those who have not asked it.
    pub fn id(&self) -> String {
        format!("{:x}-{}", self.name, self.deployments.get())
    }

    /// Which log it is.
    pub fn epoch(&self) -> u64 {
        self.log.borrow().epoch()
    }

    /// Ends the object, and starts another one with what it has written down.
    pub fn restart(&self) {
        let sizes = self.log.borrow().limits();
        let rows = self.rows.clone();
        let log = Log::open(rows, self.retention, sizes, || 0);
        self.log.replace(log.unwrap());
        self.older.replace(self.rows.copy());
    }

    /// Forgets all but its last records, as it does with those that are older than any entry, and
    /// restarts.
    pub fn forget_all_but(&self, kept: usize) {
        let seqs = self.rows.seqs();
        let forgotten = seqs.len().saturating_sub(kept).checked_sub(1).map(|last| seqs[last]);
        if let Some(seq) = forgotten {
            self.log.borrow_mut().forget(seq).unwrap();
        }
        self.restart();
    }

    /// Runs a version without pages for a while, which drops all but its last records.
    pub fn run_without_pages(&self, kept: usize) {
        self.rows.drop_without_pages(kept);
        self.restart();
    }

    /// Rolls its storage back to that of its last start. No isolate shows it what it lacks.
    pub fn roll_back_unnoticed(&self) {
        self.rows.roll_back(&self.older.borrow());
        self.kv_writes.forget();
        self.restart();
        self.lacks_records.set(true);
    }

    /// Rolls its storage back. An isolate that knows more is the first to ask.
    pub fn roll_back(&self, now: u64) {
        let mark = Mark { epoch: self.epoch(), seq: self.log.borrow().head() };
        self.roll_back_unnoticed();
        self.lacks_records.set(false);
        if self.log.borrow_mut().begin_epoch_if_behind(Some(mark), || 0).unwrap() {
            self.given.borrow_mut().push((now, Record::everything()));
        }
    }

    /// Replaces it by another log, which is empty.
    pub fn replace(&self, now: u64) {
        self.deployments.set(self.deployments.get() + 1);
        self.lose_storage(now);
    }

    /// Loses its storage, while isolates know what it contained.
    pub fn lose_storage(&self, now: u64) {
        self.versions.take();
        let epoch = self.epoch() + 1;
        self.given.borrow_mut().push((now, Record::everything()));
        self.rows.roll_back(&MemoryRows::of_log(epoch, 0));
        self.kv_writes.forget();
        self.restart();
    }

    /// Until when the cache is paused: the number of `purge::Pause`.
    pub fn pause(&self) -> u64 {
        self.log.borrow().pause().number()
    }

    /// All records that it ever received, with their times.
    pub fn received(&self) -> Vec<(u64, Record)> {
        self.given.borrow().clone()
    }

    /// Puts the log out of reach; when it is back it runs on another machine.
    pub fn fail_until(&self, at: u64, random: &Random, drift: u64) {
        self.restart();
        self.out_of_reach_until.set(at);
        self.clock.set(LogClock::new(random, drift));
    }

    /// The question as it arrives at the log.
    async fn on_the_way(
        &self,
        environment: &Environment,
        question: &LogRequest,
        version: Version,
    ) -> Result<LogRequest, Fault> {
        let bytes = self.bytes_on_the_way(environment, question.encode(version)).await?;
        let known = |read: &(LogRequest, Version)| read.1 <= self.version.get();
        let read = LogRequest::decode(&bytes).and_then(|read| match known(&read) {
            true => Ok(read.0),
            false => Err(MessageError::Version),
        });
        read.map_err(refusal)
    }

    /// Bytes as they arrive at the log.
    async fn bytes_on_the_way(
        &self,
        environment: &Environment,
        mut bytes: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        environment.takes(2, 60).await;
        if environment.fails(|faults| faults.log_slow) {
            environment.takes(200, 4_000).await;
        }
        let out = environment.now() < self.out_of_reach_until.get();
        if out || environment.fails(|faults| faults.log_request) {
            return fault(environment, "the purge log").await;
        }
        if environment.fails(|faults| faults.log_damages) {
            damage(environment, &mut bytes);
        }
        self.turns.next(&environment.executor).await;
        self.append_due(environment.now());
        Ok(bytes)
    }

    /// What the log says since a mark, and after how many milliseconds it has said so.
    fn reply_since(
        &self,
        environment: &Environment,
        mark: Option<Mark>,
        version: Version,
    ) -> (Delta, u64) {
        let mut log = self.log.borrow_mut();
        let delta = match version {
            Version::V2 | Version::V3 => log.since(mark),
            _ => log.since_encoded(mark, version),
        };
        let tags = self.counted_tags.get().max(log.tags() as u64);
        let (nanos, travels) = match &delta {
            Delta::Records { .. } => (0, 0),
            Delta::EncodedSnapshot { base, .. } if self.encoded.get() == Some(base.mark()) => {
                (SENT_TAG_NANOS, tags / TAGS_A_MILLISECOND)
            }
            Delta::EncodedSnapshot { base, .. } => {
                self.encoded.set(Some(base.mark()));
                (ENCODED_TAG_NANOS + SENT_TAG_NANOS, tags / TAGS_A_MILLISECOND)
            }
            Delta::Snapshot { .. } => {
                (ENCODED_TAG_NANOS + SENT_TAG_NANOS, tags / TAGS_A_MILLISECOND)
            }
        };
        let micros = QUESTION_MICROS + tags * nanos / 1_000;
        (delta, self.turns.takes(&environment.executor, micros) + travels)
    }

    /// The answer as it arrives at the isolate.
    async fn on_the_way_back<T>(
        &self,
        environment: &Environment,
        mut bytes: Vec<u8>,
        read: fn(&[u8]) -> Result<T, MessageError>,
    ) -> Result<T, Fault> {
        environment.takes(2, 60).await;
        if environment.fails(|faults| faults.log_slow) {
            environment.takes(200, 4_000).await;
        }
        if environment.fails(|faults| faults.log_reply) {
            return fault(environment, "the purge log's answer").await;
        }
        if environment.fails(|faults| faults.log_damages) {
            damage(environment, &mut bytes);
        }
        read(&bytes).map_err(|garbled| format!("the purge log's answer: {}", garbled.as_str()))
    }

    pub async fn since(
        &self,
        environment: &Environment,
        question: &LogRequest,
        version: Version,
    ) -> Result<ReadReply, Fault> {
        let question = self.on_the_way(environment, question, version).await?;
        self.reads.set(self.reads.get() + 1);
        let time = self.clock.get().shows(environment.now());
        if !question.is_from_neighbor {
            self.meets(environment, question.mark);
        }
        let (delta, millis) = self.reply_since(environment, question.mark, version);
        environment.executor.sleep(millis).await;
        let said = ReadReply { time, version, delta };
        self.on_the_way_back(environment, said.encode(), ReadReply::decode).await
    }

    pub async fn append(
        &self,
        environment: &Environment,
        question: &LogRequest,
        version: Version,
    ) -> Result<AppendReply, Fault> {
        let question = self.on_the_way(environment, question, version).await?;
        // The log takes damaged words for none, unless somebody broke that.
        let Some(new) = question.new else { return Err("nothing to append".to_owned()) };
        self.meets(environment, question.mark);
        let mut seq = self.take(&new, environment.now());
        if environment.fails(|faults| faults.log_twice) {
            seq = self.take(&new, environment.now());
        }
        let (delta, millis) = self.reply_since(environment, question.mark, version);
        environment.executor.sleep(millis).await;
        let appended = AppendReply { seq, version, delta };
        self.on_the_way_back(environment, appended.encode(), AppendReply::decode).await
    }

    pub async fn intend(
        &self,
        environment: &Environment,
        new: &NewRecord,
        version: Version,
    ) -> Result<IntentId, Fault> {
        let question =
            LogRequest { new: Some(new.clone()), is_intent: true, ..LogRequest::default() };
        let question = self.on_the_way(environment, &question, version).await?;
        let Some(new) = question.new else { return Err("nothing to note".to_owned()) };
        let mut intent = self.note(&new, environment.now());
        if environment.fails(|faults| faults.log_twice) {
            intent = self.note(&new, environment.now());
        }
        let noted = IntentReply(intent).encode(version);
        self.on_the_way_back(environment, noted, IntentReply::decode).await.map(|noted| noted.0)
    }

    /// Grants writes to KV.
    pub async fn claim(
        &self,
        environment: &Environment,
        claim: &KvClaim,
    ) -> Result<KvGrant, Fault> {
        let bytes = self.bytes_on_the_way(environment, claim.encode()).await?;
        let claim = KvClaim::decode(&bytes).map_err(refusal)?;
        let grant = self.kv_writes.grant(claim, self.clock.get().shows(environment.now()).at);
        self.on_the_way_back(environment, grant.encode(), KvGrant::decode).await
    }

    fn note(&self, new: &NewRecord, now: u64) -> IntentId {
        self.intents.set(self.intents.get() + 1);
        let intent = IntentId::of(self.epoch() ^ self.intents.get());
        let rows = new.intent_repeats(self.settle / 1_000, Timestamp::from_millis(now));
        self.put_due(rows.map(|(at, record)| (at.as_millis(), record, Some(intent))));
        intent
    }

    /// Whether an intent is open.
    #[cfg(test)]
    pub fn intends(&self) -> bool {
        self.due.borrow().iter().any(|(_, _, intent)| intent.is_some())
    }

    fn put_due(&self, rows: impl Iterator<Item = Due>) {
        let mut due = self.due.borrow_mut();
        due.extend(rows);
        due.sort_by_key(|(at, _, _)| *at);
    }

    fn take(&self, new: &NewRecord, now: u64) -> Seq {
        if new.for_version.iter().any(|id| !self.versions.borrow_mut().insert(id.clone())) {
            return 0;
        }
        let repeats = new.repeats(self.settle / 1_000, Timestamp::from_millis(now));
        self.put_due(repeats.into_iter().map(|(at, again)| (at.as_millis(), again, None)));
        let is_closed = |due: &Due| due.2.is_some_and(|intent| new.closes.contains(&intent));
        self.due.borrow_mut().retain(|due| !is_closed(due));
        match new.is_empty() {
            true => self.log.borrow().head(),
            false => self.write_down(&new.record, now),
        }
    }

    /// Appends the repeated purges that are due. An alarm would not do otherwise: the log is not read in
    /// between.
    fn append_due(&self, now: u64) {
        let mut due = self.due.borrow_mut();
        let count = due.iter().take_while(|(at, _, _)| *at <= now).count();
        for (at, again, _) in due.drain(..count) {
            self.write_down(&again, at);
        }
    }

    /// Does what its alarm does every hour.
    pub fn run_alarm(&self, now: u64) {
        self.append_due(now);
        self.log.borrow_mut().maintain(Timestamp::from_millis(now)).unwrap();
    }

    /// When the record of that number was written down, unless it was dropped.
    pub fn written_down_at(&self, seq: Seq) -> Option<u64> {
        self.rows.written_down_at(seq).map(Timestamp::as_millis)
    }

    fn write_down(&self, record: &Record, now: u64) -> Seq {
        self.given.borrow_mut().push((now, record.clone()));
        let at = Timestamp::from_millis(now);
        let mut log = self.log.borrow_mut();
        let seq = log.append(record, at).unwrap();
        log.maintain(at).unwrap();
        assert!(log.memory_bytes() < MEMORY_BYTES, "the log takes too much memory");
        seq
    }

    /// No isolate knows more than its log, unless the log's storage was rolled back.
    fn meets(&self, environment: &Environment, mark: Option<Mark>) {
        let new_epoch = self.log.borrow_mut().begin_epoch_if_behind(mark, || 0).unwrap();
        if new_epoch && !self.lacks_records.replace(false) {
            environment.laws.report(format!("the log knows less than an isolate: {mark:?}"));
        }
    }
}

fn refusal(error: MessageError) -> Fault {
    format!("the purge log answered 400: {}", error.as_str())
}
