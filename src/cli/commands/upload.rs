//! `evergraph schema push` and `evergraph documents push`

use super::shown::counted;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone};
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;

pub fn schema(
    client: impl FnOnce() -> Result<Client, Failure>,
    file: &Path,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let bytes = bytes_of(file)?;
    let answer = client()?.post_bytes("schema", &bytes, "text/plain")?;
    let types = counted(&answer, "types");
    let changes = match answer.get("changed") {
        Some(Value::Array(changed)) => format!("{} changed", changed.len()),
        _ => "and there was none before".to_owned(),
    };
    done(&answer, &format!("The schema is in force: {types} types, {changes}"), output)
}

pub fn documents(
    client: impl FnOnce() -> Result<Client, Failure>,
    file: &Path,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let bytes = bytes_of(file)?;
    let answer = client()?.post_bytes("documents", &bytes, "application/json")?;
    done(&answer, &format!("{} documents are stored", counted(&answer, "documents")), output)
}

fn done(answer: &Value, message: &str, output: &Output) -> Result<ExitStatus, Failure> {
    if output.is_json {
        output.json(answer);
    } else {
        output.toned(Tone::Good, message);
    }
    Ok(ExitStatus::Success)
}

fn bytes_of(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(|_| ()),
        false => std::fs::read(file).map(|read| bytes = read),
    };
    read.map_err(|error| Failure::input(format!("{}: cannot be read: {error}", file.display())))?;
    Ok(bytes)
}
