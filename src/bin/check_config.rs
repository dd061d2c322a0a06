//! Checks a configuration. `npm run build` runs it. Each fault is one line, and the exit status is then 1.
//!
//! With files, it merges them (`evergraph.toml`, and an environment's over it) and prints the result as
//! JSON, which is what the Worker gets. `--origin URL` replaces the origin. Without files, it reads JSON
//! from standard input and prints nothing but faults.
//!
//! ```text
//! $ check-config evergraph.toml
//! evergraph.toml:12:3: types.product.tll: unknown key; did you mean ttl?
//! ```

use evergraph::config_file::read_files;
use std::io::Read as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut origin = None;
    if arguments.first().is_some_and(|first| first == "--origin") {
        origin = arguments.drain(..2.min(arguments.len())).nth(1);
    }
    let checked = if arguments.is_empty() { check_json() } else { check_files(&arguments, origin) };
    match checked {
        Ok(json) => {
            print!("{json}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            for fault in faults {
                println!("{fault}");
            }
            ExitCode::FAILURE
        }
    }
}

fn check_files(names: &[String], origin: Option<String>) -> Result<String, Vec<String>> {
    read_files(names, origin.as_deref()).map(|value| value.to_string())
}

fn check_json() -> Result<String, Vec<String>> {
    let mut text = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut text) {
        return Err(vec![format!("cannot read standard input: {error}")]);
    }
    let value = serde_json::from_str(&text).map_err(|error| vec![format!("not JSON: {error}")])?;
    match evergraph::config::parse(&value) {
        Ok(_) => Ok(String::new()),
        Err(faults) => Err(faults.iter().map(ToString::to_string).collect()),
    }
}
