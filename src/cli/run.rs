//! From arguments to an exit status.

use super::arguments::{Arguments, Command, ConfigCommand, GlobalArguments, UploadCommand};
use super::client::Client;
use super::commands;
use super::exit_status::ExitStatus;
use super::failure::Failure;
use super::output::{ColorChoice, Output};
use clap::{CommandFactory as _, FromArgMatches as _};
use serde_json::json;

/// Runs a command line.
pub fn run(arguments: impl Iterator<Item = std::ffi::OsString>) -> ExitStatus {
    let arguments: Vec<_> = arguments.collect();
    let is_json = arguments.iter().any(|argument| argument == "--json");
    let parsed = command().try_get_matches_from(arguments);
    let parsed = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    let Arguments { global, command } = match parsed {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error, is_json),
    };
    let output = Output::new(global.json, global.color);
    let status = match execute(&global, command, &output) {
        Ok(status) => status,
        Err(Failure { status, message }) => {
            if output.is_json {
                show_error(&message, status, &output);
            }
            output.error(&message);
            status
        }
    };
    match output.fault() {
        Some(fault) => {
            output.error(&fault);
            ExitStatus::InvalidInput
        }
        None => status,
    }
}

/// The arguments are wrong, or ask for help or the version.
fn misused(error: &clap::Error, is_json: bool) -> ExitStatus {
    // The pipe may be closed.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitStatus::Success;
    }
    if is_json {
        let text = error.to_string();
        let what = text.split("\n\n").next().unwrap_or_default();
        let what = what.strip_prefix("error: ").unwrap_or(what);
        show_error(what, ExitStatus::Usage, &Output::new(true, ColorChoice::Never));
    }
    ExitStatus::Usage
}

fn show_error(message: &str, status: ExitStatus, output: &Output) {
    output.json(&json!({ "error": message, "status": status.code() }));
}

/// The arguments, for completions, the man page and the documentation.
pub fn command() -> clap::Command {
    Arguments::command()
}

fn execute(
    global: &GlobalArguments,
    command: Command,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let client = || Client::new(global);
    match command {
        Command::Stats(arguments) => commands::stats::run(&client()?, &arguments, output),
        Command::Top(arguments) => commands::top::run(&client()?, &arguments, output),
        Command::Health(arguments) => commands::health::run(&client()?, &arguments, output),
        Command::Purge(arguments) => commands::purge::run(client, &arguments, output),
        Command::Explain(arguments) => commands::explain::run(client, global, &arguments, output),
        Command::Warm(arguments) => commands::warm::run(&client()?, &arguments, output),
        Command::Entries(arguments) => commands::entries::run(&client()?, &arguments, output),
        Command::Audit(arguments) => commands::audit::run(&client()?, &arguments, output),
        Command::Pause(arguments) => commands::pause::pause(&client()?, &arguments, output),
        Command::Resume => commands::pause::resume(&client()?, output),
        Command::Config(ConfigCommand::Check) => commands::config::check(global, output),
        Command::Config(ConfigCommand::Show) => commands::config::show(&client()?, output),
        Command::Schema(UploadCommand::Push { file }) => {
            commands::upload::schema(client, &file, output)
        }
        Command::Documents(UploadCommand::Push { file }) => {
            commands::upload::documents(client, &file, output)
        }
        Command::Replay(arguments) => commands::replay::run(global, &arguments, output),
        Command::Completions { shell } => {
            commands::help::completions(shell, &mut self::command(), output)
        }
        Command::Man => commands::help::man_page(self::command(), output),
    }
}
