//! Storing an entry in every tier.

use super::hit_for_miss::HitForMiss;
use super::variants::variant_key;
use crate::engine::Plan;
use crate::purge::Mark;
use crate::service::context::Context;
use crate::service::runtime::Runtime;
use crate::service::tiers::{CachedEntry, Occasion, Tiers};
use crate::stored::{Entry, Meta};
use crate::time::Ttl;
use std::rc::Rc;

/// Where a response is stored, and what is known of its place.
#[derive(Debug, Clone, Copy)]
pub struct StoreTarget<'a> {
    /// The plan of the read.
    pub plan: &'a Plan,
    /// Where the purge log stood before the origin was asked. `None` if that was not known: then
    /// nothing is stored.
    pub mark: Option<Mark>,
    /// The `Vary` of the entry under the plan's own key, if that entry is another variant.
    pub other_variant: Option<&'a [String]>,
    /// Whether something older is stored.
    pub replaces: bool,
}

impl StoreTarget<'_> {
    /// For an entry that stays under the key that it has.
    pub fn in_place(self) -> Self {
        Self { other_variant: None, replaces: true, ..self }
    }
}

/// Stores entries.
pub struct Store {
    tiers: Rc<Tiers>,
    hit_for_miss: Rc<HitForMiss>,
}

impl Store {
    /// A store in these tiers.
    pub fn new(tiers: Rc<Tiers>, hit_for_miss: Rc<HitForMiss>) -> Rc<Self> {
        Rc::new(Self { tiers, hit_for_miss })
    }

    /// Stores an entry: under the plan's key, or under the key of its variant if the plan's own is
    /// taken by another one. The edge cache and the far tiers are written after the response is sent.
    pub fn put<R: Runtime>(
        &self,
        context: &Context<R>,
        target: StoreTarget<'_>,
        mut entry: Entry,
    ) -> Rc<CachedEntry> {
        let StoreTarget { plan, other_variant, replaces, .. } = target;
        let is_whole = entry.meta.key == plan.key.as_str();
        if is_whole
            && other_variant == Some(entry.meta.vary.as_slice())
            && let Some(key) = variant_key(plan.key.as_str(), &entry.meta.vary, &context.request)
        {
            entry.meta.key = key;
        }
        let meta = &entry.meta;
        let is_fresh = meta.ttl.as_seconds() > meta.initial_age;
        // What can only be validated is kept where that costs nothing.
        let is_served = is_fresh || !meta.swr.is_zero() || !meta.sie.is_zero();
        let cached = CachedEntry::new(entry);
        // A request that began later may have been quicker. An entry from the future only says that
        // the clock was set back.
        let now = context.runtime.now();
        let before = self.tiers.memory.find(&cached.entry.meta.key);
        let before = before.filter(|before| before.entry.meta.stored_at <= now);
        if let Some(before) = &before {
            if is_newer(before, &cached) {
                context.note_entry(before);
                return cached;
            }
            before.supersede(&cached);
        }
        context.note_entry(&cached);
        self.tiers.memory.insert(&cached);
        self.hit_for_miss.note_stored(plan);
        if is_served || replaces {
            let occasion = match context.is_warming() {
                true => Occasion::Warmed,
                false => Occasion::Stored { is_fresh },
            };
            self.tiers.put_in_background(&context.runtime, cached.clone(), occasion);
        }
        cached
    }

    /// Ends an entry's life everywhere: it is neither fresh nor served stale any more.
    ///
    /// It is stored again as the latest entry, so that no copy which a tier still shows takes
    /// precedence, and for long enough to outlive such copies.
    pub fn expire<R: Runtime>(&self, runtime: &R, cached: &CachedEntry) {
        let mut entry = cached.entry.clone();
        let Meta { ttl, swr, sie, kept, stored_at, .. } = &mut entry.meta;
        *stored_at = runtime.now().max(*stored_at);
        *kept = cached.entry.meta.lifetime();
        [ttl, swr, sie].into_iter().for_each(|window| *window = Ttl::ZERO);
        let expired = cached.replaced(entry);
        cached.supersede(&expired);
        self.tiers.memory.insert(&expired);
        self.tiers.put_in_background(runtime, expired, Occasion::Ended);
    }
}

/// `true` if an entry is of a later response than another, and knows of every purge that the other
/// knows of.
fn is_newer(one: &CachedEntry, other: &CachedEntry) -> bool {
    let (one, other) = (&one.entry.meta, &other.entry.meta);
    let is_same_log = one.mark.epoch == other.mark.epoch;
    one.stored_at > other.stored_at && is_same_log && one.mark.seq >= other.mark.seq
}
