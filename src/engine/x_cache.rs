//! `X-Cache`: where a response came from, in one word.

use crate::policy::reasons;

reasons! {
    /// The value of `X-Cache`.
    pub enum XCache {
        Hit = "HIT", "served from the cache", "";
        Stale = "STALE", "served from the cache although stale", "";
        Revalidated = "REVALIDATED",
            "served from the cache after the origin confirmed the entry with a 304", "";
        Miss = "MISS", "looked up, and served by the origin", "";
        Bypass = "BYPASS", "not looked up, and served by the origin", "";
    }
}
