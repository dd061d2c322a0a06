//! `evergraph purge`

use super::key_pattern::without_prefix;
use super::shown::{counted, list, number, shown};
use crate::cli::arguments::PurgeArguments;
use crate::cli::client::Client;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Tone, complain};
use crate::cli::words;
use serde_json::{Map, Value, json};
use std::io::IsTerminal as _;

pub fn run(
    client: impl FnOnce() -> Result<Client, Failure>,
    arguments: &PurgeArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let body = body(arguments)?;
    if arguments.all && !arguments.preview && !arguments.yes {
        confirm()?;
    }
    let answer = client()?.post("purge", &body)?;
    if output.is_json {
        output.json(&answer);
    } else if arguments.preview {
        show_preview(&answer, &what(arguments, &answer), output);
    } else {
        let what = what(arguments, &answer);
        let how = if arguments.soft { "made stale" } else { "purged" };
        output.toned(Tone::Good, &format!("{what} {how}, as purge {}", counted(&answer, "seq")));
    }
    Ok(ExitStatus::Success)
}

fn body(arguments: &PurgeArguments) -> Result<Value, Failure> {
    let PurgeArguments { tag, types, operation, path, key, pattern, all, soft, preview, yes: _ } =
        arguments;
    let lists = [
        ("tags", tag),
        ("types", types),
        ("operations", operation),
        ("paths", path),
        ("keys", key),
        ("patterns", pattern),
    ];
    pattern.iter().try_for_each(|pattern| without_prefix(pattern))?;
    let mut body = Map::new();
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        body.insert(name.to_owned(), json!(list));
    }
    for (name, _) in
        [("all", all), ("soft", soft), ("preview", preview)].into_iter().filter(|(_, set)| **set)
    {
        body.insert(name.to_owned(), json!(true));
    }
    if !all && lists.iter().all(|(_, list)| list.is_empty()) {
        return Err(Failure::usage(
            "purge what? Pass --tag, --type, --operation, --path, --key, --pattern or --all",
        ));
    }
    Ok(Value::Object(body))
}

/// Asks whoever sits at the terminal.
fn confirm() -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "purging everything sends all traffic to the origin. Pass --yes if you mean it",
        ));
    }
    complain(
        "This purges everything, and all traffic goes to the origin until the cache is warm again. Purge? [y/N]",
    );
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    match read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        true => Ok(()),
        false => Err(Failure::usage("nothing was purged")),
    }
}

/// What is purged, in words.
fn what(arguments: &PurgeArguments, answer: &Value) -> String {
    if arguments.all {
        return "everything".to_owned();
    }
    let things = |name, thing| words::counted(number(answer, name), thing);
    format!("{} and {}", things("tags", "tag"), things("patterns", "pattern"))
}

fn show_preview(answer: &Value, what: &str, output: &Output) {
    output.line(&format!("Nothing was purged. This would purge {what}"));
    let Some(entries) = answer.get("entries").filter(|entries| entries.is_object()) else { return };
    let is_complete = entries.get("is_complete").and_then(Value::as_bool) == Some(true);
    let at_least = if is_complete { "" } else { "at least " };
    let count = counted(entries, "count");
    output.line(&format!(
        "Entries in KV and in the memory of one isolate that it would purge: {at_least}{count}"
    ));
    list(entries, "keys").iter().for_each(|key| output.line(&format!("  {}", shown(key))));
    if number(entries, "maybe") > 0 {
        let maybe = counted(entries, "maybe");
        output.line(&format!(
            "Entries that it may purge, as not all of their tags are known: {maybe}"
        ));
    }
}
