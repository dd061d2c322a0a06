//! Runs futures in virtual time: a wait is over at once, and the clock is set forward by it.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Tasks, timers and a clock. Tasks are polled in the order in which they were spawned.
#[derive(Default)]
pub struct Executor {
    now: Cell<u64>,
    tasks: RefCell<Vec<Task>>,
    timers: RefCell<Vec<(u64, Waker)>>,
    woken: Arc<Woken>,
}

/// Whether anything was woken since the tasks were polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

impl Executor {
    /// Milliseconds since the test began.
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Runs a future in the background.
    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.tasks.borrow_mut().push(Box::pin(work));
        self.woken.0.store(true, Relaxed);
    }

    /// How many background tasks have not ended.
    pub fn tasks(&self) -> usize {
        self.tasks.borrow().len()
    }

    /// Ends all background tasks where they are.
    pub fn cut_off(&self) {
        self.tasks.take();
    }

    /// Runs a future to its end, and the background tasks as far as they get meanwhile. Panics if
    /// the future waits for something that will never happen.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let waker = Waker::from(self.woken.clone());
        loop {
            self.woken.0.store(false, Relaxed);
            if let Poll::Ready(output) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            self.poll_tasks();
            let is_idle = !self.woken.0.load(Relaxed);
            assert!(!is_idle || self.fire_timer(u64::MAX), "nothing is left to wait for");
        }
    }

    /// Runs the background tasks for so many milliseconds.
    pub fn advance(&self, millis: u64) {
        let end = self.now() + millis;
        loop {
            self.woken.0.store(false, Relaxed);
            self.poll_tasks();
            if !self.woken.0.load(Relaxed) && !self.fire_timer(end) {
                break;
            }
        }
        self.now.set(end);
    }

    fn poll_tasks(&self) {
        let waker = Waker::from(self.woken.clone());
        // A task may spawn others, which are polled in the next round.
        let mut tasks = self.tasks.take();
        tasks.retain_mut(|task| task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        tasks.append(&mut self.tasks.borrow_mut());
        self.tasks.replace(tasks);
    }

    /// Sets the clock to the next timer that is not after `end`. Returns whether there is one.
    fn fire_timer(&self, end: u64) -> bool {
        let mut timers = self.timers.borrow_mut();
        let next = timers.iter().enumerate().min_by_key(|(_, (at, _))| *at);
        let Some((place, at)) = next.map(|(place, (at, _))| (place, *at)) else { return false };
        if at > end {
            return false;
        }
        let (_, waker) = timers.remove(place);
        self.now.set(at.max(self.now()));
        waker.wake();
        true
    }

    /// Waits. A wait of 0 ms lets everything else go first.
    pub async fn sleep(self: Rc<Self>, millis: u64) {
        let at = self.now() + millis;
        let mut has_waited = false;
        poll_fn(move |context| {
            if has_waited && self.now() >= at {
                return Poll::Ready(());
            }
            if !has_waited || self.timers.borrow().iter().all(|(timer, _)| *timer != at) {
                self.timers.borrow_mut().push((at, context.waker().clone()));
            }
            has_waited = true;
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_cost_no_time_and_end_in_order() {
        let executor = Rc::new(Executor::default());
        let seen: Rc<RefCell<Vec<u64>>> = Rc::default();
        for millis in [30, 10, 20] {
            let (executor, seen) = (executor.clone(), seen.clone());
            executor.clone().spawn(async move {
                executor.sleep(millis).await;
                seen.borrow_mut().push(millis);
            });
        }
        executor.run(executor.clone().sleep(25));
        assert_eq!((executor.now(), executor.tasks()), (25, 1));
        assert_eq!(*seen.borrow(), [10, 20]);
        executor.advance(100);
        assert_eq!((executor.now(), executor.tasks()), (125, 0));
        assert_eq!(*seen.borrow(), [10, 20, 30]);
    }

    #[test]
    #[should_panic(expected = "nothing is left to wait for")]
    fn a_future_that_waits_for_ever_is_a_failure() {
        Executor::default().run(std::future::pending::<()>());
    }
}
