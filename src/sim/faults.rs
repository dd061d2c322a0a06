//! What may go wrong in a run, and how likely each fault is.

/// How likely each fault is, in thousandths, and how long things take at most. All zero: nothing
/// goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// An edge cache does not answer, or answers with a fault.
    pub edge: u64,
    /// An edge cache has forgotten what it was given.
    pub edge_evicts: u64,
    /// A read or write of KV fails.
    pub kv: u64,
    /// A read of KV takes long.
    pub kv_slow: u64,
    /// A write to KV is taken and lost.
    pub kv_loses: u64,
    /// KV gives back something else than it was given.
    pub kv_damages: u64,
    /// For at most so many milliseconds a place does not see what was written to KV.
    pub kv_lag: u64,
    /// The place that wrote to KV sees it late too.
    pub kv_late_here: u64,
    /// A list of KV's keys lacks one of them.
    pub kv_hides: u64,
    /// A message to the log is lost on its way.
    pub log_request: u64,
    /// The log's answer is lost on its way back.
    pub log_reply: u64,
    /// A message to the log or its answer arrives as something else.
    pub log_damages: u64,
    /// A message reaches the log twice.
    pub log_twice: u64,
    /// The log takes long.
    pub log_slow: u64,
    /// The log is out of reach for a while, so many times in a thousand seconds.
    pub log_outages: u64,
    /// The log drops its oldest records, so many times in a thousand seconds.
    pub log_forgets: u64,
    /// A version that knows no pages runs for a while, so many times in a thousand seconds.
    pub log_without_pages: u64,
    /// The log's storage is rolled back to an older one, so many times in a thousand seconds.
    pub log_rolled_back: u64,
    /// The log loses its storage while isolates live, so many times in a thousand seconds.
    pub log_loses_storage: u64,
    /// If not zero, both services have one name: two deployments of one API, each with a log of its
    /// own, which share KV and the edge caches.
    pub one_name: u64,
    /// If not zero, half of the isolates have another secret, and no isolate verifies the tokens of
    /// the other half.
    pub secrets_differ: u64,
    /// A service is deployed with another log, so many times in a thousand seconds.
    pub log_replaced: u64,
    /// The origin answers 5xx, having done nothing.
    pub origin_refuses: u64,
    /// The origin takes long, before it does what it is asked or after.
    pub origin_slow: u64,
    /// The origin's answer is lost on its way back.
    pub origin_breaks: u64,
    /// A gateway before the origin gives up a write, and the origin does it later.
    pub origin_late: u64,
    /// The origin does what a mutation asks, and answers with 422 and what it did.
    pub origin_objects: u64,
    /// For at most so many milliseconds the origin's reads do not show what was written.
    pub origin_lag: u64,
    /// An isolate ends, so many times in a thousand seconds.
    pub isolate_ends: u64,
    /// An isolate meets a limit of the runtime, so many times in a thousand requests.
    pub isolate_over_limit: u64,
    /// A client leaves before its answer is there.
    pub client_leaves: u64,
    /// The runtime cancels the request of a client that leaves, instead of letting it go on for a
    /// while.
    pub request_cancelled: u64,
    /// The origin takes very long for a write, before it does what it is asked.
    pub origin_crawls: u64,
    /// Clocks of places differ by at most so many milliseconds, those within one by a tenth of it,
    /// and the log's from them by twice as much.
    pub drift: u64,
    /// The clock of a place is set to another time, so many times in a thousand seconds.
    pub clock_steps: u64,
}
