//! The purge log as a Durable Object: one per service, its records in SQLite.
//!
//! A record is written down before its number is said. All reads are answered from memory, which
//! is made from the rows when the object starts. Rows are JSON, which an operator can read and a
//! later build can add to; what isolates send and get is binary (`purge/wire.rs`).

use super::entry::configuration;
use crate::config;
use crate::purge::{
    Appended, Delta, Log, LogTime, Mark, NewRecord, Question, Record, Said, Seq, Stored,
};
use crate::time::{Timestamp, Ttl};
use serde::Deserialize;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, SqlStorage, SqlStorageValue, State,
    durable_object,
};

/// The least time for which records are kept: REST answers without a type live as long as their
/// origin says.
const RETENTION_SECONDS: u64 = 86_400;
/// Records between two looks for what can be dropped.
const COMPACT_EVERY: u64 = 64;
/// And while nothing is recorded, the time between two.
const COMPACT_MILLIS: u64 = 3_600_000;
/// Purges that one alarm repeats before others get their turn.
const REPEATED_AT_ONCE: u32 = 1_000;

/// The object.
#[durable_object]
pub struct PurgeLog {
    state: State,
    env: Env,
    log: RefCell<Option<Log>>,
    /// Tells this object's clock from that of the one before it, which ran elsewhere.
    clock: OnceCell<u64>,
    /// When the alarm goes off, as far as this object knows: another before it may have set one.
    wakes_at: Cell<Option<u64>>,
    /// `purge.settle`.
    settle_seconds: OnceCell<u64>,
}

#[derive(Deserialize)]
struct RecordRow {
    seq: f64,
    at: f64,
    record: String,
}

#[derive(Deserialize)]
struct RepeatRow {
    id: f64,
    record: String,
}

#[derive(Deserialize)]
struct DueRow {
    due: Option<f64>,
}

#[derive(Deserialize)]
struct MetaRow {
    value: String,
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
        let question = match Question::decode(&request.bytes().await?) {
            Ok(question) => question,
            Err(garbled) => return Response::error(garbled.as_str(), 400),
        };
        let Some(new) = question.new else {
            // Before the look at the records: whoever reads this must not take it for younger.
            let time = LogTime { clock: *self.clock.get_or_init(random), at: now() };
            let delta = self.with_log(|log| Ok(since(log, question.mark)))?;
            return Response::from_bytes(Said { time, delta }.encode());
        };
        let now = now();
        let appended = self.with_log(|log| {
            let seq = self.append(log, &new.record, now)?;
            self.note_repeats(&new, now)?;
            Ok(Appended { seq, delta: since(log, question.mark) })
        })?;
        self.wake(now).await?;
        Response::from_bytes(appended.encode())
    }

    /// Repeats what is due, and drops what nobody needs.
    async fn alarm(&self) -> Result<Response> {
        self.wakes_at.set(None);
        let now = now();
        self.with_log(|log| {
            self.repeat(log, now)?;
            self.compact(log, now)
        })?;
        self.wake(now).await?;
        Response::empty()
    }
}

impl PurgeLog {
    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }

    fn with_log<T>(&self, work: impl FnOnce(&mut Log) -> Result<T>) -> Result<T> {
        let mut log = self.log.borrow_mut();
        match log.as_mut() {
            Some(log) => work(log),
            None => work(log.insert(self.restore()?)),
        }
    }

    fn append(&self, log: &mut Log, record: &Record, now: Timestamp) -> Result<Seq> {
        let text = text_of(record)?;
        let seq = log.next();
        self.sql().exec(
            "INSERT INTO records (seq, at, record) VALUES (?, ?, ?)",
            vec![integer(seq), integer(now.as_millis()), text.into()],
        )?;
        log.append(record.clone(), now);
        if seq.is_multiple_of(COMPACT_EVERY) {
            self.compact(log, now)?;
        }
        Ok(seq)
    }

    /// Writes down when a purge is to be repeated. It goes with the record: there are all or none.
    fn note_repeats(&self, new: &NewRecord, now: Timestamp) -> Result<()> {
        let configured = || config::parse(&configuration(&self.env)).ok();
        let settle = *self
            .settle_seconds
            .get_or_init(|| configured().map_or(0, |config| config.purge.settle));
        for (due, again) in new.repeats(settle, now) {
            self.sql().exec(
                "INSERT INTO repeats (due, record) VALUES (?, ?)",
                vec![integer(due.as_millis()), text_of(&again)?.into()],
            )?;
        }
        Ok(())
    }

    /// Records once more what is due. What is due several times by now is recorded once.
    fn repeat(&self, log: &mut Log, now: Timestamp) -> Result<()> {
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
                self.append(log, &parsed(&row.record)?, now)?;
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
        let compaction = records.then(|| now.as_millis() + COMPACT_MILLIS);
        let Some(next) = due.into_iter().chain(compaction).min() else { return Ok(()) };
        if self.wakes_at.get().is_some_and(|at| at <= next) {
            return Ok(());
        }
        let millis = i64::try_from(next.saturating_sub(now.as_millis())).unwrap_or(i64::MAX);
        self.state.storage().set_alarm(millis).await?;
        self.wakes_at.set(Some(next));
        Ok(())
    }

    fn compact(&self, log: &mut Log, now: Timestamp) -> Result<()> {
        let Some(floor) = log.compact(now) else { return Ok(()) };
        let sql = self.sql();
        sql.exec(
            "INSERT INTO meta (name, value) VALUES ('floor', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1",
            vec![floor.to_string().into()],
        )?;
        // Which schema is in force outlives the record that said so. Replayed over what follows,
        // it ends as it is now.
        let schemas = serde_json::to_string(&log.schemas()).unwrap_or_default();
        sql.exec(
            "INSERT INTO meta (name, value) VALUES ('schemas', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1",
            vec![schemas.into()],
        )?;
        sql.exec("DELETE FROM records WHERE seq <= ?", vec![integer(floor)])?;
        Ok(())
    }

    fn restore(&self) -> Result<Log> {
        let sql = self.sql();
        // `settling` is what versions before had in place of `repeats`.
        sql.exec(
            "CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS repeats (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, record TEXT NOT NULL);
             CREATE INDEX IF NOT EXISTS repeats_due ON repeats (due);
             CREATE TABLE IF NOT EXISTS settling (seq INTEGER PRIMARY KEY, due INTEGER NOT NULL, record TEXT NOT NULL);
             INSERT INTO repeats (due, record) SELECT due, record FROM settling;
             DELETE FROM settling;
             CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);",
            None,
        )?;
        let epoch = match self.meta("epoch")? {
            Some(epoch) => epoch,
            None => {
                // Drawn once for the log's life.
                let epoch = random();
                sql.exec(
                    "INSERT INTO meta (name, value) VALUES ('epoch', ?)",
                    vec![epoch.to_string().into()],
                )?;
                epoch
            }
        };
        let rows: Vec<RecordRow> =
            sql.exec("SELECT seq, at, record FROM records ORDER BY seq", None)?.to_array()?;
        let stored = rows.iter().map(|row| {
            Ok(Stored {
                seq: row.seq as Seq,
                at: Timestamp::from_millis(row.at as u64),
                record: parsed(&row.record)?,
            })
        });
        let stored = stored.collect::<Result<Vec<_>>>()?;
        let floor = self.meta("floor")?.unwrap_or(0);
        let schemas = self.meta_text("schemas")?.map(|text| parsed(&text)).transpose()?;
        let start = (floor, schemas.unwrap_or_default());
        Ok(Log::restore(epoch, self.retention(), start, stored))
    }

    fn meta(&self, name: &str) -> Result<Option<u64>> {
        let number = |text: String| text.parse().map_err(|_| Error::from("meta is damaged"));
        self.meta_text(name)?.map(number).transpose()
    }

    fn meta_text(&self, name: &str) -> Result<Option<String>> {
        let rows: Vec<MetaRow> = self
            .sql()
            .exec("SELECT value FROM meta WHERE name = ?", vec![name.into()])?
            .to_array()?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    fn retention(&self) -> Ttl {
        let configured = config::parse(&configuration(&self.env)).ok();
        let longest = configured.map_or(Ttl::ZERO, |config| config.longest_lifetime());
        longest.max(Ttl::from_seconds(RETENTION_SECONDS))
    }
}

fn since(log: &Log, mark: Option<Mark>) -> Delta {
    let (epoch, seq) = mark.map_or((None, 0), |mark| (Some(mark.epoch), mark.seq));
    log.since(epoch, seq)
}

/// 53 bits, as JavaScript draws them.
fn random() -> u64 {
    (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64
}

fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as u64)
}

fn text_of(record: &Record) -> Result<String> {
    serde_json::to_string(record).map_err(|error| Error::RustError(error.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::RustError(error.to_string()))
}

fn integer(number: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
