//! Signals between the requests of the isolate.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// The signals that are not resolved yet, each with the tasks that wait for it.
#[derive(Default)]
pub(super) struct Signals {
    last: Cell<u32>,
    waiting: RefCell<BTreeMap<u32, Vec<Waker>>>,
}

impl Signals {
    /// Creates a signal.
    pub fn create(&self) -> u32 {
        self.last.set(self.last.get().wrapping_add(1));
        self.waiting.borrow_mut().insert(self.last.get(), Vec::new());
        self.last.get()
    }

    /// How many signals are not resolved yet.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Resolves a signal.
    pub fn resolve(&self, signal: u32) {
        let waiting = self.waiting.borrow_mut().remove(&signal);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    /// Waits until a signal is resolved.
    pub async fn wait(&self, signal: u32) {
        poll_fn(|context| match self.waiting.borrow_mut().get_mut(&signal) {
            Some(waiting) => {
                waiting.push(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
    }
}
