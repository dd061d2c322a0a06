//! The statistics of a service as a Durable Object, with its rows in SQLite. What it does with a message is in
//! `statistics/book.rs`, and how messages about alerts are sent in `webhook.rs`.

use super::configuration::configuration;
use super::log_rows::integer;
use super::webhook::Webhook;
use crate::alerts::AlertRules;
use crate::config::{self, Alerts, Config};
use crate::statistics::{Alarm, Book, BookFault, Rows, Table};
use crate::time::Timestamp;
use serde_json::json;
use std::cell::{OnceCell, RefCell};
use worker::{
    DurableObject, Env, Error, Request, Response, Result, SqlStorage, SqlStorageValue, State,
    console_log, durable_object,
};

/// The Durable Object.
#[durable_object]
pub struct Statistics {
    state: State,
    env: Env,
    book: RefCell<Option<Book<SqlRows>>>,
    webhook: OnceCell<Option<Webhook>>,
    alarm: Alarm,
}

/// Rows of text in SQLite.
struct SqlRows(SqlStorage);

impl DurableObject for Statistics {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            book: RefCell::new(None),
            webhook: OnceCell::new(),
            alarm: Alarm::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let message = request.text().await?;
        let now = now();
        let handled = self.with_book(|book| -> std::result::Result<_, BookFault<Error>> {
            let reply = book.handle(&message, now)?;
            Ok((reply, book.message_due()?))
        })?;
        match handled {
            Ok((reply, due)) => {
                self.set_alarm(due, now).await?;
                Response::ok(reply)
            }
            Err(BookFault::Message(fault)) => Response::error(fault.as_str(), 400),
            Err(BookFault::Storage(fault)) => {
                let fault = fault.to_string();
                report("statistics-rows", &fault);
                Response::error(fault, 500)
            }
        }
    }

    /// Sends the messages to the webhook that are due.
    async fn alarm(&self) -> Result<Response> {
        self.alarm.went_off();
        if self.config().is_none() && self.webhook().is_none() {
            // The configuration has faults, so nobody knows where to send. The messages wait: the next report
            // of an isolate sets the alarm.
            return Response::empty();
        }
        while let Some(attempt) = self.with_book(|book| book.begin_message(now()))?? {
            let accepted = match self.webhook() {
                Some(webhook) => webhook.send(&attempt.message).await,
                // The address was removed since.
                None => true,
            };
            if accepted {
                self.with_book(|book| book.message_accepted(attempt.number))??;
            }
        }
        let due = self.with_book(|book| book.message_due())??;
        self.set_alarm(due, now()).await?;
        Response::empty()
    }
}

impl Statistics {
    fn with_book<T>(&self, work: impl FnOnce(&mut Book<SqlRows>) -> T) -> Result<T> {
        let mut book = self.book.borrow_mut();
        match book.as_mut() {
            Some(book) => Ok(work(book)),
            None => Ok(work(book.insert(self.open()?))),
        }
    }

    fn open(&self) -> Result<Book<SqlRows>> {
        let book = Book::new(SqlRows::open(self.state.storage().sql())?);
        let Some(Config { service, alerts, .. }) = self.config() else { return Ok(book) };
        let webhook = self.webhook().as_ref().map(|webhook| webhook.url().to_owned());
        Ok(book.with_alerts(AlertRules { service, config: Alerts { webhook, ..alerts } }))
    }

    fn webhook(&self) -> &Option<Webhook> {
        let alerts = || self.config().map_or_else(Alerts::default, |config| config.alerts);
        self.webhook.get_or_init(|| Webhook::of(&self.env, &alerts()))
    }

    /// The configuration, if it has no faults.
    fn config(&self) -> Option<Config> {
        config::parse(&configuration(&self.env)).ok()
    }

    async fn set_alarm(&self, due: Option<Timestamp>, now: Timestamp) -> Result<()> {
        let Some(due) = due else { return Ok(()) };
        let millis = i64::try_from(due.millis_since(now)).unwrap_or(i64::MAX);
        self.alarm.set(due, async || self.state.storage().set_alarm(millis).await).await
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(js_sys::Date::now() as u64)
}

fn report(part: &str, fault: &str) {
    console_log!("{}", json!({ "event": "failure", "part": part, "fault": fault }));
}

impl SqlRows {
    fn open(sql: SqlStorage) -> Result<Self> {
        for table in Table::ALL {
            let name = table.as_str();
            let create = "(number INTEGER PRIMARY KEY, content TEXT NOT NULL)";
            sql.exec(&format!("CREATE TABLE IF NOT EXISTS {name} {create}"), None)?;
        }
        Ok(Self(sql))
    }
}

impl Rows for SqlRows {
    type Fault = Error;

    fn get(&self, table: Table, number: u64) -> Result<Option<String>> {
        let mut found = None;
        self.each(table, (number, number), &mut |_, text| found = Some(text.to_owned()))?;
        Ok(found)
    }

    fn put(&self, table: Table, number: u64, text: &str) -> Result<()> {
        let name = table.as_str();
        let query = format!(
            "INSERT INTO {name} (number, content) VALUES (?1, ?2) ON CONFLICT (number) DO UPDATE SET content = ?2"
        );
        self.0.exec(&query, vec![integer(number), text.into()])?;
        Ok(())
    }

    fn each(
        &self,
        table: Table,
        (first, last): (u64, u64),
        visit: &mut dyn FnMut(u64, &str),
    ) -> Result<()> {
        let name = table.as_str();
        let query = format!(
            "SELECT number, content FROM {name} WHERE number BETWEEN ? AND ? ORDER BY number"
        );
        let rows = self.0.exec(&query, vec![integer(first), integer(last)])?;
        for row in rows.raw() {
            let mut row = row?.into_iter();
            if let (Some(SqlStorageValue::Integer(number)), Some(SqlStorageValue::String(text))) =
                (row.next(), row.next())
            {
                visit(u64::try_from(number).unwrap_or(0), &text);
            }
        }
        Ok(())
    }

    fn delete_below(&self, table: Table, number: u64) -> Result<()> {
        let query = format!("DELETE FROM {} WHERE number < ?", table.as_str());
        self.0.exec(&query, vec![integer(number)])?;
        Ok(())
    }
}
