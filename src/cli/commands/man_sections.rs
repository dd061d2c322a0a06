//! The sections of the man page that the arguments do not describe.

use crate::cli::exit_status::ExitStatus;
use crate::cli::words::plain;

const ENVIRONMENT: &[(&str, &str)] = &[
    ("EVERGRAPH_URL", "The URL of the Worker, unless --url names it."),
    (
        "EVERGRAPH_TOKEN",
        "The admin token, unless --token names it. Other users of the machine do not see it here.",
    ),
    ("NO_COLOR", "If it is set and not empty, there are no colors, unless --color says otherwise."),
];

const FILES: &[(&str, &str)] = &[
    (
        "evergraph.toml",
        "The configuration. operator.url is the URL of the Worker if nothing else names it. --config names another file.",
    ),
    ("evergraph.NAME.toml", "What --env NAME merges over the configuration."),
    (
        ".dev.vars",
        "For a Worker on this machine, the token is the first one in ADMIN_TOKENS that has every right, unless it is named.",
    ),
];

/// The sections, as roff.
pub(super) fn man_sections() -> String {
    let owned = |rows: &[(&str, &str)]| -> Vec<(String, String)> {
        rows.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let statuses = ExitStatus::ALL
        .iter()
        .map(|(status, meaning)| (status.code().to_string(), plain(meaning)))
        .collect();
    [
        section("ENVIRONMENT", owned(ENVIRONMENT)),
        section("EXIT STATUS", statuses),
        section("FILES", owned(FILES)),
    ]
    .concat()
}

fn section(title: &str, rows: Vec<(String, String)>) -> String {
    let rows = rows
        .into_iter()
        .map(|(name, text)| format!(".TP\n\\fB{}\\fR\n{}\n", escaped(&name), escaped(&text)));
    format!(".SH \"{title}\"\n{}", rows.collect::<String>())
}

/// A text that roff shows as it is. No line may begin with a dot or a quote: `\&` is nothing, and comes first.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
