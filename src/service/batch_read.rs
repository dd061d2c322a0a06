//! A batch of queries: what is stored comes from the cache, and all that is not is asked for in one
//! smaller batch, whose answers are stored one by one.
//!
//! Where the origin does not take the smaller batch, it is asked once more for all that the client
//! asked, and that answer is passed on. Queries change nothing, so they may be asked twice.

use super::ask::{Told, ToldBody, without_addition, without_the_origins_body};
use super::batch::{Item, Kind};
use super::context::Context;
use super::documents::{Operation, not_found};
use super::fetch::is_servable_stale;
use super::find::Candidate;
use super::handle::{Reply, Service};
use super::isolate::Standing;
use super::keep::Storing;
use super::runtime::{BodyRead, OriginFailure, OriginResponse, Runtime};
use super::slots;
use super::stats::Answered;
use crate::config::{Config, KvWrites};
use crate::engine::{Bypass, Plan, XCache};
use crate::graphql::{InjectedDocument, Outcome, RewrittenRequest, array_of, elements, outcome};
use crate::http::Response;
use crate::limits;
use crate::policy::{CacheStatus, Forward, Freshness};
use crate::purge::Mark;
use futures_util::future::{Either, select};
use futures_util::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::pin::pin;
use std::rc::Rc;

/// The word for a batch in `Cache-Status` and log lines.
const BATCH: &str = "batch";

/// Headers of an entry that are not those of an array with it.
const OF_ONE_ENTRY: [&str; 4] = ["etag", "last-modified", "cache-control", "expires"];

/// A query of a batch, and what is stored for it.
struct Place<'a> {
    operation: &'a Rc<Operation>,
    plan: &'a Plan,
    /// Its element as it came.
    sent: &'a str,
    candidate: Option<Candidate>,
    other_variant: Option<Vec<String>>,
}

impl Place<'_> {
    fn freshness(&self) -> Option<Freshness> {
        self.candidate.as_ref().map(|candidate| candidate.freshness)
    }

    fn is_fresh(&self) -> bool {
        self.freshness() == Some(Freshness::Fresh)
    }

    fn may_be_revalidated(&self) -> bool {
        self.freshness() == Some(Freshness::StaleWhileRevalidate)
    }
}

/// Whether documents are sent with what Evergraph adds.
#[derive(Clone, Copy, PartialEq)]
enum Additions {
    Where,
    Nowhere,
}

/// The origin's answers to several queries.
struct Several {
    answer: OriginResponse,
    elements: Vec<Taken>,
}

/// The origin's answer to one of several queries.
enum Taken {
    Told(ToldBody),
    /// Refused with what was added to it, or that cannot be taken out again.
    Refused,
}

/// The origin did not answer with as many answers as there were queries.
struct Untold {
    answer: Result<OriginResponse, OriginFailure>,
    /// Whether it was asked just what the client asked.
    as_it_came: bool,
    /// Whether it was asked with what Evergraph adds.
    added: bool,
}

impl<W: Runtime> Service<W> {
    /// Answers a batch of queries.
    pub(super) async fn batch_read(
        &self,
        config: &Config,
        context: &Context<W>,
        items: &[Item],
    ) -> Reply {
        // Once, and not for each of them.
        self.isolate.purges.sync.sync(context).await;
        let Some(mut places) = self.places(config, context, items).await else {
            return self.batch_again(config, context, items, &[], None).await;
        };
        // While the later ones were looked up, a purge of the first may have come.
        self.judge_again(context, &mut places).await;
        // Where the log stood before the origin is asked: what is purged from here on is newer.
        let mark = self.isolate.purges.view.mark();
        let known = || places.iter().flatten();
        let all_stored = known().all(|place| place.is_fresh() || place.may_be_revalidated());
        if all_stored {
            return self.batch_from_cache(config, context, &places);
        }
        // What is stale is fetched anew along with what is not there.
        let wanted: Vec<&Place<'_>> = known().filter(|place| !place.is_fresh()).collect();
        let fetched = match self.fetched(config, context, items, &wanted).await {
            Ok(fetched) => fetched,
            Err(untold) => {
                return self.batch_again(config, context, items, &places, Some(untold)).await;
            }
        };
        // While the origin was asked, a purge may have come.
        for place in known().filter(|place| place.is_fresh()) {
            if !self.is_still_fresh(context, place).await {
                return self.batch_again(config, context, items, &[], None).await;
            }
        }
        self.batch_fetched(context, &places, &wanted, fetched, mark).await
    }

    /// What is stored for each query; none where that is more than an answer may be.
    async fn places<'a>(
        &'a self,
        config: &'a Config,
        context: &'a Context<W>,
        items: &'a [Item],
    ) -> Option<Vec<Option<Place<'a>>>> {
        let looking = items.iter().map(|item| self.place(config, context, item));
        let mut looking = pin!(iter(looking).buffered(slots::READS));
        let mut places = Vec::with_capacity(items.len());
        let mut bytes = 0;
        while let Some(place) = looking.next().await {
            bytes += place.as_ref().map_or(0, |place| stored_body(place).len());
            if bytes > limits::ANSWER_BODY_BYTES {
                return None;
            }
            places.push(place);
        }
        Some(places)
    }

    async fn place<'a>(
        &'a self,
        config: &'a Config,
        context: &'a Context<W>,
        item: &'a Item,
    ) -> Option<Place<'a>> {
        let Kind::Query { operation, plan } = &item.kind else { return None };
        let found = self.find(config, context, plan).await;
        let (candidate, other_variant) = (found.candidate, found.other_variant);
        Some(Place { operation, plan, sent: &item.sent, candidate, other_variant })
    }

    /// Judges what was found once more, all of it at one moment.
    async fn judge_again(&self, context: &Context<W>, places: &mut [Option<Place<'_>>]) {
        self.isolate.purges.sync.sync(context).await;
        let may_judge = self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write);
        for place in places.iter_mut().flatten() {
            match &mut place.candidate {
                Some(one) if may_judge => {
                    one.freshness = self.judged(&context.request, place.plan, &one.cached);
                }
                candidate => *candidate = None,
            }
        }
    }

    async fn is_still_fresh(&self, context: &Context<W>, place: &Place<'_>) -> bool {
        self.isolate.purges.sync.sync(context).await;
        let Some(candidate) = &place.candidate else { return false };
        self.isolate.purges.view.may_judge(self.runtime.now(), context.own_write)
            && self.judged(&context.request, place.plan, &candidate.cached) == Freshness::Fresh
    }

    /// Answers with what is stored, stale entries included; each of those is fetched anew.
    fn batch_from_cache(
        &self,
        config: &Config,
        context: &Context<W>,
        places: &[Option<Place<'_>>],
    ) -> Reply {
        let now = self.runtime.now();
        let unknown = places.iter().any(Option::is_none);
        let mut stale = false;
        let mut ttl_left = i64::MAX;
        for place in places.iter().flatten() {
            let Some(candidate) = &place.candidate else { continue };
            let meta = &candidate.cached.entry.meta;
            if let CacheStatus::Hit { ttl, .. } = CacheStatus::hit(meta.ttl, meta.age(now), BATCH) {
                ttl_left = ttl_left.min(ttl);
            }
            if candidate.freshness != Freshness::Fresh {
                stale = true;
                if place.may_be_revalidated() {
                    let operation = Some(place.operation.clone());
                    self.revalidate(context, place.plan, candidate, operation);
                }
            }
            if config.kv.writes == KvWrites::SecondRequest && !candidate.cached.in_kv.get() {
                self.put_in_kv_later(candidate.cached.clone());
            }
        }
        let body: Rc<[u8]> = array_of(places.iter().map(|place| match place {
            Some(place) => stored_body(place),
            None => not_found().to_string().into_bytes().into(),
        }))
        .into();
        let first = places.iter().flatten().find_map(|place| place.candidate.as_ref());
        let Some(first) = first else { return self.unknown_documents(context, body) };
        let mut headers = first.cached.entry.meta.headers.clone();
        OF_ONE_ENTRY.iter().for_each(|name| headers.remove(name));
        self.rewrite_location(&context.request, &mut headers);
        headers.set("age", self.age_of(places.iter().flatten()).to_string());
        let hit = CacheStatus::Hit { ttl: ttl_left, tier: BATCH };
        let (x_cache, how, status) = match (unknown, stale) {
            (true, _) => {
                let forward = Forward::Bypass;
                let detail = Some(Bypass::PersistedUnknown.as_str());
                let status =
                    CacheStatus::Forwarded { forward, status: None, stored: false, detail };
                (XCache::Bypass, Answered::Bypass, status)
            }
            (false, true) => (XCache::Stale, Answered::Stale, hit),
            (false, false) => (XCache::Hit, Answered::Hit, hit),
        };
        headers.set("x-cache", x_cache.as_str());
        status.add_to(&mut headers);
        let from_cache = places.iter().flatten().count();
        self.count(context, 200, how, None);
        self.report_batch(context, places.len(), from_cache, 0, 200);
        Reply::Whole(Response { status: 200, headers, body })
    }

    /// The answers to what is not stored, in its order, each without what was added to it.
    async fn fetched(
        &self,
        config: &Config,
        context: &Context<W>,
        items: &[Item],
        wanted: &[&Place<'_>],
    ) -> Result<Fetched, Untold> {
        let Several { mut answer, elements } =
            self.ask_several(config, context, items, wanted, Additions::Where).await?;
        self.note_scope_changes(config, &context.request, &answer).await;
        let mut bodies: Vec<Option<ToldBody>> = Vec::with_capacity(elements.len());
        let mut refused = Vec::new();
        for (place, taken) in wanted.iter().zip(elements) {
            match taken {
                Taken::Told(body) => {
                    let standing = &place.operation.known.standing;
                    if !body.added && standing.get() == Standing::Refused && ran(&body.json) {
                        standing.set(Standing::Added);
                    }
                    bodies.push(Some(body));
                }
                Taken::Refused => {
                    refused.push(*place);
                    bodies.push(None);
                }
            }
        }
        if !refused.is_empty() {
            let second =
                self.ask_several(config, context, items, &refused, Additions::Nowhere).await?;
            self.note_scope_changes(config, &context.request, &second.answer).await;
            let cookies: Vec<String> =
                answer.headers.get_all("set-cookie").map(str::to_owned).collect();
            answer = second.answer;
            cookies.into_iter().for_each(|cookie| answer.headers.append("set-cookie", cookie));
            let empty = bodies.iter_mut().filter(|body| body.is_none());
            for ((slot, place), taken) in empty.zip(refused).zip(second.elements) {
                let Taken::Told(body) = taken else { continue };
                let standing =
                    if ran(&body.json) { Standing::LeftAlone } else { Standing::Refused };
                place.operation.known.standing.set(standing);
                *slot = Some(body);
            }
            return Ok(Fetched {
                answer,
                bodies: bodies.into_iter().flatten().collect(),
                is_exact: false,
            });
        }
        let bodies: Vec<ToldBody> = bodies.into_iter().flatten().collect();
        let is_exact = wanted.len() == items.len() && bodies.iter().all(|body| !body.added);
        Ok(Fetched { answer, bodies, is_exact })
    }

    async fn ask_several(
        &self,
        config: &Config,
        context: &Context<W>,
        items: &[Item],
        wanted: &[&Place<'_>],
        additions: Additions,
    ) -> Result<Several, Untold> {
        let asking: Vec<(String, Option<&InjectedDocument>)> =
            wanted.iter().map(|place| self.element_for_origin(config, place, additions)).collect();
        let as_it_came = wanted.len() == items.len()
            && asking.iter().zip(wanted).all(|((element, _), place)| element == place.sent);
        let array = || {
            let elements: Vec<&str> = asking.iter().map(|(element, _)| element.as_str()).collect();
            RewrittenRequest::Json(format!("[{}]", elements.join(",")))
        };
        let rewritten = (!as_it_came).then(array);
        let added = asking.iter().any(|(_, injected)| injected.is_some());
        let untold = |answer| Untold { answer, as_it_came, added };
        let answer = match self.ask_rewritten(context, rewritten.as_ref()).await {
            Ok(answer) if answer.status == 200 => answer,
            other => return Err(untold(other)),
        };
        let read = self.json_body(&answer).await;
        let BodyRead::Whole(body) = read else { return Err(untold(Ok(answer))) };
        let Some(found) = elements(&body, asking.len()) else { return Err(untold(Ok(answer))) };
        let elements = found
            .into_iter()
            .zip(&asking)
            .zip(wanted)
            .map(|((text, (_, injected)), place)| taken(text, place.operation, *injected))
            .collect();
        Ok(Several { answer, elements })
    }

    /// A query's element as the origin gets it, and what it was made with.
    fn element_for_origin<'p>(
        &self,
        config: &Config,
        place: &'p Place<'_>,
        additions: Additions,
    ) -> (String, Option<&'p InjectedDocument>) {
        let known = &place.operation.known;
        let may = additions == Additions::Where && known.standing.get() == Standing::Added;
        if let Some(injected) = self.addition(config, place.operation).filter(|_| may)
            && let Some(RewrittenRequest::Json(element)) = place.operation.with_addition(injected)
        {
            return (element, Some(injected));
        }
        match self.as_it_came(config, place.operation) {
            Some(RewrittenRequest::Json(element)) => (element, None),
            _ => (place.sent.to_owned(), None),
        }
    }

    async fn batch_fetched(
        &self,
        context: &Context<W>,
        places: &[Option<Place<'_>>],
        wanted: &[&Place<'_>],
        fetched: Fetched,
        mark: Option<Mark>,
    ) -> Reply {
        let Fetched { answer, bodies, is_exact } = fetched;
        let mut of_an_element = answer.clone();
        without_the_origins_body(&mut of_an_element.headers);
        let mut stored = 0;
        let mut texts = Vec::with_capacity(bodies.len());
        for (place, body) in wanted.iter().zip(bodies) {
            texts.push(body.bytes.clone());
            let answer = of_an_element.clone();
            let told = Told { answer, body: Some(body), validated_entry: None };
            let other_variant = place.other_variant.as_deref();
            let replaces = place.candidate.is_some();
            let storing = Storing { plan: place.plan, mark, other_variant, replaces };
            let kept = self.keep_answer(context, &told, storing, place.operation).await;
            stored += usize::from(kept.is_ok());
        }
        let status = CacheStatus::Forwarded {
            forward: Forward::Miss,
            status: Some(answer.status),
            stored: stored == wanted.len(),
            detail: Some(BATCH),
        };
        let from_cache = places.iter().flatten().filter(|place| place.is_fresh()).count();
        self.count(context, answer.status, Answered::Miss, None);
        self.report_batch(context, places.len(), from_cache, stored, answer.status);
        if is_exact {
            return self.reply(context, &answer, XCache::Miss, &status);
        }
        let mut headers = self.headers_to_client(context, &of_an_element, XCache::Miss, &status);
        if from_cache > 0 {
            let hits = places.iter().flatten().filter(|place| place.is_fresh());
            headers.set("age", self.age_of(hits).to_string());
        }
        let mut texts = texts.into_iter();
        let body = array_of(places.iter().map(|place| match place {
            Some(place) if place.is_fresh() => stored_body(place),
            Some(_) => texts.next().unwrap_or_default(),
            None => not_found().to_string().into_bytes().into(),
        }));
        Reply::Whole(Response { status: answer.status, headers, body: body.into() })
    }

    /// The origin did not take the smaller batch: what is stored where it fails, and otherwise all
    /// of it once more as the client asked, unless that was asked already.
    async fn batch_again(
        &self,
        config: &Config,
        context: &Context<W>,
        items: &[Item],
        places: &[Option<Place<'_>>],
        untold: Option<Untold>,
    ) -> Reply {
        let failed = untold.as_ref().and_then(|untold| match &untold.answer {
            Ok(answer) if answer.status < 500 => None,
            Ok(answer) => Some(format!("answered {}", answer.status)),
            Err(failure) => Some(failure.fault.clone()),
        });
        if let Some(fault) = failed
            && self.all_stand(context, places).await
        {
            self.report_failure("origin", &fault);
            return self.batch_from_cache(config, context, places);
        }
        let added = untold.as_ref().is_some_and(|untold| untold.added);
        let answer = match untold {
            Some(Untold { answer, as_it_came: true, .. }) => answer,
            // It had its time.
            Some(Untold { answer: Err(failure), .. }) if failure.timed_out => Err(failure),
            _ => self.ask_for_all(config, context, items).await,
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return self.origin_failed(context, &failure, Forward::Miss),
        };
        if added && answer.status == 200 {
            // Which of them the origin minds with what was added, nobody knows.
            let asked_with = places.iter().flatten().filter(|place| !place.is_fresh());
            let standings = asked_with.map(|place| &place.operation.known.standing);
            standings
                .filter(|standing| standing.get() == Standing::Added)
                .for_each(|standing| standing.set(Standing::LeftAlone));
        }
        self.note_scope_changes(config, &context.request, &answer).await;
        self.count(context, answer.status, Answered::Miss, None);
        self.report_batch(context, items.len(), 0, 0, answer.status);
        let status = CacheStatus::Forwarded {
            forward: Forward::Miss,
            status: Some(answer.status),
            stored: false,
            detail: Some(BATCH),
        };
        let reply = self.reply(context, &answer, XCache::Miss, &status);
        self.with_unknown(items, reply).await
    }

    async fn ask_for_all(
        &self,
        config: &Config,
        context: &Context<W>,
        items: &[Item],
    ) -> Result<OriginResponse, OriginFailure> {
        let whole = self.whole_batch(config, items);
        let asking = pin!(self.ask_whole(context, whole.as_ref(), true));
        let Some(millis) = config.origin_timeout.read_ms else { return asking.await };
        match select(asking, pin!(self.runtime.sleep(millis))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(OriginFailure::after(millis)),
        }
    }

    /// Whether each query has an entry that may stand in for an origin that fails.
    async fn all_stand(&self, context: &Context<W>, places: &[Option<Place<'_>>]) -> bool {
        for place in places.iter().flatten() {
            let stands = match &place.candidate {
                Some(one) if one.freshness == Freshness::Fresh => {
                    self.is_still_fresh(context, place).await
                }
                Some(one) if is_servable_stale(one.freshness) => {
                    self.still_stands(context, place.plan, one).await
                }
                _ => false,
            };
            if !stands {
                return false;
            }
        }
        !places.is_empty()
    }

    /// The age of the oldest entry among these.
    fn age_of<'p>(&self, places: impl Iterator<Item = &'p Place<'p>>) -> u64 {
        let now = self.runtime.now();
        let candidates = places.filter_map(|place| place.candidate.as_ref());
        candidates.map(|candidate| candidate.cached.entry.meta.age(now)).max().unwrap_or(0)
    }

    fn report_batch(
        &self,
        context: &Context<W>,
        operations: usize,
        hits: usize,
        stored: usize,
        status: u16,
    ) {
        self.report(&json!({
            "event": BATCH,
            "operations": operations,
            "hits": hits,
            "stored": stored,
            "status": status,
            "ms": self.runtime.now().millis_since(context.started),
        }));
    }
}

/// What was fetched for a batch.
struct Fetched {
    answer: OriginResponse,
    bodies: Vec<ToldBody>,
    /// Whether the origin's own bytes are the client's answer.
    is_exact: bool,
}

fn stored_body(place: &Place<'_>) -> Rc<[u8]> {
    let body = place.candidate.as_ref().map(|candidate| candidate.cached.entry.body.clone());
    body.unwrap_or_default()
}

fn taken(text: &str, operation: &Operation, injected: Option<&InjectedDocument>) -> Taken {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(injected) = injected else {
        return Taken::Told(ToldBody { bytes: text.as_bytes().into(), json, added: false });
    };
    if matches!(outcome(&json), Outcome::NothingRan | Outcome::Partial(None)) {
        return Taken::Refused;
    }
    match without_addition(text.as_bytes(), &json, operation, injected) {
        Some(bytes) => Taken::Told(ToldBody { bytes: bytes.into(), json, added: true }),
        None => Taken::Refused,
    }
}

fn ran(json: &Value) -> bool {
    matches!(outcome(json), Outcome::Data(_) | Outcome::Partial(Some(_)))
}
