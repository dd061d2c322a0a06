//! `evergraph replay`

use crate::cli::arguments::{GlobalArguments, ReplayArguments};
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::knowledge::Knowledge;
use crate::cli::output::Output;
use crate::cli::recording::total_bytes;
use crate::cli::replay::{Candidate, Report, Session, show};
use crate::cli::settings::config_files;
use crate::cli::words::counted;
use crate::config_file;

const BAR: &str = "{bar:30} {bytes}/{total_bytes} {eta} left";

pub fn run(
    global: &GlobalArguments,
    arguments: &ReplayArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let mut session =
        Session::new(candidates(global)?, Knowledge::read(&arguments.knowledge)?, &arguments.host);
    let bar = output.progress(total_bytes(&arguments.files), BAR);
    let mut fault = None;
    for file in &arguments.files {
        if let Err(broken) = session.replay(file, &|bytes| bar.inc(bytes)) {
            fault = Some(broken.message);
            break;
        }
    }
    bar.finish_and_clear();
    let report =
        session.finish(arguments.files.iter().map(|file| file.display().to_string()).collect());
    if output.is_json {
        output.json(&report);
    } else {
        show(&report, output);
    }
    let fault = fault.or_else(|| report.fault.clone());
    // What was read before the fault is shown first.
    if let Some(message) = fault {
        return match output.is_json {
            true => {
                output.error(&message);
                Ok(ExitStatus::InvalidInput)
            }
            false => Err(Failure::input(message)),
        };
    }
    let shortfalls = shortfalls(&report, arguments);
    shortfalls.iter().for_each(|line| output.error(line));
    Ok(if shortfalls.is_empty() { ExitStatus::Success } else { ExitStatus::Negative })
}

/// Each `--config` with the environment's file over it.
fn candidates(global: &GlobalArguments) -> Result<Vec<Candidate>, Failure> {
    let each = |config: Vec<std::path::PathBuf>| {
        let one = GlobalArguments {
            url: None,
            token: None,
            json: false,
            color: global.color,
            config,
            env: global.env.clone(),
        };
        let files = config_files(&one)?;
        let config = config_file::read_files(&files, None)
            .map_err(|faults| Failure::input(faults.join("\n")))?;
        Ok(Candidate { name: files.join(" + "), config })
    };
    match global.config.as_slice() {
        [] => Ok(vec![each(Vec::new())?]),
        files => files.iter().map(|file| each(vec![file.clone()])).collect(),
    }
}

/// What was required and is not so, a line each.
fn shortfalls(report: &Report, arguments: &ReplayArguments) -> Vec<String> {
    let mut lines = Vec::new();
    let is_required = arguments.require_fresh || arguments.require_hit_rate.is_some();
    if report.replayed == 0 && is_required {
        lines.push("nothing was replayed, so nothing is proved".to_owned());
    }
    for one in &report.configurations {
        // With several configurations, the line says which.
        let which = match report.configurations.len() {
            1 => String::new(),
            _ => format!(" with {}", one.config),
        };
        let hit_rate = one.all.counters.hit_rate;
        if let Some(least) = arguments.require_hit_rate.filter(|least| hit_rate < *least) {
            lines.push(format!("--require-hit-rate {least}: the hit rate is {hit_rate}{which}"));
        }
        let stale: u64 = one.stale_answers.iter().map(|answers| answers.count).sum();
        if arguments.require_fresh && stale > 0 {
            lines.push(format!("--require-fresh: {}{which}", counted(stale, "stale answer")));
        }
    }
    lines
}
