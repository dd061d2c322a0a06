//! `evergraph explain`

use super::shown::{date, list, number, shown, text};
use crate::cli::arguments::{ExplainArguments, GlobalArguments};
use crate::cli::client::Client;
use crate::cli::curl::parse_curl;
use crate::cli::exit_status::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::knowledge::{Knowledge, admin_url};
use crate::cli::output::{Output, Tone, tone_of};
use crate::cli::recording::entry_of;
use crate::cli::request_spec::RequestSpec;
use crate::cli::settings::config_files;
use crate::cli::words::{plain, size, span};
use crate::config_file;
use crate::offline::{Purges, STORE_BYTES, World};
use crate::time::Timestamp;
use serde_json::Value;

pub fn run(
    client: impl FnOnce() -> Result<Client, Failure>,
    global: &GlobalArguments,
    arguments: &ExplainArguments,
    output: &Output,
) -> Result<ExitStatus, Failure> {
    let request = request_of(arguments)?.to_json();
    let answer = match arguments.offline {
        true => explained_offline(global, arguments, &request)?,
        false => client()?.post("explain", &request)?,
    };
    if output.is_json {
        output.json(&answer);
    } else {
        show(&answer, output);
    }
    let is_negative = arguments.require_lookup && text(&answer, "decision") != "lookup";
    Ok(if is_negative { ExitStatus::Negative } else { ExitStatus::Success })
}

/// The decision of this program's engine, by the configuration file. Nothing is stored in its world.
fn explained_offline(
    global: &GlobalArguments,
    arguments: &ExplainArguments,
    request: &Value,
) -> Result<Value, Failure> {
    let files = config_files(global)?;
    let config = config_file::read_files(&files, None);
    let config = config.map_err(|faults| Failure::input(faults.join("\n")))?;
    let knowledge = Knowledge::read(&arguments.knowledge)?;
    let failed = |fault: String| Failure::new(ExitStatus::Failed, fault);
    let world = World::new(&config, now(), Purges::Recorded, STORE_BYTES).map_err(failed)?;
    knowledge.upload(&world).map_err(Failure::input)?;
    let base = config.pointer("/operator/url").and_then(Value::as_str).unwrap_or(SOME_URL);
    let answer = admin_url(base, "explain")
        .and_then(|url| world.post_admin(url, request.to_string().as_bytes()))
        .ok_or_else(|| failed("the engine has not answered".to_owned()))?;
    world.end();
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match answer.status {
        200 => Ok(body),
        400..500 => {
            Err(Failure::input(format!("{}: {}", text(&body, "path"), text(&body, "error"))))
        }
        status => Err(failed(format!("the engine answered {status}"))),
    }
}

/// Tokens and certificates in requests have dates, so the engine must know the time.
fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the one clock of the command line")]
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since_1970.map_or(0, |elapsed| elapsed.as_millis());
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

fn request_of(arguments: &ExplainArguments) -> Result<RequestSpec, Failure> {
    if let Some(command) = &arguments.curl {
        let command = match command.as_str() {
            "-" => std::io::read_to_string(std::io::stdin())
                .map_err(|error| Failure::input(format!("standard input: {error}")))?,
            text => text.to_owned(),
        };
        return parse_curl(&command).map_err(|fault| Failure::input(format!("--curl: {fault}")));
    }
    if let Some(file) = &arguments.har {
        return entry_of(file, arguments.entry).map_err(Failure::input);
    }
    let (method, url) = match arguments.request.as_slice() {
        [url] => (if arguments.data.is_some() { "POST" } else { "GET" }.to_owned(), url),
        [method, url] => (method.to_ascii_uppercase(), url),
        _ => return Err(Failure::usage("explain what? Pass METHOD and URL, --curl or --har")),
    };
    let mut headers = arguments.header.clone();
    let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if arguments.data.is_some() && !has_type {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    Ok(RequestSpec { method, url: url.clone(), headers, body: arguments.data.clone() })
}

/// What relative URLs are relative to, if the configuration does not say.
const SOME_URL: &str = "https://offline.example";

/// Shows a decision, and those of a batch's operations.
fn show(answer: &Value, output: &Output) {
    show_decision(answer, output);
    for (index, operation) in list(answer, "operations").iter().enumerate() {
        output.heading(&format!("operation {}", index + 1));
        show_decision(operation, output);
    }
}

fn show_decision(answer: &Value, output: &Output) {
    let decision = text(answer, "decision");
    let meaning = match decision.as_str() {
        "lookup" => "looked up in the cache",
        "bypass" => "passed to the origin without a look-up",
        "write" => "a write: sent to the origin, and its purge is recorded",
        "refused" => "refused",
        "admin" => "an admin request",
        "batch" => "a batch",
        "socket" => "a socket, whose messages are read",
        _ => "",
    };
    output.toned(tone_of(&decision).unwrap_or(Tone::Strong), &format!("{decision}: {meaning}"));
    if let Some(reason) = answer.get("reason").filter(|reason| reason.is_object()) {
        output.line(&format!("reason:  {}", text(reason, "detail")));
        output.line(&format!("meaning: {}", plain(&text(reason, "meaning"))));
        output.line(&format!("remedy:  {}", plain(&text(reason, "remedy"))));
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    if let Some(operation) = answer.pointer("/request/operation").filter(|found| found.is_object())
    {
        add("operation", format!("{} {}", text(operation, "kind"), text(operation, "name")));
    }
    for one in list(answer, "types") {
        let matched: Vec<String> = list(one, "matched_by").iter().map(shown).collect();
        add("type", format!("{}, by {}", text(one, "name"), matched.join(", ")));
    }
    let later: Vec<String> = list(answer, "types_by_response").iter().map(shown).collect();
    add("type by the response", later.join(", "));
    if let Some(terms) = answer.get("terms").and_then(Value::as_object) {
        for (name, term) in terms {
            add(name, terms_text(term));
        }
    }
    add("X-Cache", text(answer, "x_cache"));
    add("key", text(answer, "key"));
    add("tags", list(answer, "tags").iter().map(shown).collect::<Vec<_>>().join(", "));
    if let Some(purges) = answer.get("purges").filter(|purges| purges.is_object()) {
        let all = purges.get("all").and_then(Value::as_bool) == Some(true);
        let tags = list(purges, "tags").iter().map(shown).collect::<Vec<_>>().join(", ");
        add("purges", if all { "everything".to_owned() } else { tags });
    }
    if let Some(entry) = answer.get("entry").filter(|entry| entry.is_object()) {
        add("entry", entry_text(entry));
    }
    if !rows.is_empty() {
        output.table(&[String::new(), String::new()], rows);
    }
    let signals = list(answer, "signals").iter().map(|signal| {
        let names = |member| list(signal, member).iter().map(shown).collect::<Vec<_>>().join(", ");
        let covered = match names("covered_by") {
            covered if covered.is_empty() => "nothing".to_owned(),
            covered => covered,
        };
        vec![text(signal, "signal"), covered, names("not_covered_by")]
    });
    let signals: Vec<Vec<String>> = signals.collect();
    if !signals.is_empty() {
        output.table(&["signal", "covered by", "not covered by"].map(str::to_owned), signals);
    }
    for warning in list(answer, "warnings") {
        output.line("");
        let (word, message) = (text(warning, "word"), plain(&text(warning, "message")));
        output.toned(Tone::Warning, &format!("warning: {word}: {message}"));
        output.line(&format!("remedy:  {}", plain(&text(warning, "remedy"))));
    }
}

/// `7200, by types.product`, or a list of these.
fn terms_text(term: &Value) -> String {
    let one = |term: &Value| match term.get("value") {
        Some(Value::Null) => "the origin decides".to_owned(),
        Some(value) => match text(term, "from") {
            from if from.is_empty() => shown(value),
            from => format!("{}, by {from}", shown(value)),
        },
        None => shown(term),
    };
    match term {
        Value::Array(terms) => terms.iter().map(one).collect::<Vec<_>>().join("; "),
        term => one(term),
    }
}

fn entry_text(entry: &Value) -> String {
    let (tier, verdict, freshness) =
        (text(entry, "tier"), text(entry, "verdict"), text(entry, "freshness"));
    let age = span(number(entry, "age") * 1_000);
    let (at, bytes) = (date(entry, "stored_at"), size(number(entry, "bytes")));
    let by = match entry.get("purged_by").filter(|by| by.is_object()) {
        Some(by) => match text(by, "seq") {
            seq if seq.is_empty() => format!(" by {}", text(by, "by")),
            seq => format!(" by purge {seq} ({})", text(by, "by")),
        },
        None => String::new(),
    };
    format!("{verdict}{by}, {freshness}, in {tier}, {age} old, stored {at} UTC, {bytes}")
}
