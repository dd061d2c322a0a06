//! Edge caches, KV and the purge log's object, in memory, with their faults.

use super::random::Random;
use super::turns::Turns;
use super::universe::{Faults, Universe};
use crate::purge::{
    AppendReply, Delta, DeltaLimits, IntentId, IntentReply, Log, LogLimits, LogRequest, LogTime,
    Mark, MemoryRows, MessageError, NewRecord, ReadReply, Record, Seq, Version,
};
use crate::service::Fault;
use crate::time::{Timestamp, Ttl};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Longer than anybody waits.
const FOR_EVER: u64 = 120_000;

/// The edge cache of one place.
#[derive(Default)]
pub struct Edge {
    entries: RefCell<BTreeMap<String, (u64, Vec<u8>)>>,
}

impl Edge {
    pub async fn get(&self, universe: &Universe, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        universe.takes(0, 3).await;
        if universe.fails(|faults| faults.edge) {
            return fault(universe, "the edge cache").await;
        }
        if universe.fails(|faults| faults.edge_evicts) {
            self.entries.borrow_mut().remove(key);
        }
        let entries = self.entries.borrow();
        Ok(entries.get(key).filter(|(until, _)| universe.now() < *until).map(|(_, v)| v.clone()))
    }

    pub async fn put(
        &self,
        universe: &Universe,
        key: &str,
        value: &[u8],
        seconds: u64,
    ) -> Result<(), Fault> {
        universe.takes(0, 5).await;
        if universe.fails(|faults| faults.edge) {
            return fault(universe, "the edge cache").await;
        }
        let until = universe.now() + seconds * 1_000;
        self.entries.borrow_mut().insert(key.to_owned(), (until, value.to_vec()));
        Ok(())
    }
}

/// Fails at once, or after longer than anybody waits.
async fn fault<T>(universe: &Universe, part: &str) -> Result<T, Fault> {
    if universe.random.happens(500) {
        universe.takes(FOR_EVER, FOR_EVER).await;
    }
    Err(format!("{part} failed"))
}

/// Makes something else of bytes.
fn damage(universe: &Universe, bytes: &mut Vec<u8>) {
    let at = universe.random.below(bytes.len() as u64) as usize;
    match universe.random.below(3) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << universe.random.below(8),
        _ => bytes.clear(),
    }
}

/// KV: each place sees a write when it does, in whatever order.
pub struct Kv {
    places: Vec<RefCell<BTreeMap<String, Seen>>>,
}

/// A value with its end, or that there is none.
type Value = Option<(u64, Vec<u8>)>;

/// What a place sees of a key, now and later.
#[derive(Default)]
struct Seen {
    value: Value,
    /// When it sees what.
    later: Vec<(u64, Value)>,
}

impl Seen {
    fn at(&mut self, now: u64) -> Option<&Vec<u8>> {
        self.later.sort_by_key(|(at, _)| *at);
        while self.later.first().is_some_and(|(at, _)| *at <= now) {
            self.value = self.later.remove(0).1;
        }
        self.value.as_ref().filter(|(until, _)| now < *until).map(|(_, value)| value)
    }
}

impl Kv {
    pub fn new(places: usize) -> Self {
        Self { places: (0..places).map(|_| RefCell::default()).collect() }
    }

    pub async fn get(
        &self,
        universe: &Universe,
        place: usize,
        key: &str,
    ) -> Result<Option<Vec<u8>>, Fault> {
        universe.takes(1, 20).await;
        if universe.fails(|faults| faults.kv_slow) {
            universe.takes(100, 5_000).await;
        }
        if universe.fails(|faults| faults.kv) {
            return fault(universe, "KV").await;
        }
        let now = universe.now();
        let mut seen = self.places[place].borrow_mut();
        let Some(seen) = seen.get_mut(key) else { return Ok(None) };
        let mut value = seen.at(now).cloned();
        if let Some(value) = value.as_mut().filter(|_| universe.fails(|faults| faults.kv_damages)) {
            damage(universe, value);
        }
        Ok(value)
    }

    /// Whether the value is there now: what is lost is taken all the same.
    pub async fn put(
        &self,
        universe: &Universe,
        place: usize,
        key: &str,
        value: &[u8],
        seconds: u64,
    ) -> Result<bool, Fault> {
        let value = Some((universe.now() + seconds * 1_000, value.to_vec()));
        self.change(universe, place, key, value).await
    }

    pub async fn delete(
        &self,
        universe: &Universe,
        place: usize,
        key: &str,
    ) -> Result<bool, Fault> {
        self.change(universe, place, key, None).await
    }

    /// The keys that a place sees.
    pub async fn list(
        &self,
        universe: &Universe,
        place: usize,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<String>, Fault> {
        universe.takes(5, 50).await;
        if universe.fails(|faults| faults.kv) {
            return fault(universe, "KV").await;
        }
        let now = universe.now();
        let mut seen = self.places[place].borrow_mut();
        let there = seen.iter_mut().filter_map(|(key, seen)| {
            let there = key.starts_with(prefix) && seen.at(now).is_some();
            (there && !universe.fails(|faults| faults.kv_hides)).then(|| key.clone())
        });
        Ok(there.take(limit).collect())
    }

    async fn change(
        &self,
        universe: &Universe,
        place: usize,
        key: &str,
        value: Value,
    ) -> Result<bool, Fault> {
        universe.takes(5, 50).await;
        if universe.fails(|faults| faults.kv) {
            return fault(universe, "KV").await;
        }
        if universe.fails(|faults| faults.kv_loses) {
            return Ok(false);
        }
        let now = universe.now();
        let lag = universe.faults.get().kv_lag;
        let late_here = lag > 0 && universe.fails(|faults| faults.kv_late_here);
        for (n, seen) in self.places.iter().enumerate() {
            let late = n != place || late_here;
            let lag = if late { universe.random.between(0, lag) } else { 0 };
            let mut seen = seen.borrow_mut();
            let seen = seen.entry(key.to_owned()).or_default();
            seen.later.push((now + lag, value.clone()));
        }
        Ok(true)
    }
}

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
    /// All that it was ever given, with when. Another log begins with a purge of everything, for
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
fn limits(epoch: u64, forgets: bool) -> LogLimits {
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
        let limits = limits(epoch, faults.log_forgets > 0);
        let rows = MemoryRows::of_log(epoch, 0);
        let log = Log::open(rows.clone(), retention, limits, || epoch);
        Self {
            log: RefCell::new(log.unwrap()),
            older: RefCell::new(rows.copy()),
            rows,
            retention,
            settle,
            due: RefCell::default(),
            intents: Cell::new(0),
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

    /// The object ends, and another starts with what it has written down.
    pub fn starts_again(&self) {
        let limits = self.log.borrow().limits();
        let rows = self.rows.clone();
        let log = Log::open(rows, self.retention, limits, || 0);
        self.log.replace(log.unwrap());
        self.older.replace(self.rows.copy());
    }

    /// Forgets all but its last records, as it does with those that are older than any entry, and
    /// starts again.
    pub fn forgets(&self, kept: usize) {
        let seqs = self.rows.seqs();
        let forgotten = seqs.len().saturating_sub(kept).checked_sub(1).map(|last| seqs[last]);
        if let Some(seq) = forgotten {
            self.log.borrow_mut().forget(seq).unwrap();
        }
        self.starts_again();
    }

    /// A version without pages runs for a while, which drops all but its last records.
    pub fn runs_without_pages(&self, kept: usize) {
        self.rows.drop_without_pages(kept);
        self.starts_again();
    }

    /// Its storage is that of its last start, and nobody tells it what it lacks.
    pub fn is_rolled_back_unnoticed(&self) {
        self.rows.roll_back(&self.older.borrow());
        self.starts_again();
        self.lacks_records.set(true);
    }

    /// Its storage is an older one than what was told, and an isolate that knows more asks first.
    pub fn is_rolled_back(&self, now: u64) {
        let mark = Mark { epoch: self.epoch(), seq: self.log.borrow().head() };
        self.is_rolled_back_unnoticed();
        self.lacks_records.set(false);
        if self.log.borrow_mut().begin_epoch_if_behind(Some(mark), || 0).unwrap() {
            self.given.borrow_mut().push((now, Record::everything()));
        }
    }

    /// Another log takes its place, which knows nothing.
    pub fn is_replaced(&self, now: u64) {
        self.deployments.set(self.deployments.get() + 1);
        self.loses_storage(now);
    }

    /// It begins as if it had never been there, while isolates know what it said before.
    pub fn loses_storage(&self, now: u64) {
        let epoch = self.epoch() + 1;
        self.given.borrow_mut().push((now, Record::everything()));
        self.rows.roll_back(&MemoryRows::of_log(epoch, 0));
        self.starts_again();
    }

    /// All that it was ever given, with when.
    pub fn given(&self) -> Vec<(u64, Record)> {
        self.given.borrow().clone()
    }

    /// Puts the log out of reach; when it is back it runs on another machine.
    pub fn fails_until(&self, at: u64, random: &Random, drift: u64) {
        self.starts_again();
        self.out_of_reach_until.set(at);
        self.clock.set(LogClock::new(random, drift));
    }

    /// The question as it arrives at the log.
    async fn on_the_way(
        &self,
        universe: &Universe,
        question: &LogRequest,
        version: Version,
    ) -> Result<LogRequest, Fault> {
        universe.takes(2, 60).await;
        if universe.fails(|faults| faults.log_slow) {
            universe.takes(200, 4_000).await;
        }
        let out = universe.now() < self.out_of_reach_until.get();
        if out || universe.fails(|faults| faults.log_request) {
            return fault(universe, "the purge log").await;
        }
        let mut bytes = question.encode(version);
        if universe.fails(|faults| faults.log_damages) {
            damage(universe, &mut bytes);
        }
        self.turns.next(&universe.executor).await;
        self.repeat(universe.now());
        let known = |read: &(LogRequest, Version)| read.1 <= self.version.get();
        let read = LogRequest::decode(&bytes).and_then(|read| match known(&read) {
            true => Ok(read.0),
            false => Err(MessageError::Version),
        });
        read.map_err(|garbled| format!("the purge log answered 400: {}", garbled.as_str()))
    }

    /// What the log says since a mark, and after how many milliseconds it has said so.
    fn says(&self, universe: &Universe, mark: Option<Mark>, version: Version) -> (Delta, u64) {
        let mut log = self.log.borrow_mut();
        let delta = match version {
            Version::CURRENT => log.since_encoded(mark),
            _ => log.since(mark),
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
        (delta, self.turns.takes(&universe.executor, micros) + travels)
    }

    /// The answer as it arrives at the isolate.
    async fn on_the_way_back<T>(
        &self,
        universe: &Universe,
        mut bytes: Vec<u8>,
        read: fn(&[u8]) -> Result<T, MessageError>,
    ) -> Result<T, Fault> {
        universe.takes(2, 60).await;
        if universe.fails(|faults| faults.log_slow) {
            universe.takes(200, 4_000).await;
        }
        if universe.fails(|faults| faults.log_reply) {
            return fault(universe, "the purge log's answer").await;
        }
        if universe.fails(|faults| faults.log_damages) {
            damage(universe, &mut bytes);
        }
        read(&bytes).map_err(|garbled| format!("the purge log's answer: {}", garbled.as_str()))
    }

    pub async fn since(
        &self,
        universe: &Universe,
        question: &LogRequest,
        version: Version,
    ) -> Result<ReadReply, Fault> {
        let question = self.on_the_way(universe, question, version).await?;
        self.reads.set(self.reads.get() + 1);
        let time = self.clock.get().shows(universe.now());
        if !question.is_from_neighbor {
            self.meets(universe, question.mark);
        }
        let (delta, millis) = self.says(universe, question.mark, version);
        universe.executor.sleep(millis).await;
        let said = ReadReply { time, delta };
        self.on_the_way_back(universe, said.encode(version), ReadReply::decode).await
    }

    pub async fn append(
        &self,
        universe: &Universe,
        question: &LogRequest,
        version: Version,
    ) -> Result<AppendReply, Fault> {
        let question = self.on_the_way(universe, question, version).await?;
        // The log takes damaged words for none, unless somebody broke that.
        let Some(new) = question.new else { return Err("nothing to append".to_owned()) };
        self.meets(universe, question.mark);
        let mut seq = self.take(&new, universe.now());
        if universe.fails(|faults| faults.log_twice) {
            seq = self.take(&new, universe.now());
        }
        let (delta, millis) = self.says(universe, question.mark, version);
        universe.executor.sleep(millis).await;
        let appended = AppendReply { seq, delta };
        self.on_the_way_back(universe, appended.encode(version), AppendReply::decode).await
    }

    pub async fn intend(&self, universe: &Universe, new: &NewRecord) -> Result<IntentId, Fault> {
        let question =
            LogRequest { new: Some(new.clone()), is_intent: true, ..LogRequest::default() };
        let question = self.on_the_way(universe, &question, Version::CURRENT).await?;
        let Some(new) = question.new else { return Err("nothing to note".to_owned()) };
        let mut intent = self.note(&new, universe.now());
        if universe.fails(|faults| faults.log_twice) {
            intent = self.note(&new, universe.now());
        }
        let noted = IntentReply(intent).encode(Version::CURRENT);
        self.on_the_way_back(universe, noted, IntentReply::decode).await.map(|noted| noted.0)
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
        let repeats = new.repeats(self.settle / 1_000, Timestamp::from_millis(now));
        self.put_due(repeats.into_iter().map(|(at, again)| (at.as_millis(), again, None)));
        let is_closed = |due: &Due| due.2.is_some_and(|intent| new.closes.contains(&intent));
        self.due.borrow_mut().retain(|due| !is_closed(due));
        match new.is_empty() {
            true => self.log.borrow().head(),
            false => self.write_down(&new.record, now),
        }
    }

    /// Records once more what is due: as an alarm would, since nobody sees the log in between.
    fn repeat(&self, now: u64) {
        let mut due = self.due.borrow_mut();
        let count = due.iter().take_while(|(at, _, _)| *at <= now).count();
        for (at, again, _) in due.drain(..count) {
            self.write_down(&again, at);
        }
    }

    /// Does what its alarm does once an hour.
    pub fn tends(&self, now: u64) {
        self.repeat(now);
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
    fn meets(&self, universe: &Universe, mark: Option<Mark>) {
        let anew = self.log.borrow_mut().begin_epoch_if_behind(mark, || 0).unwrap();
        if anew && !self.lacks_records.replace(false) {
            universe.laws.broken(format!("the log knows less than an isolate: {mark:?}"));
        }
    }
}
