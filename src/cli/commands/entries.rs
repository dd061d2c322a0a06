//! `evergraph entries`

use super::key_pattern::without_prefix;
use super::shown::{date, list, number, shown, text};
use crate::cli::arguments::EntriesArguments;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::words::{size, span};
use serde_json::{Value, json};

/// How many entries are asked for at once.
const PAGE: usize = 100;

pub fn run(
    client: &Client,
    arguments: &EntriesArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    match &arguments.key {
        Some(key) => show_one(client, key, arguments.body, output),
        None => show_all(client, arguments, output),
    }
}

fn show_one(
    client: &Client,
    key: &str,
    with_body: bool,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let key = ("key", key.to_owned());
    if with_body {
        output.bytes(&client.get_bytes("entries", &[key, ("body", "1".to_owned())])?);
        return Ok(ExitStatus::Success);
    }
    let entry = client.get("entries", &[key])?;
    if output.is_json {
        output.json(&entry);
        return Ok(ExitStatus::Success);
    }
    let members = entry.as_object().into_iter().flatten();
    let rows = members.map(|(name, value)| match name.as_str() {
        "stored_at" => vec![name.clone(), date(&entry, name)],
        "age" => vec![name.clone(), span(number(&entry, name) * 1_000)],
        "ttl" => vec!["lifetime".to_owned(), span(number(&entry, name) * 1_000)],
        "bytes" => vec![name.clone(), size(number(&entry, name))],
        "swr" | "sie" => vec![name.clone(), span(number(&entry, name) * 1_000)],
        _ => match value {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(shown).collect();
                vec![name.clone(), items.join("\n")]
            }
            value => vec![name.clone(), shown(value)],
        },
    });
    output.table(&[String::new(), String::new()], rows.collect());
    Ok(ExitStatus::Success)
}

fn show_all(
    client: &Client,
    arguments: &EntriesArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    without_prefix(&arguments.pattern)?;
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let limit = (arguments.limit - entries.len()).min(PAGE);
        let mut query = vec![("pattern", arguments.pattern.clone()), ("limit", limit.to_string())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = client.get("entries", &query)?;
        entries.extend_from_slice(list(&page, "entries"));
        cursor = page.get("cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() || entries.len() >= arguments.limit {
            break;
        }
    }
    entries.truncate(arguments.limit);
    if output.is_json {
        output.json(&json!({ "entries": entries, "is_complete": cursor.is_none() }));
        return Ok(ExitStatus::Success);
    }
    let header = ["key", "verdict", "age", "lifetime", "bytes", "tags"];
    let rows = entries.iter().map(|entry| {
        let tags = list(entry, "tags").len();
        let more = if entry.get("tags_complete").and_then(Value::as_bool) == Some(false) {
            "+"
        } else {
            ""
        };
        vec![
            text(entry, "key"),
            text(entry, "verdict"),
            span(number(entry, "age") * 1_000),
            span(number(entry, "ttl") * 1_000),
            size(number(entry, "bytes")),
            format!("{tags}{more}"),
        ]
    });
    output.table(&header.map(str::to_owned), rows.collect());
    if cursor.is_some() {
        output.line(&format!("There are more: --limit {}", arguments.limit * 2));
    }
    Ok(ExitStatus::Success)
}
