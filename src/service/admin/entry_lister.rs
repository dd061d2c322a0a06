//! The entries that KV has, by their keys and metadata, without reading their values.

use crate::config::Config;
use crate::key::{ListedKey, Pattern, entries_prefix};
use crate::purge::{Record, Subject, Verdict};
use crate::service::context::Context;
use crate::service::purges::Purges;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, KvPage, Runtime};
use crate::service::tiers::Tiers;
use crate::service::timeout::within;
use crate::stored::Summary;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How long KV may take for one list.
const LIST_MILLIS: u64 = 5_000;
/// How many lists one request makes at most.
const LISTS: usize = 5;
/// How long keys in KV may be, and so prefixes of them.
const KEY_BYTES: usize = 512;
/// How many keys a preview looks at.
const PREVIEWED_KEYS: usize = 1_000;
/// How many keys a preview names.
const SHOWN_KEYS: usize = 20;

/// Lists entries.
pub struct EntryLister {
    config: Rc<Config>,
    tiers: Rc<Tiers>,
    purges: Purges,
}

/// A key that KV lists, with what its metadata says.
#[derive(Debug, Clone, PartialEq)]
pub struct KvEntry {
    /// The key.
    pub key: String,
    /// `None`: it was stored by an earlier version.
    pub summary: Option<Summary>,
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedPage {
    /// The entries.
    pub entries: Vec<KvEntry>,
    /// Where the next page begins.
    pub cursor: Option<String>,
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFault {
    /// KV works, and refuses the cursor.
    Cursor,
    /// KV cannot be listed.
    Kv(Fault),
}

/// The entries that a purge would purge.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// How many.
    pub count: usize,
    /// How many it may purge, as far as their metadata shows.
    pub maybe: usize,
    /// The first keys.
    pub keys: Vec<String>,
    /// Whether KV has no other entries.
    pub saw_all: bool,
}

/// Whether a purge would purge an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Purges,
    MayPurge,
    Nothing,
}

impl EntryLister {
    /// Lists what these tiers hold.
    pub fn new(config: Rc<Config>, tiers: Rc<Tiers>, purges: Purges) -> Rc<Self> {
        Rc::new(Self { config, tiers, purges })
    }

    /// A page of at most `limit` entries that match a pattern, if there is one. `cursor` is what a client has
    /// sent.
    pub async fn page<R: Runtime>(
        &self,
        context: &Context<R>,
        pattern: Option<&Pattern>,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<ListedPage, ListFault> {
        let prefix = self.prefix(pattern);
        let page = self.first_page(context, &prefix, limit, cursor.as_deref()).await?;
        let mut cursor = page.cursor.clone();
        let mut entries = self.entries_of(page, pattern);
        for _ in 1..LISTS {
            if !entries.is_empty() || cursor.is_none() {
                break;
            }
            let page = self.list(context, &prefix, limit, cursor.as_deref()).await;
            let page = page.map_err(ListFault::Kv)?;
            cursor = page.cursor.clone();
            entries = self.entries_of(page, pattern);
        }
        Ok(ListedPage { entries, cursor })
    }

    /// The page that begins at a client's cursor.
    async fn first_page<R: Runtime>(
        &self,
        context: &Context<R>,
        prefix: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<KvPage, ListFault> {
        let runtime = &context.runtime;
        let listing = runtime.kv_list_page(prefix, limit, cursor);
        match within(runtime, LIST_MILLIS, listing).await {
            Ok(page) => Ok(page),
            Err(fault)
                if cursor.is_some()
                    && is_refusal(&fault)
                    && self.list(context, prefix, limit, None).await.is_ok() =>
            {
                Err(ListFault::Cursor)
            }
            Err(fault) => {
                report_failure(runtime, "kv-list", &fault);
                Err(ListFault::Kv(fault))
            }
        }
    }

    /// What the log says about an entry. `None` if its summary does not have all tags and those that it has
    /// are not purged, or if the log was not read.
    pub fn verdict(&self, listed: &KvEntry) -> Option<Verdict> {
        let summary = listed.summary.as_ref()?;
        self.purges.view.mark()?;
        let verdict = self.purges.view.verdict(&self.subject(&listed.key, summary)?);
        (summary.is_complete || verdict == Verdict::Purged).then_some(verdict)
    }

    /// The entries that a record would purge: of those in KV, and of those in this isolate's memory. An error
    /// if KV cannot be listed.
    pub async fn preview<R: Runtime>(
        &self,
        context: &Context<R>,
        record: &Record,
    ) -> Result<Preview, Fault> {
        self.purges.sync.sync(context).await;
        let mut previewed = Preview { saw_all: true, ..Preview::default() };
        let mut seen = BTreeSet::new();
        if context.runtime.kv_bound() {
            let only = self.only_pattern(record);
            let prefix = self.prefix(only);
            let mut cursor = None;
            for _ in 0..LISTS {
                let left = PREVIEWED_KEYS.saturating_sub(seen.len());
                let page = self.list(context, &prefix, left, cursor.as_deref()).await?;
                cursor = page.cursor.clone();
                for listed in self.entries_of(page, only) {
                    previewed.add(&listed.key, self.effect(context, &listed, record));
                    seen.insert(listed.key);
                }
                if cursor.is_none() || seen.len() >= PREVIEWED_KEYS {
                    break;
                }
            }
            previewed.saw_all = cursor.is_none();
        }
        for cached in self.tiers.memory.all() {
            let key = &cached.entry.meta.key;
            if !seen.contains(key) {
                let summary = Some(Summary::of(&cached.entry));
                let listed = KvEntry { key: key.clone(), summary };
                previewed.add(key, self.effect(context, &listed, record));
            }
        }
        Ok(previewed)
    }

    /// The pattern of a record that names nothing else: then only what matches it has to be looked at.
    fn only_pattern<'r>(&self, record: &'r Record) -> Option<&'r Pattern> {
        match record.patterns.as_slice() {
            [one] if record.tags.is_empty() && !record.all => Some(one),
            _ => None,
        }
    }

    fn effect<R: Runtime>(
        &self,
        context: &Context<R>,
        listed: &KvEntry,
        record: &Record,
    ) -> Effect {
        let Some(summary) = &listed.summary else { return Effect::MayPurge };
        let Some(subject) = self.subject(&listed.key, summary) else { return Effect::Nothing };
        let before = self.purges.view.verdict(&subject);
        // A soft purge does nothing to what was purged softly.
        let is_left = before == Verdict::Valid || (before == Verdict::Stale && !record.soft);
        if !is_left || summary.has_ended() || summary.is_over(context.runtime.now()) {
            return Effect::Nothing;
        }
        match record.purges(&subject) {
            true if before == Verdict::Valid && !summary.is_complete => Effect::MayPurge,
            true => Effect::Purges,
            false if summary.is_complete => Effect::Nothing,
            false => Effect::MayPurge,
        }
    }

    fn subject<'s>(&self, key: &'s str, summary: &'s Summary) -> Option<Subject<'s>> {
        let key_from_kind = ListedKey::parse(&self.config.service, key)?.from_kind;
        let Summary { mark, tagging, hashes, .. } = summary;
        Some(Subject { mark: *mark, tags: hashes, tagging: *tagging, key_from_kind })
    }

    fn prefix(&self, pattern: Option<&Pattern>) -> String {
        let mut prefix = entries_prefix(&self.config.service);
        prefix.push_str(pattern.map_or("", Pattern::prefix));
        // The rest is compared here.
        prefix.truncate(KEY_BYTES);
        prefix
    }

    async fn list<R: Runtime>(
        &self,
        context: &Context<R>,
        prefix: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<KvPage, Fault> {
        let runtime = &context.runtime;
        let listing = runtime.kv_list_page(prefix, limit, cursor);
        let page = within(runtime, LIST_MILLIS, listing).await;
        // Lists have a limit of their own, so their failures say nothing about reads and writes.
        page.inspect_err(|fault| report_failure(runtime, "kv-list", fault))
    }

    fn entries_of(&self, page: KvPage, pattern: Option<&Pattern>) -> Vec<KvEntry> {
        let is_wanted = |key: &str| {
            ListedKey::parse(&self.config.service, key)
                .is_some_and(|key| pattern.is_none_or(|pattern| pattern.matches(key.from_kind)))
        };
        let keys = page.keys.into_iter().filter(|key| is_wanted(&key.name));
        keys.map(|key| {
            let summary = key.metadata.as_deref().and_then(Summary::decode);
            KvEntry { key: key.name, summary }
        })
        .collect()
    }
}

/// Whether KV refused what it was asked, and did not fail. workerd's message has the status of its response, as
/// in `KV GET failed: 400 Bad Request`.
fn is_refusal(fault: &str) -> bool {
    fault.contains(" failed: 4") && !fault.contains(" failed: 429")
}

impl Preview {
    fn add(&mut self, key: &str, effect: Effect) {
        match effect {
            Effect::Nothing => {}
            Effect::MayPurge => self.maybe += 1,
            Effect::Purges => {
                self.count += 1;
                if self.keys.len() < SHOWN_KEYS {
                    self.keys.push(key.to_owned());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
