//! `GET entries`

use super::body::{error, invalid, parameter};
use super::components::Admin;
use super::entry_lister::{KvEntry, ListFault};
use crate::admin::{EntryDetail, EntryList, EntryVerdict, ListedEntry, Role};
use crate::http::{Headers, Response};
use crate::key::{ListedKey, Pattern};
use crate::purge::Verdict;
use crate::service::context::Context;
use crate::service::respond::json_response;
use crate::service::runtime::{Fault, Runtime};
use crate::service::tiers::{CachedEntry, FarTier as _, Tier as _};
use crate::service::timeout::within;
use crate::stored::Summary;
use std::rc::Rc;

/// How many entries a page has unless the request says otherwise, and at most.
const SHOWN: usize = 100;
const MOST_SHOWN: usize = 1_000;
/// The longest cursor, in bytes.
const CURSOR_BYTES: usize = 2_048;
/// How long KV may take for one entry.
const READ_MILLIS: u64 = 5_000;

/// Responds with a page of the entries in KV, or with one entry.
pub async fn entries<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let shows_body = match parameter(&context.request, "body").as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return invalid("expected 0 or 1", "body"),
    };
    match parameter(&context.request, "key") {
        Some(key) => one(admin, context, &key, shows_body).await,
        None => page(admin, context).await,
    }
}

async fn page<R: Runtime>(admin: &Admin, context: &Context<R>) -> Response {
    let text = |name| parameter(&context.request, name);
    let pattern = match text("pattern").map(|text| Pattern::parse(&text)).transpose() {
        Ok(pattern) => pattern,
        Err(message) => return invalid(&message, "pattern"),
    };
    let limit = text("limit").map_or(Ok(SHOWN), |text| text.parse());
    let Some(limit) = limit.ok().filter(|limit| (1..=MOST_SHOWN).contains(limit)) else {
        return invalid("expected a whole number from 1 to 1000", "limit");
    };
    let cursor = text("cursor").filter(|cursor| !cursor.is_empty());
    if cursor.as_ref().is_some_and(|cursor| cursor.len() > CURSOR_BYTES) {
        return wrong_cursor();
    }
    if !context.runtime.kv_bound() {
        return error(503, "entries are listed from KV, and no namespace is bound as CACHE_KV");
    }
    admin.purges.sync.sync(context).await;
    match admin.lister.page(context, pattern.as_ref(), limit, cursor).await {
        Ok(page) => {
            let entries = page.entries.iter();
            let entries = entries.filter_map(|listed| listed_entry(admin, context, listed));
            json_response(200, &EntryList { entries: entries.collect(), cursor: page.cursor })
        }
        Err(ListFault::Cursor) => wrong_cursor(),
        Err(ListFault::Kv(fault)) => {
            error(503, &["KV could not be listed; try again: ", &fault].concat())
        }
    }
}

fn wrong_cursor() -> Response {
    invalid("expected the cursor of the page before, with the same pattern", "cursor")
}

async fn one<R: Runtime>(
    admin: &Admin,
    context: &Context<R>,
    key: &str,
    shows_body: bool,
) -> Response {
    let role = context.admin.as_ref().map(|admin| admin.administrator.role);
    if shows_body && role != Some(Role::Admin) {
        return error(403, "bodies need a token with the role admin");
    }
    if ListedKey::parse(&admin.config.service, key).is_none() {
        return invalid("expected the key of an entry of this service", "key");
    }
    admin.purges.sync.sync(context).await;
    let (tier, cached) = match find(admin, context, key).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return error(404, "neither KV nor the memory of this isolate has such an entry");
        }
        Err(fault) => return error(503, &["KV could not be read; try again: ", &fault].concat()),
    };
    if shows_body {
        return body_response(&cached);
    }
    let summary = Some(Summary::of(&cached.entry));
    let listed = KvEntry { key: key.to_owned(), summary };
    let Some(listed) = listed_entry(admin, context, &listed) else {
        return error(404, "no such entry");
    };
    let meta = &cached.entry.meta;
    let detail = EntryDetail {
        listed,
        tier: tier.to_owned(),
        status: meta.status,
        content_type: meta.headers.get("content-type").map(str::to_owned),
        swr: meta.swr.as_seconds(),
        sie: meta.sie.as_seconds(),
        seq: meta.mark.seq,
        vary: meta.vary.clone(),
    };
    json_response(200, &detail)
}

/// The entry that a look-up would find first of those in memory and in the far tiers. An error if one of these
/// cannot be read: it may have the entry.
async fn find<R: Runtime>(
    admin: &Admin,
    context: &Context<R>,
    key: &str,
) -> Result<Option<(&'static str, Rc<CachedEntry>)>, Fault> {
    let memory = &admin.tiers.memory;
    if let Some(cached) = memory.peek(key) {
        return Ok(Some((memory.name(), cached)));
    }
    for tier in admin.tiers.far.iter().filter(|tier| tier.is_bound(&context.runtime)) {
        let reading = async { Ok(tier.get(context, key).await) };
        if let Some(cached) = within(&context.runtime, READ_MILLIS, reading).await? {
            return Ok(Some((tier.name(), cached)));
        }
        if let Some(fault) = tier.breaker().reason() {
            return Err(fault);
        }
    }
    Ok(None)
}

/// The stored body. What an origin has sent must not run in the origin of the admin page, so no browser
/// shows it.
fn body_response(cached: &CachedEntry) -> Response {
    let stored = &cached.entry;
    let mut headers = Headers::new();
    for name in ["content-type", "content-encoding"] {
        if let Some(value) = stored.meta.headers.get(name) {
            headers.set(name, value);
        }
    }
    headers.set("content-disposition", "attachment");
    headers.set("content-security-policy", "default-src 'none'; sandbox");
    headers.set("x-content-type-options", "nosniff");
    headers.set("cache-control", "no-store");
    Response { status: 200, headers, body: stored.body.clone() }
}

fn listed_entry<R: Runtime>(
    admin: &Admin,
    context: &Context<R>,
    listed: &KvEntry,
) -> Option<ListedEntry> {
    let key = ListedKey::parse(&admin.config.service, &listed.key)?;
    let summary = listed.summary.as_ref();
    let now = context.runtime.now();
    let tags = summary.map(|summary| summary.tags.clone()).unwrap_or_default();
    let is_all = |summary: &Summary| summary.is_complete && summary.hashes.len() == tags.len();
    let tags_complete = summary.is_some_and(is_all);
    Some(ListedEntry {
        key: listed.key.clone(),
        kind: key.kind.to_owned(),
        type_name: key.type_name.to_owned(),
        name: key.name.to_owned(),
        scope: key.scope.to_owned(),
        stored_at: summary.map(|summary| summary.stored_at.as_millis()),
        age: summary.map(|summary| summary.age(now)),
        ttl: summary.map(|summary| summary.ttl.as_seconds()),
        bytes: summary.map(|summary| summary.bytes),
        tags,
        tags_complete,
        verdict: admin.lister.verdict(listed).map(|verdict| match verdict {
            Verdict::Valid => EntryVerdict::Valid,
            Verdict::Stale => EntryVerdict::Stale,
            Verdict::Purged => EntryVerdict::Purged,
        }),
    })
}
