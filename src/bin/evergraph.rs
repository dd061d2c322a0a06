//! The command line. `npx evergraph` builds and runs it; docs/cli.md describes it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(evergraph::cli::run(std::env::args_os()).code())
}
