//! `evergraph pause` and `evergraph resume`

use super::shown::{counted, date};
use crate::cli::arguments::PauseArguments;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone};
use serde_json::json;

pub fn pause(
    client: &Client,
    arguments: &PauseArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let body = arguments.duration.map_or(json!({}), |duration| json!({ "seconds": duration.0 }));
    let answer = client.post("pause", &body)?;
    if output.is_json {
        output.json(&answer);
        return Ok(ExitStatus::Success);
    }
    let until = match date(&answer, "until") {
        end if end.is_empty() => "until `evergraph resume`".to_owned(),
        end => format!("until {end} UTC"),
    };
    let seq = counted(&answer, "seq");
    output.toned(
        Tone::Warning,
        &format!("Paused {until}, as purge {seq}: every request passes through within max_lag"),
    );
    Ok(ExitStatus::Success)
}

pub fn resume(client: &Client, output: &Output) -> Result<ExitStatus, Failure> {
    let answer = client.post("resume", &json!({}))?;
    if output.is_json {
        output.json(&answer);
    } else {
        output.toned(Tone::Good, &format!("Resumed, as purge {}", counted(&answer, "seq")));
    }
    Ok(ExitStatus::Success)
}
