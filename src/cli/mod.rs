//! The command line, `npx evergraph`. docs/cli.md describes it.
//!
//! In scope: what an operator types, and what is shown. Not in scope: decisions about requests, which the
//! Worker makes, or the same engine over the offline runtime (`offline`).
//!
//! | file | |
//! |---|---|
//! | `run` | from arguments to an exit status |
//! | `arguments` | the arguments of all commands |
//! | `commands/` | one command a file |
//! | `replay/` | recorded traffic through the engine |
//! | `recording/` | HAR files and logs |
//! | `request_spec`, `curl`, `curl_flags`, `shell_words`, `cmd_words` | a request as an operator writes it |
//! | `client`, `settings` | the Worker's admin routes, its URL and the token |
//! | `knowledge` | a schema and documents, without a Worker |
//! | `output`, `words` | tables, colors, progress bars, numbers |
//! | `failure`, `exit_status`, `duration` | why a command ends, and small parts |

mod arguments;
mod client;
mod cmd_words;
mod commands;
mod curl;
mod curl_flags;
mod duration;
mod exit_status;
mod failure;
mod knowledge;
mod output;
mod recording;
mod replay;
mod request_spec;
mod run;
mod settings;
mod shell_words;
mod words;

pub use exit_status::ExitStatus;
pub use recording::skip_reasons;
pub use run::{command, run};
