//! `evergraph health`

use super::shown::{date, list, shown, text};
use crate::cli::arguments::HealthArguments;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone, tone_of};
use serde_json::Value;

pub fn run(
    client: &Client,
    arguments: &HealthArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let health = client.get_even_if_down("health")?;
    let state = text(&health, "state");
    let fires = |alert: &&Value| alert.get("state").and_then(Value::as_str) == Some("firing");
    let is_firing = list(&health, "alerts").iter().any(|alert| fires(&alert));
    let is_bad = state == "DOWN" || (arguments.strict && (state != "HEALTHY" || is_firing));
    if output.is_json {
        output.json(&health);
    } else {
        show(&health, &state, output);
    }
    Ok(if is_bad { ExitStatus::Negative } else { ExitStatus::Success })
}

fn show(health: &Value, state: &str, output: &Output) {
    output.toned(tone_of(state).unwrap_or(Tone::Strong), state);
    if let Some(paused) = health.get("paused").filter(|paused| paused.is_object()) {
        let until = match date(paused, "until") {
            end if end.is_empty() => "until `evergraph resume`".to_owned(),
            end => format!("until {end} UTC"),
        };
        output.toned(Tone::Warning, &format!("Paused {until}: every request passes through"));
    }
    let deployment = health.get("deployment").unwrap_or(&Value::Null);
    for position in list(deployment, "unusable_admin_tokens") {
        let entry = shown(position);
        output.toned(Tone::Warning, &format!("ADMIN_TOKENS: entry {entry} opens nothing"));
    }
    if let Some(parts) = health.get("parts").and_then(Value::as_object) {
        let rows = parts.iter().map(|(name, part)| {
            // Earlier Workers have the state alone.
            let state = if part.is_object() { text(part, "state") } else { shown(part) };
            vec![name.clone(), state, text(part, "reason")]
        });
        output.table(&["part", "state", "reason"].map(str::to_owned), rows.collect());
    }
    let alerts: Vec<Vec<String>> = list(health, "alerts")
        .iter()
        .map(|alert| {
            ["alert", "state", "value", "threshold"].map(|name| text(alert, name)).to_vec()
        })
        .collect();
    if !alerts.is_empty() {
        output.table(&["alert", "state", "value", "threshold"].map(str::to_owned), alerts);
    }
}
