//! `evergraph audit`

use super::shown::{date, list, text};
use crate::cli::arguments::AuditArguments;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

pub fn run(
    client: &Client,
    arguments: &AuditArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let audit = client.get("audit", &[("limit", arguments.limit.to_string())])?;
    if output.is_json {
        output.json(&audit);
        return Ok(ExitStatus::Success);
    }
    let rows = list(&audit, "changes").iter().map(|change| {
        let mut row = vec![date(change, "at")];
        row.extend(
            ["token", "role", "address", "route", "status", "detail"]
                .map(|name| text(change, name)),
        );
        row
    });
    let header = ["at (UTC)", "token", "role", "address", "route", "status", "detail"];
    output.table(&header.map(str::to_owned), rows.collect());
    Ok(ExitStatus::Success)
}
