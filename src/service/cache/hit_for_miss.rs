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
    keys: RefCell<ExpiringMap<NotStored>>,
    /// Other keys, for explanations: the last response was not stored, and the next one may be. They are apart,
    /// so that responses to guessed URLs do not drive those above out.
    others: RefCell<ExpiringMap<NotStored>>,
}

impl Default for HitForMiss {
    fn default() -> Self {
        let keys = || RefCell::new(ExpiringMap::new(REMEMBERED_MILLIS, limits::UNSTORABLE_KEYS));
        Self { keys: keys(), others: keys() }
    }
}

impl HitForMiss {
    /// `true` if responses of that shared key will not be stored.
    pub fn contains(&self, key: &str, now: Timestamp) -> bool {
        self.keys.borrow().get(key, now).is_some()
    }

    /// Why the last response to such a read was not stored, if it is remembered.
    pub fn last_reason(&self, plan: &Plan, now: Timestamp) -> Option<NotStored> {
        let key = shared_key(plan);
        // It is forgotten there as soon as a response has a reason that will recur.
        self.others.borrow().get(&key, now).or_else(|| self.keys.borrow().get(&key, now))
    }

    /// A response with that status was not stored. Requests for the key do not wait if the reason will recur.
    pub fn note_not_stored(&self, plan: &Plan, status: u16, reason: NotStored, now: Timestamp) {
        let key = shared_key(plan);
        if reason.will_recur(status) {
            self.keys.borrow_mut().put(&key, reason, now);
            self.others.borrow_mut().remove(&key);
        } else if reason.is_of_response() {
            self.others.borrow_mut().put(&key, reason, now);
        }
    }

    /// A response was stored: it is worth waiting for the next one.
    pub fn note_stored(&self, plan: &Plan) {
        let key = shared_key(plan);
        self.keys.borrow_mut().remove(&key);
        self.others.borrow_mut().remove(&key);
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
