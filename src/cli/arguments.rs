//! The arguments of all commands.

use super::duration::Seconds;
use super::output::ColorChoice;
use super::request_spec::parse_header;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Ask, purge, warm and tune an Evergraph Worker.
#[derive(Debug, Parser)]
#[command(
    name = "evergraph",
    version,
    max_term_width = 100,
    after_help = "docs/cli.md has an example of each command, and the exit statuses."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub global: GlobalArguments,
    #[command(subcommand)]
    pub command: Command,
}

/// The arguments that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArguments {
    /// The Worker, such as https://api.example.com. Else `operator.url` of the configuration
    #[arg(long, global = true, env = "EVERGRAPH_URL")]
    pub url: Option<String>,
    /// An admin token. Better in the environment, where other users of the machine do not see it
    #[arg(long, global = true, env = "EVERGRAPH_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colors
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// The configuration file [default: evergraph.toml]. `replay` takes several
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// An environment: evergraph.NAME.toml is merged over the configuration file
    #[arg(long, global = true, value_name = "NAME")]
    pub env: Option<String>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show how requests are answered: hit rate, times, bytes, and why requests pass through
    Stats(StatsArguments),
    /// Show the operations with the most traffic, misses, time or bytes
    Top(TopArguments),
    /// Show the state of each part, and alerts. Status 1 if the service is down
    Health(HealthArguments),
    /// Purge entries by tag, type, operation, path, key or pattern
    Purge(PurgeArguments),
    /// Explain how a request is answered, and why
    Explain(ExplainArguments),
    /// Fetch responses and store them before clients ask
    Warm(WarmArguments),
    /// List what Workers KV holds, or show one entry
    Entries(EntriesArguments),
    /// List the last changes, and who made them
    Audit(AuditArguments),
    /// Pass every request to the origin, for a time or until `resume`. Writes still purge
    Pause(PauseArguments),
    /// End a pause
    Resume,
    /// Check the configuration, or show the one in use
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Upload the GraphQL schema
    #[command(subcommand)]
    Schema(UploadCommand),
    /// Upload persisted documents
    #[command(subcommand)]
    Documents(UploadCommand),
    /// Run recorded traffic through the engine, for one or several configurations side by side
    Replay(ReplayArguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the man page
    Man,
}

/// What is known besides the configuration, without a Worker.
#[derive(Debug, Args)]
pub(crate) struct KnowledgeArguments {
    /// The GraphQL schema, as SDL or as the response to an introspection query
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Persisted documents, as `documents push` takes them
    #[arg(long, value_name = "FILE")]
    pub documents: Option<PathBuf>,
}

/// What rows of statistics stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    Type,
    Operation,
    Path,
    Reason,
}

impl By {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Operation => "operation",
            Self::Path => "path",
            Self::Reason => "reason",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatsArguments {
    /// Count only so far back, such as 1h [default: everything that is known]
    #[arg(long)]
    pub window: Option<Seconds>,
    /// Add a table by this
    #[arg(long, value_enum)]
    pub by: Option<By>,
}

/// What `top` sorts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TopBy {
    Traffic,
    Misses,
    Time,
    Bytes,
}

#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    /// What to sort by
    #[arg(long, value_enum, default_value = "traffic")]
    pub by: TopBy,
    /// Count only so far back
    #[arg(long, default_value = "1h")]
    pub window: Seconds,
    /// How many operations
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    /// Show it again every so often [default: 5s]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "5s")]
    pub watch: Option<Seconds>,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArguments {
    /// End with status 1 unless everything is healthy and no alert fires
    #[arg(long)]
    pub strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PurgeArguments {
    /// A tag, such as Product:42
    #[arg(long)]
    pub tag: Vec<String>,
    /// A cache type
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// The name of a GraphQL operation
    #[arg(long)]
    pub operation: Vec<String>,
    /// A path
    #[arg(long)]
    pub path: Vec<String>,
    /// A key, or its digest
    #[arg(long)]
    pub key: Vec<String>,
    /// A pattern over keys, such as 'gql/product/**'
    #[arg(long)]
    pub pattern: Vec<String>,
    /// Everything
    #[arg(long)]
    pub all: bool,
    /// Make entries stale instead of gone
    #[arg(long)]
    pub soft: bool,
    /// Purge nothing, and show what would be purged
    #[arg(long)]
    pub preview: bool,
    /// Do not ask before everything is purged
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// METHOD and URL, or the URL alone
    #[arg(value_name = "METHOD|URL", num_args = 0..=2)]
    pub request: Vec<String>,
    /// A header, as `Name: value`
    #[arg(long, short = 'H', value_parser = parse_header)]
    pub header: Vec<(String, String)>,
    /// The body. A request with one is a POST unless METHOD says otherwise
    #[arg(long, short = 'd')]
    pub data: Option<String>,
    /// A command line of curl, or `-` to read it from standard input
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["request", "header", "data"])]
    pub curl: Option<String>,
    /// A HAR file, or a log of exchanges
    #[arg(long, value_name = "FILE", conflicts_with_all = ["request", "header", "data", "curl"])]
    pub har: Option<PathBuf>,
    /// Which entry of the file, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1, requires = "har")]
    pub entry: u64,
    /// Ask no Worker: decide by the configuration file and the engine of this program
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub knowledge: KnowledgeArguments,
    /// End with status 1 if the request is not looked up
    #[arg(long)]
    pub require_lookup: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WarmArguments {
    /// The operations and paths with the most traffic
    #[arg(long, value_name = "N", required_unless_present_any = ["file", "har"])]
    pub top: Option<u32>,
    /// A JSON list of requests with `method`, `url`, `headers` and `body`
    #[arg(long, value_name = "FILE", conflicts_with = "top")]
    pub file: Option<PathBuf>,
    /// The reads of a HAR file, without cookies and Authorization
    #[arg(long, value_name = "FILE", conflicts_with_all = ["top", "file"])]
    pub har: Option<PathBuf>,
    /// Only requests of the file to this host
    #[arg(long, requires = "har")]
    pub host: Vec<String>,
    /// How many requests at once, from 1 to 6
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=6))]
    pub concurrency: Option<u8>,
    /// At most so many requests to the origin
    #[arg(long, value_name = "N")]
    pub max_requests: Option<u64>,
    /// At most so many writes to Workers KV
    #[arg(long, value_name = "N")]
    pub max_kv_writes: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct EntriesArguments {
    /// A pattern over keys, such as 'gql/product/**'
    #[arg(default_value = "**")]
    pub pattern: String,
    /// How many
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// Show one entry
    #[arg(long, conflicts_with = "pattern")]
    pub key: Option<String>,
    /// Print its body alone, as it is stored
    #[arg(long, requires = "key")]
    pub body: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// How many changes
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// For how long, such as 10m [default: until `evergraph resume`]
    #[arg(long = "for", value_name = "DURATION")]
    pub duration: Option<Seconds>,
}

/// `evergraph config …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration file as the build does
    Check,
    /// Show the configuration that the Worker uses
    Show,
}

/// `evergraph schema push FILE`, and the same for documents.
#[derive(Debug, Subcommand)]
pub(crate) enum UploadCommand {
    /// Upload a file
    Push {
        /// The file, or `-` for standard input
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// HAR files, or logs with one exchange a line, in the order of their times
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub knowledge: KnowledgeArguments,
    /// A host whose requests are replayed [default: the host of the first request]
    #[arg(long)]
    pub host: Vec<String>,
    /// End with status 1 if the hit rate of any configuration is below this share, such as 0.8
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    pub require_hit_rate: Option<f64>,
    /// End with status 1 if any response from the cache differs from the recording
    #[arg(long)]
    pub require_fresh: bool,
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a share from 0 to 1, such as 0.8".to_owned())
}
