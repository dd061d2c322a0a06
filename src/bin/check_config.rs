//! Checks a configuration: reads JSON from standard input and prints one fault a line. The exit status is
//! 1 if there are faults. `npm run build` runs it for wrangler.toml.
//!
//! ```text
//! $ echo '{"kv":{"timeout":50}}' | check_config
//! kv.timeout: unknown key; known here: timeout_ms, writes, min_ttl
//! ```

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
