//! The purge log as a Durable Object: one per service, its records in SQLite.
//!
//! A record is written down before its number is said. All reads are answered from memory, which
//! is made from the rows when the object starts. Rows are JSON, which an operator can read and a
//! later build can add to; what isolates send and get is binary (`purge/wire.rs`).

use super::entry::configuration;
use crate::config;
use crate::purge::{Appended, Log, Question, Record, Seq, Stored};
use crate::time::{Timestamp, Ttl};
use serde::Deserialize;
use std::cell::RefCell;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, SqlStorage, SqlStorageValue, State,
    durable_object,
};

/// The least time for which records are kept: REST answers without a type live as long as their
/// origin says.
const RETENTION_SECONDS: u64 = 86_400;
/// Records between two looks for what can be dropped.
const COMPACT_EVERY: u64 = 64;

/// The object.
#[durable_object]
pub struct PurgeLog {
    state: State,
    env: Env,
    log: RefCell<Option<Log>>,
}

#[derive(Deserialize)]
struct RecordRow {
    seq: f64,
    at: f64,
    record: String,
}

#[derive(Deserialize)]
struct MetaRow {
    value: String,
}

impl DurableObject for PurgeLog {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, log: RefCell::new(None) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let question = match Question::decode(&request.bytes().await?) {
            Ok(question) => question,
            Err(garbled) => return Response::error(garbled.as_str(), 400),
        };
        let mut log = self.log.borrow_mut();
        let log = match log.as_mut() {
            Some(log) => log,
            None => log.insert(self.restore()?),
        };
        let (epoch, seq) = match question.mark {
            Some(mark) => (Some(mark.epoch), mark.seq),
            None => (None, 0),
        };
        let Some(record) = question.record else {
            return Response::from_bytes(log.since(epoch, seq).encode());
        };
        let number = self.append(log, record)?;
        Response::from_bytes(Appended { seq: number, delta: log.since(epoch, seq) }.encode())
    }
}

impl PurgeLog {
    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }

    fn append(&self, log: &mut Log, record: Record) -> Result<Seq> {
        let now = Timestamp::from_millis(js_sys::Date::now() as u64);
        let text = serde_json::to_string(&record).map_err(|e| Error::RustError(e.to_string()))?;
        let seq = log.next();
        self.sql().exec(
            "INSERT INTO records (seq, at, record) VALUES (?, ?, ?)",
            vec![integer(seq), integer(now.as_millis()), text.into()],
        )?;
        log.append(record, now);
        if seq.is_multiple_of(COMPACT_EVERY) {
            self.compact(log, now)?;
        }
        Ok(seq)
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
        sql.exec(
            "CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);",
            None,
        )?;
        let epoch = match self.meta("epoch")? {
            Some(epoch) => epoch,
            None => {
                // Drawn once for the log's life; 53 bits, as JavaScript draws them.
                let epoch = (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64;
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

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::RustError(error.to_string()))
}

fn integer(number: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
