//! What `Cache-Status` adds when a lookup found no entry that could be used.

use crate::policy::reasons;

reasons! {
    /// Why a looked-up request went to the origin, if `fwd` alone does not say so.
    pub enum MissDetail {
        Purged = "purged",
            "an entry was found, and it has been purged. With `stored`: the new response replaced it",
            "none needed";
        Range = "range",
            "a REST request with `Range` for a part that is not stored; the origin was asked for it. With `stored`: the part was stored",
            "none needed";
        LogUnreadable = "log-unreadable",
            "entries could not be checked against the purge log, so none was used",
            "look at the `purge-log-read` failures";
        Batch = "batch",
            "the response to a [batch](operations.md#batches) of queries, whatever was found for each of them. `stored` if everything that was requested from the origin was stored. On a hit it replaces the tier",
            "none needed";
        OriginFailed = "origin-failed",
            "the origin did not respond, and nothing stale may be served. `fwd` says what was found; the status is 502, or 504 after a timeout. `X-Cache` is `MISS` if the request was looked up, otherwise `BYPASS`",
            "check the origin";
    }
}
