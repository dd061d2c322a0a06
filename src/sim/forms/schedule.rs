//! When the clients of other forms send requests, and to which isolate.

use crate::sim::fleet::Fleet;

/// When a client sends requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub until: u64,
    pub pause: u64,
    pub rest: u64,
}

impl Schedule {
    /// Waits until the next request. `false` if the run is over.
    pub async fn pass(self, fleet: &Fleet) -> bool {
        let universe = &fleet.universe;
        universe.takes(10, 2 * self.pause).await;
        if self.rest > 0 && universe.random.happens(50) {
            universe.takes(self.rest / 10, self.rest).await;
        }
        universe.now() < self.until
    }
}

/// Any isolate.
pub(super) fn any_isolate(fleet: &Fleet) -> usize {
    fleet.universe.random.below(fleet.isolates() as u64) as usize
}
