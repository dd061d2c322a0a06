//! A queue for something that does one thing at a time, in the order of the requests. A request that
//! is dropped leaves the queue.

use super::executor::{Executor, Sleep};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The queue.
#[derive(Default)]
pub struct Turns {
    last: Cell<u64>,
    waiting: RefCell<BTreeMap<u64, Option<Waker>>>,
    /// When it is free again, in microseconds.
    busy_until: Cell<u64>,
}

impl Turns {
    /// Resolves when it is the caller's turn.
    pub fn next(&self, executor: &Rc<Executor>) -> Turn<'_> {
        self.last.set(self.last.get() + 1);
        let ticket = self.last.get();
        self.waiting.borrow_mut().insert(ticket, None);
        Turn { turns: self, executor: executor.clone(), ticket, sleep: None }
    }

    /// Notes how long the turn takes. Returns in how many milliseconds it is over.
    pub fn takes(&self, executor: &Executor, micros: u64) -> u64 {
        let now = executor.now() * 1_000;
        self.busy_until.set(self.busy_until.get().max(now) + micros);
        (self.busy_until.get() - now) / 1_000
    }

    fn is_first(&self, ticket: u64) -> bool {
        self.waiting.borrow().keys().next() == Some(&ticket)
    }

    fn leave(&self, ticket: u64) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.remove(&ticket);
        let next = waiting.first_entry().and_then(|mut next| next.get_mut().take());
        drop(waiting);
        next.into_iter().for_each(Waker::wake);
    }
}

/// Waiting for a turn.
pub struct Turn<'a> {
    turns: &'a Turns,
    executor: Rc<Executor>,
    ticket: u64,
    sleep: Option<Sleep>,
}

impl Future for Turn<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if !this.turns.is_first(this.ticket) {
            let mut waiting = this.turns.waiting.borrow_mut();
            waiting.insert(this.ticket, Some(context.waker().clone()));
            return Poll::Pending;
        }
        let now = this.executor.now();
        // What ends within this millisecond is over.
        let busy = (this.turns.busy_until.get() / 1_000).saturating_sub(now);
        if busy > 0 {
            let sleep = this.sleep.insert(this.executor.sleep(busy));
            let _ = Pin::new(sleep).poll(context);
            return Poll::Pending;
        }
        this.turns.leave(this.ticket);
        Poll::Ready(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.turns.waiting.borrow().contains_key(&self.ticket) {
            self.turns.leave(self.ticket);
        }
    }
}
