//! The purge log's rows in a Durable Object's SQLite.
//!
//! The tables `records` and `meta` are the same as in versions without pages: records up to `floor`
//! were dropped. So such a version can read what this one writes, and the other way round.
//!
//! Calls of `exec` without an `await` between them are one transaction, and the response to a request is
//! sent only after its writes are on disk
//! (<https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/>). If a later one of
//! several calls fails, the earlier ones have dropped state, never added any.

use crate::purge::{KvUse, LogMeta, LogRows, Pause, Record, Schemas, Seq, StoredRecord};
use crate::time::Timestamp;
use serde::Deserialize;
use worker::{Error, Result, SqlStorage, SqlStorageValue};

/// The rows of one log.
pub struct SqlRows {
    sql: SqlStorage,
}

#[derive(Deserialize)]
struct MetaRow {
    value: String,
}

impl SqlRows {
    pub fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    /// How many values were written to KV today. A row that cannot be read counts as none.
    pub fn kv_use(&self) -> Result<KvUse> {
        let text = self.meta("kv_use")?;
        Ok(text.and_then(|text| KvUse::from_text(&text)).unwrap_or_default())
    }

    pub fn put_kv_use(&self, kv_use: KvUse) -> Result<()> {
        self.put_meta("kv_use", kv_use.to_text())
    }

    fn meta(&self, name: &str) -> Result<Option<String>> {
        let rows: Vec<MetaRow> = self
            .sql
            .exec("SELECT value FROM meta WHERE name = ?", vec![name.into()])?
            .to_array()?;
        Ok(rows.into_iter().next().map(|row| row.value))
    }

    fn meta_number(&self, name: &str) -> Result<Option<u64>> {
        let number = |text: String| text.parse().map_err(|_| Error::from("meta is damaged"));
        self.meta(name)?.map(number).transpose()
    }

    fn put_meta(&self, name: &str, value: String) -> Result<()> {
        self.sql.exec(
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            vec![name.into(), value.into()],
        )?;
        Ok(())
    }
}

impl LogRows for SqlRows {
    type Fault = Error;

    fn open(&self) -> Result<LogMeta> {
        self.sql.exec(
            "CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS pages (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);",
            None,
        )?;
        let schemas = self.meta("schemas")?.map(|text| parsed(&text)).transpose()?;
        let pause = self.meta("pause")?.map(|text| parsed(&text)).transpose()?;
        Ok(LogMeta {
            epoch: self.meta_number("epoch")?,
            dropped: self.meta_number("floor")?.unwrap_or(0),
            schemas: schemas.unwrap_or_default(),
            pause: pause.unwrap_or_default(),
        })
    }

    fn page(&self, number: usize) -> Result<Option<Vec<u8>>> {
        let number = integer(u64::try_from(number).unwrap_or(u64::MAX));
        let rows = self.sql.exec("SELECT content FROM pages WHERE number = ?", vec![number])?;
        match rows.raw().next().transpose()?.and_then(|row| row.into_iter().next()) {
            Some(SqlStorageValue::Blob(content)) => Ok(Some(content)),
            _ => Ok(None),
        }
    }

    fn each_record(&self, after: Seq, visit: &mut dyn FnMut(StoredRecord)) -> Result<()> {
        // The cursor reads each row only when it is needed.
        let rows = self.sql.exec(
            "SELECT seq, at, record FROM records WHERE seq > ? ORDER BY seq",
            vec![integer(after)],
        )?;
        for row in rows.raw() {
            let mut row = row?.into_iter();
            let (seq, at) = (number(row.next())?, number(row.next())?);
            let record = match row.next() {
                Some(SqlStorageValue::String(text)) => parsed(&text).ok(),
                _ => None,
            };
            let record = record.unwrap_or_else(Record::everything);
            visit(StoredRecord { seq, at: Timestamp::from_millis(at), record });
        }
        Ok(())
    }

    fn put_record(&self, seq: Seq, at: Timestamp, record: &Record) -> Result<()> {
        self.sql.exec(
            "INSERT INTO records (seq, at, record) VALUES (?, ?, ?)",
            vec![integer(seq), integer(at.as_millis()), text_of(record)?.into()],
        )?;
        Ok(())
    }

    fn put_page(&self, number: usize, page: &[u8]) -> Result<()> {
        let number = integer(u64::try_from(number).unwrap_or(u64::MAX));
        self.sql.exec(
            "INSERT INTO pages (number, content) VALUES (?1, ?2) ON CONFLICT (number) DO UPDATE SET content = ?2",
            vec![number, page.to_vec().into()],
        )?;
        Ok(())
    }

    fn drop_records(&self, up_to: Seq, schemas: Schemas, pause: Pause) -> Result<()> {
        // The schema in force and the pause outlive the records that say so.
        self.put_meta("pause", text_of(&pause)?)?;
        self.put_meta("schemas", text_of(&schemas)?)?;
        self.put_meta("floor", up_to.to_string())?;
        self.sql.exec("DELETE FROM records WHERE seq <= ?", vec![integer(up_to)])?;
        Ok(())
    }

    fn begin(&self, epoch: u64, head: Seq) -> Result<()> {
        self.put_meta("epoch", epoch.to_string())?;
        self.put_meta("floor", head.to_string())?;
        self.put_meta("schemas", text_of(&Schemas::default())?)?;
        self.put_meta("pause", text_of(&Pause::NONE)?)?;
        self.sql.exec("DELETE FROM pages; DELETE FROM records;", None)?;
        Ok(())
    }
}

/// A number as an integer of SQLite.
pub fn integer(number: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn number(value: Option<SqlStorageValue>) -> Result<u64> {
    match value {
        Some(SqlStorageValue::Integer(number)) => u64::try_from(number).ok(),
        _ => None,
    }
    .ok_or_else(|| Error::from("a row is damaged"))
}

/// A value as JSON for a row.
pub fn text_of<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::RustError(error.to_string()))
}

/// The value in a row's JSON.
pub fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_slice(text.as_bytes()).map_err(|error| Error::RustError(error.to_string()))
}
