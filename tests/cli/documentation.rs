//! The examples and the tables in the documentation.

use super::program::{run, run_at};
use super::server::Server;
use evergraph::cli::{ExitStatus, skip_reasons};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const PROMPT: &str = "$ npx evergraph";
const BEGIN: &str = "```console\n";
const END: &str = "```\n";

/// Tests that rewrite pages take turns.
static PAGES: Mutex<()> = Mutex::new(());

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

/// Compares a page with what it should be, or rewrites it.
fn check(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, expected).unwrap();
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    let first = text.lines().zip(expected.lines()).find(|(now, then)| now != then);
    assert!(
        text == expected,
        "{} differs: {first:?}. Run `UPDATE_DOCS=1 cargo test --features cli --test cli`",
        path.display()
    );
}

#[test]
fn examples_print_what_the_documentation_shows() {
    let _turn = PAGES.lock();
    for name in ["cli.md", "replay.md"] {
        let path = page(name);
        let text = fs::read_to_string(&path).unwrap();
        let mut parts = text.split(BEGIN);
        let mut expected = parts.next().unwrap().to_owned();
        let mut count = 0;
        for part in parts {
            let (example, after) = part.split_once(END).unwrap();
            expected.push_str(&format!("{BEGIN}{}{END}{after}", shown(example)));
            count += 1;
        }
        assert!(count > 3, "{name} has {count} examples");
        check(&path, &expected);
    }
}

/// An example with its current output. One without this program's prompt stays as it is.
fn shown(example: &str) -> String {
    let (command, _) = example.split_once('\n').unwrap();
    let Some(arguments) = command.strip_prefix(PROMPT) else { return example.to_owned() };
    let server = Server::start();
    let words = words(arguments);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = run_at(&server.url, &words);
    let output =
        format!("{}{}", ended.stdout, ended.stderr).replace(&server.url, "https://api.example.com");
    format!("{command}\n{}\n", output.trim_matches('\n')).replace("\n\n\n", "\n\n")
}

/// Words with single quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted, mut is_word) =
        (Vec::new(), String::new(), false, false);
    for letter in text.chars() {
        match letter {
            '\'' => (is_quoted, is_word) = (!is_quoted, true),
            ' ' if !is_quoted => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => {
                word.push(other);
                is_word = true;
            }
        }
    }
    words.extend(is_word.then_some(word));
    words
}

#[test]
fn the_tables_are_generated() {
    let _turn = PAGES.lock();
    let statuses = ExitStatus::ALL
        .iter()
        .map(|(status, meaning)| vec![status.code().to_string(), (*meaning).to_owned()]);
    check_table("cli.md", "exit-statuses", "| status | meaning |\n|---|---|\n", statuses);
    let skips = skip_reasons().iter().map(|reason| {
        vec![format!("`{}`", reason.word), reason.meaning.to_owned(), reason.remedy.to_owned()]
    });
    check_table(
        "replay.md",
        "replay-skips",
        "| reason | meaning | remedy |\n|---|---|---|\n",
        skips,
    );
}

fn check_table(name: &str, marker: &str, header: &str, rows: impl Iterator<Item = Vec<String>>) {
    let path = page(name);
    let text = fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- generated: {marker} -->\n");
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once("<!-- end generated -->").unwrap();
    let rows: String = rows.map(|row| format!("| {} |\n", row.join(" | "))).collect();
    check(&path, &format!("{before}{begin}{header}{rows}<!-- end generated -->{after}"));
}

/// Every member of what `replay --json` prints is described.
#[test]
fn the_members_of_a_replay_are_described() {
    let arguments = [
        "replay",
        "tests/fixtures/har/chromium.har",
        "--config",
        "examples/replay/before.toml",
        "--json",
    ];
    let report: Value = serde_json::from_str(&run(&arguments).stdout).unwrap();
    let one = &report["configurations"][0];
    let objects = [
        &report,
        &report["skipped"][0],
        one,
        &one["kv"],
        &one["purge_log"],
        &one["usd_per_million"],
        &one["by_type"]["default"],
        &one["bypass_reasons"][0],
        &one["prevented"][0],
        &one["prevented"][0]["example"],
    ];
    let text = fs::read_to_string(page("replay.md")).unwrap();
    for name in objects.iter().flat_map(|object| object.as_object().unwrap().keys()) {
        assert!(text.contains(&format!("`{name}`")), "docs/replay.md does not describe `{name}`");
    }
}

#[test]
fn every_command_has_a_section() {
    let text = fs::read_to_string(page("cli.md")).unwrap();
    for command in evergraph::cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(text.contains(&format!("\n### {name}")), "docs/cli.md has no section `### {name}`");
    }
}
