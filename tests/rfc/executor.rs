//! Runs futures on one thread, in virtual time: the clock moves only if everything waits for it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// More than any work of a case takes. Work that goes on for longer never ends.
const LONGEST_MILLIS: u64 = 3_600_000;

#[derive(Default)]
pub struct Executor {
    /// Milliseconds since the epoch.
    now: Cell<u64>,
    spawned: RefCell<Vec<Task>>,
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    timers_set: Cell<u64>,
}

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Notes that a future can go on. Which one is not noted: there are few, and all are polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Executor {
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Moves the clock on to this time, unless it is later already.
    pub fn advance_to(&self, millis: u64) {
        self.now.set(millis.max(self.now()));
    }

    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.spawned.borrow_mut().push(Box::pin(work));
    }

    pub async fn sleep(&self, millis: u64) {
        let at = self.now() + millis;
        let mut timer = Timer { executor: self, key: None };
        poll_fn(|context| {
            if self.now() >= at && timer.key.is_some() {
                return Poll::Ready(());
            }
            self.timers_set.set(self.timers_set.get() + 1);
            let key = *timer.key.get_or_insert((at, self.timers_set.get()));
            self.timers.borrow_mut().insert(key, context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Runs a future to its end, in parallel with everything that is spawned.
    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        self.run_until(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
        .unwrap()
    }

    /// Runs everything that is spawned to its end.
    pub fn finish(&self) {
        let done = || self.spawned.borrow().is_empty().then_some(());
        self.run_until(|_| done()).unwrap();
    }

    /// Polls until there is a value. `None` if everything waits, and not for the clock.
    fn run_until<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Option<T>) -> Option<T> {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let end = self.now() + LONGEST_MILLIS;
        while self.now() < end {
            woken.0.store(false, Ordering::Relaxed);
            if let Some(value) = poll(&mut context) {
                return Some(value);
            }
            let finished_some = self.poll_spawned(&mut context);
            if finished_some || woken.0.load(Ordering::Relaxed) {
                continue;
            }
            let (at, timer) = self.timers.borrow_mut().pop_first()?;
            self.advance_to(at.0);
            timer.wake();
        }
        None
    }

    /// Polls what is spawned. Returns whether some of it has ended or is new.
    fn poll_spawned(&self, context: &mut Context<'_>) -> bool {
        let mut tasks = self.spawned.take();
        let before = tasks.len();
        tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
        let has_ended = tasks.len() < before;
        let mut new = self.spawned.borrow_mut();
        let has_new = !new.is_empty();
        tasks.append(&mut new);
        *new = tasks;
        has_ended || has_new
    }
}

/// A timer that is set until it is dropped.
struct Timer<'a> {
    executor: &'a Executor,
    key: Option<(u64, u64)>,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.executor.timers.borrow_mut().remove(&key);
        }
    }
}

/// Signals that futures wait for.
#[derive(Default)]
pub struct Signals {
    opened: Cell<u32>,
    waiting: RefCell<BTreeMap<u32, Vec<Waker>>>,
}

impl Signals {
    pub fn open(&self) -> u32 {
        self.opened.set(self.opened.get() + 1);
        self.waiting.borrow_mut().insert(self.opened.get(), Vec::new());
        self.opened.get()
    }

    pub fn give(&self, signal: u32) {
        let waiting = self.waiting.borrow_mut().remove(&signal);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

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
