//! The purge log as a Durable Object: one per service, with its rows in SQLite.
//!
//! A record is stored before the log replies with its sequence number. All reads are served from memory,
//! which is filled from the rows when the object starts (`worker/log_rows.rs`). Records in rows are JSON,
//! which an operator can read and a later build can extend. Messages are binary (`purge/messages`).

use super::configuration::configuration;
use super::log_rows::{SqlRows, integer, parsed, text_of};
use crate::config;
use crate::limits;
use crate::purge::{
    AppendReply, Delta, IntentId, IntentReply, KvClaim, Log, LogLimits, LogRequest, LogTime, Mark,
    NewRecord, ReadReply, Record, Seq, Version,
};
use crate::time::{Timestamp, Ttl};
use serde::Deserialize;
use serde_json::json;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use worker::{
    DurableObject, Env, Request, Response, Result, SqlStorage, State, console_log, durable_object,
};

/// The minimum time for which purges are remembered. REST responses without a type live as long as the
/// origin says, which the configuration does not show.
const RETENTION_SECONDS: u64 = 86_400;
/// The time between two maintenance runs while nothing is recorded.
const MAINTENANCE_MILLIS: u64 = 3_600_000;
/// How many purges one alarm repeats before other requests get their turn.
const MAX_REPEATS_PER_ALARM: u32 = 1_000;

/// The Durable Object.
#[durable_object]
pub struct PurgeLog {
    state: State,
    env: Env,
    log: RefCell<Option<Log<SqlRows>>>,
    /// Identifies this object's clock. The object before it may have run on another machine.
    clock: OnceCell<u64>,
    /// When the alarm goes off, if this object has set it. The object before it may have set one too.
    alarm_at: Cell<Option<u64>>,
    /// `purge.settle`.
    settle_seconds: OnceCell<u64>,
}

#[derive(Deserialize)]
struct RepeatRow {
    id: f64,
    record: String,
}

#[derive(Deserialize)]
struct CountRow {
    count: f64,
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
            alarm_at: Cell::new(None),
            settle_seconds: OnceCell::new(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        // Taken before the request is read. While it is read, another object may replace this one, which
        // would still reply, but without what the other object has recorded by then.
        let time = LogTime { clock: *self.clock.get_or_init(random), at: now() };
        let message = request.bytes().await?;
        if let Ok(claim) = KvClaim::decode(&message) {
            return self.grant_kv_writes(claim);
        }
        let (log_request, version) = match LogRequest::decode(&message) {
            Ok(decoded) => decoded,
            Err(error) => return Response::error(error.as_str(), 400),
        };
        let Some(new) = log_request.new else {
            let delta = self.with_log(|log| {
                if !log_request.is_from_neighbor {
                    begin_epoch_if_behind(log, log_request.mark)?;
                }
                Ok(since(log, log_request.mark, version))
            })?;
            return Response::from_bytes(ReadReply { time, version, delta }.encode());
        };
        let now = now();
        if log_request.is_intent {
            let intent = IntentId::of(random());
            self.with_log(|_| self.note_intent(intent, &new, now))?;
            self.set_alarm(now).await?;
            return Response::from_bytes(IntentReply(intent).encode(version));
        }
        let appended = self.with_log(|log| {
            begin_epoch_if_behind(log, log_request.mark)?;
            let seq = if self.is_known_version(&new)? {
                0
            } else if new.is_empty() {
                log.head()
            } else {
                let seq = append(log, &new.record, now)?;
                self.note_repeats(&new, now)?;
                self.note_version(&new, now)?;
                seq
            };
            self.close_intents(&new)?;
            Ok(AppendReply { seq, version, delta: since(log, log_request.mark, version) })
        })?;
        self.set_alarm(now).await?;
        Response::from_bytes(appended.encode())
    }

    /// Records the repeats that are due, and does the log's maintenance.
    async fn alarm(&self) -> Result<Response> {
        self.alarm_at.set(None);
        let now = now();
        self.with_log(|log| {
            self.repeat(log, now)?;
            maintain(log, now);
            Ok(())
        })?;
        self.set_alarm(now).await?;
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

    /// Stores the repetitions of a purge, in one transaction with its record.
    fn note_repeats(&self, new: &NewRecord, now: Timestamp) -> Result<()> {
        for (due, repetition) in new.repeats(self.settle(), now) {
            self.sql().exec(
                "INSERT INTO repeats (due, record) VALUES (?, ?)",
                vec![integer(due.as_millis()), text_of(&repetition)?.into()],
            )?;
        }
        Ok(())
    }

    /// Stores when an intent is recorded unless it is closed before.
    fn note_intent(&self, intent: IntentId, new: &NewRecord, now: Timestamp) -> Result<()> {
        for (due, record) in new.intent_repeats(self.settle(), now) {
            self.sql().exec(
                "INSERT INTO repeats (due, record, intent) VALUES (?, ?, ?)",
                vec![integer(due.as_millis()), text_of(&record)?.into(), integer(intent.number())],
            )?;
        }
        Ok(())
    }

    /// Drops the intents that a record closes, in one transaction with the record.
    fn close_intents(&self, new: &NewRecord) -> Result<()> {
        for intent in &new.closes {
            let intent = vec![integer(intent.number())];
            self.sql().exec("DELETE FROM repeats WHERE intent = ?", intent)?;
        }
        Ok(())
    }

    /// Grants writes to KV. The count is on disk before the isolate gets the reply.
    fn grant_kv_writes(&self, claim: KvClaim) -> Result<Response> {
        // The log's tables have to be there.
        self.with_log(|_| Ok(()))?;
        let rows = SqlRows::new(self.sql());
        let before = rows.kv_use()?;
        let mut kv_use = before;
        let grant = kv_use.grant(claim, now());
        if kv_use != before {
            rows.put_kv_use(kv_use)?;
        }
        Response::from_bytes(grant.encode())
    }

    /// Whether the record is for a deployed version that has its record already.
    fn is_known_version(&self, new: &NewRecord) -> Result<bool> {
        let Some(id) = &new.for_version else { return Ok(false) };
        let known = "SELECT count(*) AS count FROM versions WHERE id = ?";
        let known: Vec<CountRow> = self.sql().exec(known, vec![id.as_str().into()])?.to_array()?;
        Ok(known.iter().any(|row| row.count > 0.0))
    }

    /// Remembers the deployed version that a record is for, and forgets the oldest ones.
    fn note_version(&self, new: &NewRecord, now: Timestamp) -> Result<()> {
        let Some(id) = &new.for_version else { return Ok(()) };
        let at = integer(now.as_millis());
        self.sql()
            .exec("INSERT INTO versions (id, at) VALUES (?, ?)", vec![id.as_str().into(), at])?;
        self.sql().exec(
            "DELETE FROM versions WHERE id NOT IN (SELECT id FROM versions ORDER BY at DESC LIMIT ?)",
            vec![integer(limits::VERSIONS_REMEMBERED.into())],
        )?;
        Ok(())
    }

    /// `purge.settle`.
    fn settle(&self) -> u64 {
        let configured = || config::parse(&configuration(&self.env)).ok();
        *self.settle_seconds.get_or_init(|| configured().map_or(0, |config| config.purge.settle))
    }

    /// Records the repeats that are due. Equal ones are recorded once.
    fn repeat(&self, log: &mut Log<SqlRows>, now: Timestamp) -> Result<()> {
        let due: Vec<RepeatRow> = self
            .sql()
            .exec(
                "SELECT id, record FROM repeats WHERE due <= ? ORDER BY due, id LIMIT ?",
                vec![integer(now.as_millis()), integer(MAX_REPEATS_PER_ALARM.into())],
            )?
            .to_array()?;
        let mut repeated = BTreeSet::new();
        for row in due {
            if !repeated.contains(&row.record) {
                // A row that cannot be read must not block the others.
                let repetition = parsed(&row.record).unwrap_or_else(|_| Record::everything());
                append(log, &repetition, now)?;
                repeated.insert(row.record);
            }
            self.sql().exec("DELETE FROM repeats WHERE id = ?", vec![integer(row.id as u64)])?;
        }
        Ok(())
    }

    /// Sets the alarm for what is due next, unless it goes off before.
    async fn set_alarm(&self, now: Timestamp) -> Result<()> {
        let due: Vec<DueRow> =
            self.sql().exec("SELECT min(due) AS due FROM repeats", None)?.to_array()?;
        let due = due.first().and_then(|row| row.due).map(|due| due as u64);
        let has_records = self.with_log(|log| Ok(log.head() > log.floor()))?;
        let maintenance = has_records.then(|| now.as_millis() + MAINTENANCE_MILLIS);
        let Some(next) = due.into_iter().chain(maintenance).min() else { return Ok(()) };
        if self.alarm_at.get().is_some_and(|at| at <= next) {
            return Ok(());
        }
        let millis = i64::try_from(next.saturating_sub(now.as_millis())).unwrap_or(i64::MAX);
        self.state.storage().set_alarm(millis).await?;
        self.alarm_at.set(Some(next));
        Ok(())
    }

    /// Adds the column that the table of a version without intents lacks. Such a version ignores the
    /// column.
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
            // Earlier versions had `settling` in place of `repeats`.
            "CREATE TABLE IF NOT EXISTS repeats (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, record TEXT NOT NULL);
             CREATE INDEX IF NOT EXISTS repeats_due ON repeats (due);
             CREATE TABLE IF NOT EXISTS settling (seq INTEGER PRIMARY KEY, due INTEGER NOT NULL, record TEXT NOT NULL);
             INSERT INTO repeats (due, record) SELECT due, record FROM settling;
             DELETE FROM settling;
             CREATE TABLE IF NOT EXISTS versions (id TEXT PRIMARY KEY, at INTEGER NOT NULL);",
            None,
        )?;
        self.add_intents()?;
        let mut log =
            Log::open(SqlRows::new(sql), self.retention(), LogLimits::default(), new_epoch)?;
        maintain(&mut log, now());
        Ok(log)
    }

    fn retention(&self) -> Ttl {
        let configured = config::parse(&configuration(&self.env)).ok();
        let longest = configured.map_or(Ttl::ZERO, |config| config.longest_lifetime());
        longest.max(Ttl::from_seconds(RETENTION_SECONDS))
    }
}

/// What a replica has to learn, in a form that its version knows.
fn since(log: &mut Log<SqlRows>, mark: Option<Mark>, version: Version) -> Delta {
    if version >= Version::V4 { log.since_encoded(mark, version) } else { log.since(mark) }
}

fn append(log: &mut Log<SqlRows>, record: &Record, now: Timestamp) -> Result<Seq> {
    let seq = log.append(record, now)?;
    maintain(log, now);
    Ok(seq)
}

/// A failure is only logged: the next record's maintenance does the rest, and nothing is lost.
fn maintain(log: &mut Log<SqlRows>, now: Timestamp) {
    if let Err(error) = log.maintain(now) {
        report("purge-log-rows", &error.to_string());
    }
}

fn begin_epoch_if_behind(log: &mut Log<SqlRows>, mark: Option<Mark>) -> Result<()> {
    if log.begin_epoch_if_behind(mark, new_epoch)? {
        report("purge-log-storage", "the storage was rolled back: a new epoch begins");
    }
    Ok(())
}

fn report(part: &str, fault: &str) {
    console_log!("{}", json!({ "event": "failure", "part": part, "fault": fault }));
}

/// The time in milliseconds followed by 12 random bits, so that a later epoch is higher.
fn new_epoch() -> u64 {
    now().as_millis() << 12 | random() >> 41
}

/// 53 random bits, as many as JavaScript's numbers have.
fn random() -> u64 {
    (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64
}

fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as u64)
}
