//! Writes the JavaScript bindings of the Worker's Wasm: what `wasm-bindgen` does with the same arguments.

use anyhow::{Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

/// The arguments after the input and the folder (`scripts/lib/worker.mjs`). This program knows no others.
const REQUIRED: [&str; 6] = [
    "--target=module",
    "--out-name=index",
    "--no-typescript",
    "--remove-producers-section",
    "--experimental-reset-state-function",
    "--force-enable-abort-handler",
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (places, others) = arguments.split_at(arguments.len().min(2));
    ensure!(
        places.len() == 2 && others == REQUIRED,
        "usage: bindgen <input> --out-dir=<folder> {}",
        REQUIRED.join(" ")
    );
    Bindgen::new()
        .input_path(&places[0])
        .module(true)?
        .out_name("index")
        .typescript(false)
        .remove_producers_section(true)
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .omit_default_module_path(false)
        .generate(places[1].trim_start_matches("--out-dir="))
}
