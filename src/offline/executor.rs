//! Runs tasks in virtual time: waits cost nothing, and tasks run in the order in which they become ready.

use crate::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// When a timer fires, and its number: timers of one time fire in the order in which they were set.
type TimerId = (u64, u64);

/// Tasks, timers and a clock.
pub(super) struct Executor {
    now: Cell<u64>,
    last_number: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    timers: RefCell<BTreeMap<TimerId, Waker>>,
    ready: Arc<ReadyTasks>,
}

/// The numbers of the tasks that can go on.
#[derive(Default)]
struct ReadyTasks(Mutex<VecDeque<u64>>);

impl ReadyTasks {
    fn push(&self, task: u64) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !tasks.contains(&task) {
            tasks.push_back(task);
        }
    }

    fn pop(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

struct TaskWaker {
    task: u64,
    ready: Arc<ReadyTasks>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.task);
    }
}

impl Executor {
    /// An executor whose clock shows `now`.
    pub fn new(now: Timestamp) -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(now.as_millis()),
            last_number: Cell::new(0),
            tasks: RefCell::default(),
            timers: RefCell::default(),
            ready: Arc::default(),
        })
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }

    /// Adds a task.
    pub fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        let number = self.number();
        self.tasks.borrow_mut().insert(number, Box::pin(work));
        self.ready.push(number);
    }

    /// Waits for so many milliseconds.
    pub fn sleep(self: &Rc<Self>, millis: u64) -> Sleep {
        let at = self.now.get().saturating_add(millis);
        Sleep { executor: self.clone(), at, timer: None }
    }

    /// Runs until nothing is left to do up to `end`, and sets the clock to it. The clock never goes back.
    pub fn run_until(&self, end: Timestamp) {
        loop {
            while let Some(task) = self.ready.pop() {
                self.poll(task);
            }
            let mut timers = self.timers.borrow_mut();
            let Some(first) = timers.first_entry() else { break };
            let (at, _) = *first.key();
            if at > end.as_millis() {
                break;
            }
            let waker = first.remove();
            drop(timers);
            self.now.set(at.max(self.now.get()));
            waker.wake();
        }
        self.now.set(end.as_millis().max(self.now.get()));
    }

    /// How many tasks and timers there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.tasks.borrow().len() + self.timers.borrow().len()
    }

    /// Drops all tasks. They own what owns them.
    pub fn clear(&self) {
        let tasks = self.tasks.take();
        drop(tasks);
        let timers = self.timers.take();
        drop(timers);
    }

    fn poll(&self, number: u64) {
        let Some(mut task) = self.tasks.borrow_mut().remove(&number) else { return };
        let waker = Waker::from(Arc::new(TaskWaker { task: number, ready: self.ready.clone() }));
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.tasks.borrow_mut().insert(number, task);
        }
    }

    fn number(&self) -> u64 {
        self.last_number.set(self.last_number.get() + 1);
        self.last_number.get()
    }
}

/// A wait that ends at a time.
pub(super) struct Sleep {
    executor: Rc<Executor>,
    at: u64,
    timer: Option<TimerId>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let executor = self.executor.clone();
        let mut timers = executor.timers.borrow_mut();
        if let Some(timer) = self.timer.take() {
            timers.remove(&timer);
            if executor.now.get() >= self.at {
                return Poll::Ready(());
            }
        }
        // A wait of 0 ms lets the other tasks run first.
        let timer = (self.at, executor.number());
        timers.insert(timer, context.waker().clone());
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.executor.timers.borrow_mut().remove(&timer);
        }
    }
}
