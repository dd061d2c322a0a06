//! Storing answers: in memory, in the edge cache and in KV.

use super::ask::Told;
use super::context::Context;
use super::documents::Operation;
use super::find::variant_key;
use super::handle::Service;
use super::memory::Cached;
use super::runtime::{BodyRead, OriginResponse, Runtime};
use crate::config::KvWrites;
use crate::engine::{FetchedResponse, Plan, StorableEntry, graphql_entry, is_graphql_json};
use crate::graphql::Shown;
use crate::http::{AnswerCoding, Method, Request};
use crate::limits;
use crate::policy::{NotStored, Permission, storable};
use crate::purge::Mark;
use crate::stored::{Entry, Meta, encode};
use crate::time::Ttl;
use futures_util::future::join;
use std::rc::Rc;

/// The shortest time for which KV keeps a value.
const KV_SECONDS: u64 = 60;

/// Fields by which the edge cache stores a response, or that are written anew for each.
const READ_BY_THE_EDGE: [&str; 12] = [
    "cache-control",
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "expires",
    "last-modified",
    "pragma",
    "vary",
];

/// Whether KV can hold an entry: it holds text, and no bytes of headers beside it.
fn fits_kv(cached: &Cached) -> bool {
    !cached.entry.meta.headers.has_unreadable_bytes()
}

/// What is needed to store an answer.
#[derive(Clone, Copy)]
pub(super) struct Storing<'a> {
    pub plan: &'a Plan,
    /// Where the log stood before the origin was asked, if that was known.
    pub mark: Option<Mark>,
    /// What the entry under the plan's own key varies on, where it is of another variant.
    pub other_variant: Option<&'a [String]>,
    /// Whether something older is stored.
    pub replaces: bool,
}

impl Storing<'_> {
    /// For an entry that stays under the key that it has.
    pub fn of_the_same_variant(self) -> Self {
        Self { other_variant: None, replaces: true, ..self }
    }
}

/// Whether an entry is of a later answer than another, and knows of all purges that the other knows
/// of.
fn is_newer(one: &Cached, other: &Cached) -> bool {
    let (one, other) = (&one.entry.meta, &other.entry.meta);
    let same_log = one.mark.epoch == other.mark.epoch;
    one.stored_at > other.stored_at && same_log && one.mark.seq >= other.mark.seq
}

/// A body that was read whole, or why there is none.
pub(super) fn whole(read: BodyRead) -> Result<Rc<[u8]>, NotStored> {
    match read {
        BodyRead::Whole(body) => Ok(body),
        BodyRead::TooLarge => Err(NotStored::TooLarge),
        BodyRead::NoRoom => Err(NotStored::MemoryInFlight),
        BodyRead::Broken => Err(NotStored::Broken),
    }
}

impl<W: Runtime> Service<W> {
    /// Stores the answer to a query in every tier, or says why not. An element of a batch's answer is
    /// kept as an answer of its own whose body was read.
    pub(super) async fn keep_answer(
        &self,
        context: &Context<W>,
        told: &Told,
        storing: Storing<'_>,
        operation: &Operation,
    ) -> Result<Rc<Cached>, NotStored> {
        let config = self.isolate.config.as_ref().map_err(|_| NotStored::Status)?;
        let Storing { plan, mark, .. } = storing;
        let answer = &told.answer;
        self.worth_reading(context, plan)?;
        if !is_graphql_json(&answer.headers) {
            return Err(NotStored::ContentType);
        }
        if !AnswerCoding::of(&answer.headers).is_decoded() {
            return Err(NotStored::ContentEncoding);
        }
        // The types in the answer may yet override what its head says.
        let permission = Permission { overriding: true, ..Permission::default() };
        storable(answer.status, &answer.headers, permission)?;
        let mark = mark.ok_or(NotStored::LogUnreadable)?;
        let body = match &told.body {
            Some(body) => body.bytes.clone(),
            None => whole(self.json_body(answer).await)?,
        };
        if body.len() > limits::GRAPHQL_ANSWER_BYTES {
            return Err(NotStored::TooLarge);
        }
        let request = &context.request;
        let fetched = FetchedResponse { request, received: answer.received(), body, mark };
        let read;
        let json = match &told.body {
            Some(body) => &body.json,
            None => {
                let parsed = serde_json::from_slice(&fetched.body);
                read = parsed.map_err(|_| NotStored::ContentType)?;
                &read
            }
        };
        let added = told.body.as_ref().is_some_and(|body| body.added);
        // By now the log has said which schema is in force. What was understood by another could
        // lack a tag or a prohibition.
        let schema = self.schema(config, context);
        if !self.is_in_force(operation.known.schema) {
            return Err(NotStored::SchemaUnsettled);
        }
        let knowledge = schema.knowledge(config);
        let shown = Shown { json, added };
        let analysis = &operation.known.analysis;
        let StorableEntry { entry, types, contradicts_schema } =
            graphql_entry(config, plan, analysis, &knowledge, shown, fetched)?;
        if contradicts_schema {
            self.distrust_schema().await;
            return Err(NotStored::SchemaContradicted);
        }
        self.isolate.learn_types(types);
        Ok(self.keep_entry(request, storing, entry))
    }

    /// Keeps an entry in every tier: beside the first variant, where it is another one.
    pub(super) fn keep_entry(
        &self,
        request: &Request,
        storing: Storing<'_>,
        mut entry: Entry,
    ) -> Rc<Cached> {
        let Storing { plan, other_variant, replaces, .. } = storing;
        let is_whole = entry.meta.key == plan.key.as_str();
        if is_whole
            && other_variant == Some(entry.meta.vary.as_slice())
            && let Some(key) = variant_key(plan.key.as_str(), &entry.meta.vary, request)
        {
            entry.meta.key = key;
        }
        let meta = &entry.meta;
        let fresh = meta.ttl.as_seconds() > meta.initial_age;
        // What is good for nothing but to be validated is kept where that costs nothing.
        let serves = fresh || !meta.swr.is_zero() || !meta.sie.is_zero();
        let cached = Cached::new(entry, false);
        // One that was asked for later may have been quicker. One from the future says that the
        // clock was set back, and nothing else.
        let now = self.runtime.now();
        let before = self.isolate.memory.borrow_mut().get(&cached.entry.meta.key);
        let before = before.filter(|before| before.entry.meta.stored_at <= now);
        if before.is_some_and(|before| is_newer(&before, &cached)) {
            return cached;
        }
        self.keep(&cached.entry.meta.key, &cached);
        self.note_stored(plan);
        if serves || replaces {
            self.put_in_stores(cached.clone(), fresh);
        }
        cached
    }

    /// Ends the life of an entry everywhere: it is fresh no more, nor served stale. It is the latest
    /// from here on, so that no copy which a store still shows goes before it, and is kept for long
    /// enough to take their place.
    pub(super) fn end(&self, cached: &Cached) {
        let mut entry = cached.entry.clone();
        let Meta { ttl, swr, sie, kept, stored_at, .. } = &mut entry.meta;
        *stored_at = self.runtime.now().max(*stored_at);
        *kept = cached.entry.meta.lifetime();
        [ttl, swr, sie].into_iter().for_each(|window| *window = Ttl::ZERO);
        let ended = Cached::new(entry, false);
        self.keep(&ended.entry.meta.key, &ended);
        self.put_in_stores(ended, true);
    }

    /// Whether the answer to a request may be stored, whatever the answer is.
    pub(super) fn worth_reading(&self, context: &Context<W>, plan: &Plan) -> Result<(), NotStored> {
        if context.request.method == Method::Head {
            return Err(NotStored::Method);
        }
        if plan.client_directives(&context.request.headers).no_store {
            return Err(NotStored::RequestNoStore);
        }
        Ok(())
    }

    pub(super) async fn whole_body(
        &self,
        answer: &OriginResponse,
        limit: usize,
    ) -> Result<Rc<[u8]>, NotStored> {
        whole(self.runtime.answer_body(answer.handle, limit).await)
    }

    /// Writes an entry to the edge cache, and to KV too if it is worth that, behind the answer. It
    /// is encoded once.
    pub(super) fn put_in_stores(&self, cached: Rc<Cached>, worth_kv: bool) {
        let writes = self.isolate.config.as_ref().map(|config| config.kv.writes);
        // A part is not worth a write.
        let whole = cached.entry.meta.status != 206;
        let in_kv = worth_kv && whole && fits_kv(&cached) && writes == Ok(KvWrites::Always);
        let service = self.clone();
        self.runtime.spawn(async move {
            // The client's answer leaves first.
            service.runtime.sleep(0).await;
            let bytes = encode(&cached.entry);
            let to_kv = async {
                if in_kv {
                    service.put_in_kv(&cached, &bytes).await;
                }
            };
            join(service.put_at_the_edge(&cached, &bytes), to_kv).await;
        });
    }

    /// Writes to KV what was asked for again.
    pub(super) fn put_in_kv_later(&self, cached: Rc<Cached>) {
        if !fits_kv(&cached) {
            return;
        }
        let service = self.clone();
        self.runtime.spawn(async move {
            service.put_in_kv(&cached, &encode(&cached.entry)).await;
        });
    }

    async fn put_at_the_edge(&self, cached: &Cached, bytes: &[u8]) {
        let meta = &cached.entry.meta;
        let names = meta.headers.unreadable_names();
        // Another value of these would change what the edge cache does with the entry.
        if names.iter().any(|name| READ_BY_THE_EDGE.contains(name)) {
            return;
        }
        let seconds = meta.lifetime().as_seconds();
        let fields = meta.headers.original();
        if let Err(fault) = self.runtime.edge_put(&meta.key, bytes, fields, seconds).await {
            self.report_failure("edge-write", &fault);
        }
    }

    async fn put_in_kv(&self, cached: &Cached, bytes: &[u8]) {
        if !self.runtime.kv_bound() || !self.isolate.kv.allows(self.runtime.now()) {
            return;
        }
        let least = self.isolate.config.as_ref().map_or(0, |config| config.kv.min_ttl);
        if cached.entry.meta.lifetime().as_seconds() < least {
            return;
        }
        cached.in_kv.set(true);
        let meta = &cached.entry.meta;
        let seconds = meta.lifetime().as_seconds().max(KV_SECONDS);
        if let Err(fault) = self.runtime.kv_put(&meta.key, bytes, seconds).await {
            cached.in_kv.set(false);
            self.isolate.kv.failed(self.runtime.now(), &fault);
            self.report_failure("kv-write", &fault);
        }
    }
}
