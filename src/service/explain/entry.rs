//! What is stored for a request, and what the purge log says about it.

use crate::admin::{ExplainedCause, ExplainedEntry};
use crate::engine::Plan;
use crate::purge::PurgeCause;
use crate::service::cache::{Candidate, Judge};
use crate::tag::hash_of;
use crate::time::Timestamp;

/// Describes what a look-up has found.
pub fn explained_entry(
    judge: &Judge,
    plan: &Plan,
    found: &Candidate,
    now: Timestamp,
) -> ExplainedEntry {
    let Candidate { cached, tier, freshness } = found;
    let meta = &cached.entry.meta;
    let (verdict, cause) = judge.verdict_and_cause(plan, cached);
    let (age, ttl) = (meta.age(now), meta.ttl.as_seconds());
    let signed = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    ExplainedEntry {
        tier,
        stored_at: meta.stored_at.as_millis(),
        age,
        ttl,
        ttl_left: signed(ttl) - signed(age),
        freshness: freshness.as_str(),
        verdict: verdict.as_str(),
        purged_by: cause.map(|cause| explained_cause(&cause, &meta.tags)),
        status: meta.status,
        bytes: cached.entry.body.len() as u64,
        tags: meta.tags.clone(),
    }
}

/// The log knows hashes of tags; the entry knows their texts.
fn explained_cause(cause: &PurgeCause, tags: &[String]) -> ExplainedCause {
    let by = match cause {
        PurgeCause::Tag(_, hash) => {
            let tag = tags.iter().find(|tag| hash_of(tag) == *hash);
            format!("tag {}", tag.map_or("", String::as_str))
        }
        PurgeCause::Pattern(_, pattern) => format!("pattern {}", pattern.as_str()),
        PurgeCause::Everything(_) => "everything".to_owned(),
        PurgeCause::OtherRules(_) => {
            "a purge by tags that another configuration made; so it counts for this entry"
                .to_owned()
        }
        PurgeCause::Pending => "a purge that the log has not taken yet".to_owned(),
        PurgeCause::Forgotten(_) => {
            "the log has forgotten single purges of that time; so older entries count as purged"
                .to_owned()
        }
        PurgeCause::OtherEpoch => {
            "the log has lost its storage since; so earlier entries count as purged".to_owned()
        }
    };
    ExplainedCause { seq: cause.seq(), by }
}
