//! The purge log as a Durable Object: one per service, its records in SQLite.
//!
//! A record is written down before its number is said. All reads are answered from memory, which
//! is made from the rows when the object starts (`worker/log_rows.rs`). Records in rows are JSON, which
//! an operator can read and a later build can add to; what isolates send and get is binary
//! (`purge/wire.rs`).

use super::exports::configuration;
use super::log_rows::{SqlRows, integer, parsed, text_of};
use crate::config;
use crate::purge::{
    AppendReply, Delta, IntentId, IntentReply, Log, LogRequest, LogTime, Mark, NewRecord,
    ReadReply, Record, Seq, Sizes, Version,
};
use crate::time::{Timestamp, Ttl};
use serde::Deserialize;
use serde_json::json;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use worker::{
    DurableObject, Env, Request, Response, Result, SqlStorage, State, console_log, durable_object,
};

/// The least time for which records are kept: REST answers without a type live as long as their
/// origin says.
const RETENTION_SECONDS: u64 = 86_400;
/// While nothing is recorded, the time between two looks for what can be forgotten.
const TEND_MILLIS: u64 = 3_600_000;
/// Purges that one alarm repeats before others get their turn.
const REPEATED_AT_ONCE: u32 = 1_000;

/// The object.
#[durable_object]
pub struct PurgeLog {
    state: State,
    env: Env,
    log: RefCell<Option<Log<SqlRows>>>,
    /// Tells this object's clock from that of the one before it, which ran elsewhere.
    clock: OnceCell<u64>,
    /// When the alarm goes off, as far as this object knows: another before it may have set one.
    wakes_at: Cell<Option<u64>>,
    /// `purge.settle`.
    settle_seconds: OnceCell<u64>,
}

#[derive(Deserialize)]
struct RepeatRow {
    id: f64,
    record: String,
}

#[derive(Deserialize)]
struct TableRow {
    sql: String,
}

#[derive(Deserialize)]
struct DueRow {
    due: Option<f64>,
}

impl DurableObject for PurgeLog {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            log: RefCell::new(None),
            clock: OnceCell::new(),
            wakes_at: Cell::new(None),
            settle_seconds: OnceCell::new(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        // Before the question is read: another object may take this one's place meanwhile, and this
        // one would answer all the same, without what the other has recorded by then.
        let time = LogTime { clock: *self.clock.get_or_init(random), at: now() };
        let (question, version) = match LogRequest::decode(&request.bytes().await?) {
            Ok(question) => question,
            Err(garbled) => return Response::error(garbled.as_str(), 400),
        };
        let Some(new) = question.new else {
            let delta = self.with_log(|log| {
                if !question.is_neighbours {
                    meet(log, question.mark)?;
                }
                Ok(since(log, question.mark, version))
            })?;
            return Response::from_bytes(ReadReply { time, delta }.encode(version));
        };
        let now = now();
        if question.is_intent {
            let intent = IntentId::of(random());
            self.with_log(|_| self.note_intent(intent, &new, now))?;
            self.wake(now).await?;
            return Response::from_bytes(IntentReply(intent).encode(version));
        }
        let appended = self.with_log(|log| {
            meet(log, question.mark)?;
            let seq = if new.is_empty() { log.head() } else { append(log, &new.record, now)? };
            self.note_repeats(&new, now)?;
            self.close_intents(&new)?;
            Ok(AppendReply { seq, delta: since(log, question.mark, version) })
        })?;
        self.wake(now).await?;
        Response::from_bytes(appended.encode(version))
    }

    /// Repeats what is due, and forgets what nobody needs.
    async fn alarm(&self) -> Result<Response> {
        self.wakes_at.set(None);
        let now = now();
        self.with_log(|log| {
            self.repeat(log, now)?;
            tend(log, now);
            Ok(())
        })?;
        self.wake(now).await?;
        Response::empty()
    }
}

impl PurgeLog {
    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }

    fn with_log<T>(&self, work: impl FnOnce(&mut Log<SqlRows>) -> Result<T>) -> Result<T> {
        let mut log = self.log.borrow_mut();
        match log.as_mut() {
            Some(log) => work(log),
            None => work(log.insert(self.open()?)),
        }
    }

    /// Writes down when a purge is to be repeated. It goes with the record: there are all or none.
    fn note_repeats(&self, new: &NewRecord, now: Timestamp) -> Result<()> {
        for (due, again) in new.repeats(self.settle(), now) {
            self.sql().exec(
                "INSERT INTO repeats (due, record) VALUES (?, ?)",
                vec![integer(due.as_millis()), text_of(&again)?.into()],
            )?;
        }
        Ok(())
    }

    /// Writes down when an intent is to be recorded, unless it is closed.
    fn note_intent(&self, intent: IntentId, new: &NewRecord, now: Timestamp) -> Result<()> {
        for (due, record) in new.recorded_unless_closed(self.settle(), now) {
            self.sql().exec(
                "INSERT INTO repeats (due, record, intent) VALUES (?, ?, ?)",
                vec![integer(due.as_millis()), text_of(&record)?.into(), integer(intent.number())],
            )?;
        }
        Ok(())
    }

    /// Drops the intents that a record closes. It goes with the record.
    fn close_intents(&self, new: &NewRecord) -> Result<()> {
        for intent in &new.closes {
            let intent = vec![integer(intent.number())];
            self.sql().exec("DELETE FROM repeats WHERE intent = ?", intent)?;
        }
        Ok(())
    }

    /// `purge.settle`.
    fn settle(&self) -> u64 {
        let configured = || config::parse(&configuration(&self.env)).ok();
        *self.settle_seconds.get_or_init(|| configured().map_or(0, |config| config.purge.settle))
    }

    /// Records once more what is due. What is due several times by now is recorded once.
    fn repeat(&self, log: &mut Log<SqlRows>, now: Timestamp) -> Result<()> {
        let due: Vec<RepeatRow> = self
            .sql()
            .exec(
                "SELECT id, record FROM repeats WHERE due <= ? ORDER BY due, id LIMIT ?",
                vec![integer(now.as_millis()), integer(REPEATED_AT_ONCE.into())],
            )?
            .to_array()?;
        let mut repeated = BTreeSet::new();
        for row in due {
            if !repeated.contains(&row.record) {
                // A row that cannot be read must not hold up those behind it.
                let again = parsed(&row.record).unwrap_or_else(|_| Record::everything());
                append(log, &again, now)?;
                repeated.insert(row.record);
            }
            self.sql().exec("DELETE FROM repeats WHERE id = ?", vec![integer(row.id as u64)])?;
        }
        Ok(())
    }

    /// Sets the alarm for what is due next, unless it goes off by then.
    async fn wake(&self, now: Timestamp) -> Result<()> {
        let due: Vec<DueRow> =
            self.sql().exec("SELECT min(due) AS due FROM repeats", None)?.to_array()?;
        let due = due.first().and_then(|row| row.due).map(|due| due as u64);
        let records = self.with_log(|log| Ok(log.head() > log.floor()))?;
        let tending = records.then(|| now.as_millis() + TEND_MILLIS);
        let Some(next) = due.into_iter().chain(tending).min() else { return Ok(()) };
        if self.wakes_at.get().is_some_and(|at| at <= next) {
            return Ok(());
        }
        let millis = i64::try_from(next.saturating_sub(now.as_millis())).unwrap_or(i64::MAX);
        self.state.storage().set_alarm(millis).await?;
        self.wakes_at.set(Some(next));
        Ok(())
    }

    /// Adds what a table of a version before intents lacks. Such a version goes on with the table
    /// as it is then.
    fn add_intents(&self) -> Result<()> {
        let columns: Vec<TableRow> = self
            .sql()
            .exec("SELECT sql FROM sqlite_master WHERE name = 'repeats'", None)?
            .to_array()?;
        if !columns.iter().any(|table| table.sql.contains("intent")) {
            self.sql().exec("ALTER TABLE repeats ADD COLUMN intent INTEGER", None)?;
        }
        self.sql().exec(
            "CREATE INDEX IF NOT EXISTS repeats_intent ON repeats (intent) WHERE intent IS NOT NULL",
            None,
        )?;
        Ok(())
    }

    fn open(&self) -> Result<Log<SqlRows>> {
        let sql = self.sql();
        sql.exec(
            // `settling` is what versions before had in place of `repeats`.
            "CREATE TABLE IF NOT EXISTS repeats (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, record TEXT NOT NULL);
             CREATE INDEX IF NOT EXISTS repeats_due ON repeats (due);
             CREATE TABLE IF NOT EXISTS settling (seq INTEGER PRIMARY KEY, due INTEGER NOT NULL, record TEXT NOT NULL);
             INSERT INTO repeats (due, record) SELECT due, record FROM settling;
             DELETE FROM settling;",
            None,
        )?;
        self.add_intents()?;
        let mut log = Log::open(SqlRows::new(sql), self.retention(), Sizes::default(), new_epoch)?;
        tend(&mut log, now());
        Ok(log)
    }

    fn retention(&self) -> Ttl {
        let configured = config::parse(&configuration(&self.env)).ok();
        let longest = configured.map_or(Ttl::ZERO, |config| config.longest_lifetime());
        longest.max(Ttl::from_seconds(RETENTION_SECONDS))
    }
}

/// What a replica has to learn, as far as its version understands it.
fn since(log: &mut Log<SqlRows>, mark: Option<Mark>, version: Version) -> Delta {
    if version >= Version::V4 { log.since_or_base(mark) } else { log.since(mark) }
}

fn append(log: &mut Log<SqlRows>, record: &Record, now: Timestamp) -> Result<Seq> {
    let seq = log.append(record, now)?;
    tend(log, now);
    Ok(seq)
}

/// What fails of this is due again with the next record, and nothing is lost meanwhile.
fn tend(log: &mut Log<SqlRows>, now: Timestamp) {
    if let Err(error) = log.tend(now) {
        report("purge-log-rows", &error.to_string());
    }
}

fn meet(log: &mut Log<SqlRows>, mark: Option<Mark>) -> Result<()> {
    if log.meet(mark, new_epoch)? {
        report("purge-log-storage", "it is older than what was told: the log has begun anew");
    }
    Ok(())
}

fn report(part: &str, fault: &str) {
    console_log!("{}", json!({ "event": "failure", "part": part, "fault": fault }));
}

/// Milliseconds, and 12 bits of chance: the epoch of a later log is higher.
fn new_epoch() -> u64 {
    now().as_millis() << 12 | random() >> 41
}

/// 53 bits, as JavaScript draws them.
fn random() -> u64 {
    (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64
}

fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as u64)
}
