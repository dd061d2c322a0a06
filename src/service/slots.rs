//! Slots: a limit on how many calls of one kind a request makes at once.
//!
//! Workers lets a request have six connections that wait for a response's headers, and queues further
//! ones (developers.cloudflare.com/workers/platform/limits). A call that waits in that queue looks like a
//! store that is slow. So a request queues its calls itself, and starts each timer with its call.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// How many stores a request reads at once: as many as it may have connections.
pub(super) const READS: usize = 6;

/// How many stale entries a request revalidates at once. Each needs one connection at a time, and the
/// request's own calls need some too.
pub(super) const REVALIDATIONS: usize = 3;

/// The slots of one request for one kind of call.
#[derive(Debug)]
pub(super) struct Slots {
    free: Cell<usize>,
    in_use: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

/// The right to make one call.
///
/// A slot that is dropped without [`Slot::give_back`] is lost: a call that was given up keeps its
/// connection, and nothing tells when that is free again.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Rc<Slots>,
}

impl Slots {
    /// So many free slots.
    pub fn new(count: usize) -> Rc<Self> {
        let (free, in_use) = (Cell::new(count), Cell::default());
        Rc::new(Self { free, in_use, waiting: RefCell::default() })
    }

    /// Waits for a slot; `None` if all of them are lost.
    pub async fn take(self: &Rc<Self>) -> Option<Slot> {
        poll_fn(|context| {
            let (free, in_use) = (self.free.get(), self.in_use.get());
            if let Some(left) = free.checked_sub(1) {
                self.free.set(left);
                self.in_use.set(in_use + 1);
                return Poll::Ready(Some(Slot { slots: self.clone() }));
            }
            if in_use == 0 {
                return Poll::Ready(None);
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Slot {
    /// Frees the slot: the call has ended.
    pub fn give_back(self) {
        self.slots.free.set(self.slots.free.get() + 1);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.in_use.set(self.slots.in_use.get().saturating_sub(1));
        // All are woken: if only one were, and it had given up waiting, the slot would stay unused.
        let waiting = self.slots.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::task::{Context, Wake};

    #[test]
    fn a_slot_that_is_given_back_is_for_the_next() {
        let slots = Slots::new(2);
        let take = || slots.take().now_or_never();
        let (first, second) = (take().flatten().unwrap(), take().flatten().unwrap());
        assert!(take().is_none(), "the third waits");
        first.give_back();
        let third = take().flatten().unwrap();
        assert!(take().is_none());
        drop(second);
        assert!(take().is_none(), "what was given up is not free");
        third.give_back();
        take().flatten().unwrap().give_back();
    }

    #[test]
    fn nobody_waits_where_all_slots_are_lost() {
        let slots = Slots::new(1);
        let slot = slots.take().now_or_never().flatten();
        let mut waiting = Box::pin(slots.take());
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(slot);
        assert!(waiting.now_or_never().is_some_and(|slot| slot.is_none()));
        assert!(slots.take().now_or_never().is_some_and(|slot| slot.is_none()));
    }

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    #[test]
    fn who_waits_no_more_takes_nobodys_turn() {
        let slots = Slots::new(1);
        let held = slots.take().now_or_never().flatten().unwrap();
        // One that gives up, and stays in the queue.
        assert!(Box::pin(slots.take()).now_or_never().is_none());
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(woken.clone());
        let mut waiting = Box::pin(slots.take());
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        held.give_back();
        assert!(woken.0.load(Relaxed));
        assert!(waiting.now_or_never().flatten().is_some());
    }
}
