//! Hit-for-miss (a term of Varnish): keys whose responses will not be stored, so that no request
//! should wait for another one's.

use crate::engine::Plan;
use crate::limits;
use crate::policy::NotStored;
use crate::service::expiring_map::ExpiringMap;
use crate::time::Timestamp;
use std::borrow::Cow;
use std::cell::RefCell;

/// How long a key is remembered.
const REMEMBERED_MILLIS: u64 = 60_000;

/// The keys of an isolate whose responses will not be stored.
#[derive(Debug)]
pub struct HitForMiss {
    keys: RefCell<ExpiringMap<()>>,
}

impl Default for HitForMiss {
    fn default() -> Self {
        let keys = ExpiringMap::new(REMEMBERED_MILLIS, limits::UNSTORABLE_KEYS);
        Self { keys: RefCell::new(keys) }
    }
}

impl HitForMiss {
    /// `true` if responses of that shared key will not be stored.
    pub fn contains(&self, key: &str, now: Timestamp) -> bool {
        self.keys.borrow().get(key, now).is_some()
    }

    /// A response with that status was not stored. The key is remembered if the reason will recur.
    pub fn note_not_stored(&self, plan: &Plan, status: u16, reason: NotStored, now: Timestamp) {
        if reason.will_recur(status) {
            self.keys.borrow_mut().put(&shared_key(plan), (), now);
        }
    }

    /// A response was stored: it is worth waiting for the next one.
    pub fn note_stored(&self, plan: &Plan) {
        self.keys.borrow_mut().remove(&shared_key(plan));
    }
}

/// What requests can share. A response to a request with `Authorization` may not be for one without,
/// and a reason not to share the one does not hold for the other.
pub fn shared_key(plan: &Plan) -> Cow<'_, str> {
    match plan.rest.authorized {
        true => Cow::Owned(format!("{}~authorized", plan.key.as_str())),
        false => Cow::Borrowed(plan.key.as_str()),
    }
}
