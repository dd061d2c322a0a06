//! Reads a configuration as JSON from standard input and says what is wrong with it, one fault a
//! line, with exit status 1. `npm run build` runs it over wrangler.toml.

use std::io::Read as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut text = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut text) {
        eprintln!("cannot read standard input: {error}");
        return ExitCode::FAILURE;
    }
    let value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(error) => {
            eprintln!("not JSON: {error}");
            return ExitCode::FAILURE;
        }
    };
    let Err(faults) = evergraph::config::parse(&value) else { return ExitCode::SUCCESS };
    for fault in faults {
        println!("{fault}");
    }
    ExitCode::FAILURE
}
