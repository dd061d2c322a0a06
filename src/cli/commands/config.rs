//! `evergraph config check` and `evergraph config show`

use crate::cli::arguments::GlobalArguments;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone};
use crate::cli::settings::config_files;
use crate::config_file;
use serde_json::json;

pub fn check(global: &GlobalArguments, output: &Output) -> Result<ExitStatus, Failure> {
    let files = config_files(global)?;
    let faults = config_file::read_files(&files, None).err().unwrap_or_default();
    if output.is_json {
        output.json(&json!({ "files": files, "faults": faults }));
    } else if faults.is_empty() {
        output.toned(Tone::Good, &format!("{}: no fault", files.join(", ")));
    } else {
        faults.iter().for_each(|fault| output.line(fault));
    }
    Ok(if faults.is_empty() { ExitStatus::Success } else { ExitStatus::Negative })
}

pub fn show(client: &Client, output: &Output) -> Result<ExitStatus, Failure> {
    output.json(&client.get("config", &[])?);
    Ok(ExitStatus::Success)
}
