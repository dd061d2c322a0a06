//! Shadow mode (`shadow`): a share of the fresh hits is also sent to the origin, after the client's response,
//! and compared with what was served.
//!
//! It stores nothing, purges nothing, and changes neither the client's response nor the counters of hits. At
//! most one comparison runs at a time in an isolate, and at most sixty begin in a minute.
//!
//! A write that the origin knows and the purge log does not yet would look like a difference. So a difference
//! counts only if, five seconds later, a read of the log still leaves the served entry valid.

use super::body::read_whole;
use super::injection::Injection;
use super::kind::ReadKind;
use super::response::ReadResponse;
use super::validation::Validation;
use crate::config::Share;
use crate::engine::{BodyFormat, Plan};
use crate::http::Method;
use crate::limits;
use crate::service::body_memory::has_room_for_tree;
use crate::service::cache::{Candidate, Judge};
use crate::service::context::Context;
use crate::service::purges::Purges;
use crate::service::report::report;
use crate::service::runtime::Runtime;
use crate::service::stats::Stats;
use crate::shadow::{BODY, STATUS, json_differences};
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How long the runtime lets work go on after the response. What takes longer was cut off.
const COMPARISON_MILLIS: u64 = 30_000;
/// How many comparisons may begin in a minute.
const PER_MINUTE: u32 = 60;
/// How long the log may take to learn of a write that the origin has answered.
const WRITE_MILLIS: u64 = 5_000;
/// The client's response goes first.
const AFTER_RESPONSE_MILLIS: u64 = 1;

/// Compares a share of the hits with the origin's present responses.
pub struct Shadow {
    share: Share,
    judge: Rc<Judge>,
    purges: Purges,
    injection: Rc<Injection>,
    validation: Rc<Validation>,
    stats: Rc<Stats>,
    /// When the comparison that is under way began.
    under_way: Cell<Option<Timestamp>>,
    /// The minute, and how many comparisons began in it.
    minute: Cell<(u64, u32)>,
}

impl Shadow {
    /// Compares that share of the hits, with these components.
    pub fn new(
        share: Share,
        (judge, purges): (Rc<Judge>, Purges),
        (injection, validation): (Rc<Injection>, Rc<Validation>),
        stats: Rc<Stats>,
    ) -> Rc<Self> {
        let (under_way, minute) = (Cell::default(), Cell::default());
        Rc::new(Self { share, judge, purges, injection, validation, stats, under_way, minute })
    }

    /// Begins to compare a hit, if it is in the share and nothing else is being compared.
    pub fn begin<R: Runtime>(
        self: &Rc<Self>,
        context: &Context<R>,
        plan: &Plan,
        hit: &Candidate,
        kind: &ReadKind,
    ) {
        if self.share == Share::NONE || !hit.is_fresh() {
            return;
        }
        let now = context.runtime.now();
        let hash = || xxh3_64_with_seed(plan.key.as_str().as_bytes(), now.as_millis());
        if !self.share.includes(hash) || !is_comparable(context, hit, kind) || !self.take_turn(now)
        {
            return;
        }
        let (this, context) = (self.clone(), context.clone());
        let (plan, hit, kind) = (plan.clone(), hit.clone(), kind.clone());
        let runtime = context.runtime.clone();
        runtime.spawn(async move {
            context.runtime.sleep(AFTER_RESPONSE_MILLIS).await;
            this.compare(&context, &plan, &hit, &kind).await;
            this.under_way.set(None);
        });
    }

    fn take_turn(&self, now: Timestamp) -> bool {
        if self.under_way.get().is_some_and(|began| now.is_within(COMPARISON_MILLIS, began)) {
            return false;
        }
        let minute = now.as_millis() / 60_000;
        let begun = match self.minute.get() {
            (of, begun) if of == minute => begun,
            _ => 0,
        };
        if begun >= PER_MINUTE {
            return false;
        }
        self.minute.set((minute, begun + 1));
        self.under_way.set(Some(now));
        true
    }

    async fn compare<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        hit: &Candidate,
        kind: &ReadKind,
    ) {
        let Some(paths) = self.differences(context, plan, hit, kind).await else { return };
        if !paths.is_empty() {
            context.runtime.sleep(WRITE_MILLIS).await;
            let has_read = self.purges.sync.sync_now(context).await;
            if !has_read || !self.judge.is_valid(plan, &hit.cached) {
                return;
            }
        }
        let name = match kind {
            ReadKind::GraphQl(operation) => {
                operation.known.analysis.name.as_deref().unwrap_or("anonymous")
            }
            ReadKind::Rest => &context.request.url.path,
        };
        self.stats.compared(context.runtime.now(), name, &paths);
        if !paths.is_empty() {
            let line = json!({
                "event": "shadow-difference",
                "operation": name,
                "type": plan.type_name,
                "paths": paths,
            });
            report(&context.runtime, &line);
        }
    }

    /// Where the origin's present response differs from what was served. `None` if that cannot be said.
    async fn differences<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        hit: &Candidate,
        kind: &ReadKind,
    ) -> Option<Vec<String>> {
        let response = match kind {
            ReadKind::GraphQl(operation) => self.injection.fetch(context, operation).await,
            ReadKind::Rest => {
                self.validation.fetch_with(context, plan, &[]).await.map(ReadResponse::unread)
            }
        };
        let response = response.ok()?;
        let (status, served) = (response.head.status, &hit.cached.entry);
        // An origin that fails says nothing about the cache.
        if status >= 500 || status == 429 {
            return None;
        }
        if status != served.meta.status {
            return Some(vec![STATUS.to_owned()]);
        }
        let fetched = match &response.body {
            Some(body) => body.bytes.clone(),
            None => {
                let limit = limits::SHADOW_BODY_BYTES;
                read_whole(&context.runtime, &response.head, limit).await.ok()?
            }
        };
        if served.body == fetched {
            return Some(Vec::new());
        }
        let are_json = [&served.meta.headers, &response.head.headers]
            .into_iter()
            .all(|headers| BodyFormat::of(headers) == BodyFormat::Json);
        if !are_json {
            return Some(vec![BODY.to_owned()]);
        }
        let has_room = |body: &[u8]| {
            body.len() <= limits::SHADOW_BODY_BYTES && has_room_for_tree(&context.runtime, body)
        };
        if !has_room(&served.body) || !has_room(&fetched) {
            return None;
        }
        let read = |body: &[u8]| serde_json::from_slice(body).ok();
        // Servers put traces and costs there.
        let ignored = matches!(kind, ReadKind::GraphQl(_)).then_some("extensions");
        let (served, fetched): (Option<Value>, Option<Value>) =
            (read(&served.body), read(&fetched));
        // A GraphQL origin says with a 200 that it failed. What is stored has no errors.
        let has_failed = |fetched: &Value| {
            ignored.is_some() && fetched.get("errors").is_some_and(|errors| !errors.is_null())
        };
        match (served, fetched) {
            (_, Some(fetched)) if has_failed(&fetched) => None,
            (Some(served), Some(fetched)) => Some(json_differences(&served, &fetched, ignored)),
            _ => Some(vec![BODY.to_owned()]),
        }
    }
}

/// `true` if the origin's response to a request can be compared with a hit: it is a whole one. A range of a
/// whole one was cut from it, so the whole ones are compared.
fn is_comparable<R: Runtime>(context: &Context<R>, hit: &Candidate, kind: &ReadKind) -> bool {
    let is_read = matches!(kind, ReadKind::GraphQl(_)) || context.request.method == Method::Get;
    is_read && !hit.cached.is_part() && hit.cached.entry.body.len() <= limits::SHADOW_BODY_BYTES
}

#[cfg(test)]
mod tests;
