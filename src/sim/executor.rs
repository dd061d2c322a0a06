//! Runs tasks in virtual time: no real clock is involved, and tasks that are ready at the same time
//! run in an order that the seed decides.

use super::random::Random;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// An isolate: its tasks end together.
pub type Group = u64;

/// A request: its tasks end together. 0 is for tasks of no request.
pub type RequestId = u64;

/// Runs tasks.
pub struct Executor {
    random: Random,
    now: Cell<u64>,
    next: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    /// Tasks that were ended: nothing of them runs any more, no destructor either.
    ended: RefCell<Vec<Task>>,
    timers: RefCell<BTreeMap<(u64, u64), Timer>>,
    ready: Arc<Mutex<Vec<u64>>>,
}

/// What happens at a moment.
enum Timer {
    Wake(Waker),
    End(RequestId),
}

struct Task {
    group: Group,
    context: RequestId,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

struct Ready {
    task: u64,
    ready: Arc<Mutex<Vec<u64>>>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap();
        if !ready.contains(&self.task) {
            ready.push(self.task);
        }
    }
}

impl Executor {
    pub fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            random: Random::new(seed),
            now: Cell::new(0),
            next: Cell::new(0),
            tasks: RefCell::default(),
            ended: RefCell::default(),
            timers: RefCell::default(),
            ready: Arc::default(),
        })
    }

    /// Milliseconds since the run began.
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    pub fn spawn(&self, group: Group, work: impl Future<Output = ()> + 'static) {
        self.spawn_in(group, 0, work);
    }

    /// Spawns a task of one request.
    pub fn spawn_in(
        &self,
        group: Group,
        context: RequestId,
        work: impl Future<Output = ()> + 'static,
    ) {
        let id = self.number();
        self.tasks.borrow_mut().insert(id, Task { group, context, future: Box::pin(work) });
        self.ready.lock().unwrap().push(id);
    }

    /// Opens a request without tasks.
    pub fn open(&self) -> RequestId {
        self.number()
    }

    /// Ends an isolate's tasks where they stand.
    pub fn kill(&self, group: Group) {
        self.end_those(|task| task.group == group);
    }

    /// Ends a request's tasks where they stand.
    pub fn end(&self, context: RequestId) {
        self.end_those(|task| task.context == context);
    }

    /// Ends a request's tasks after so many milliseconds.
    pub fn end_after(&self, context: RequestId, millis: u64) {
        let timer = (self.now() + millis, self.number());
        self.timers.borrow_mut().insert(timer, Timer::End(context));
    }

    fn end_those(&self, ends: impl Fn(&Task) -> bool) {
        let mut tasks = self.tasks.borrow_mut();
        let ids: Vec<u64> =
            tasks.iter().filter(|(_, task)| ends(task)).map(|(id, _)| *id).collect();
        self.ended.borrow_mut().extend(ids.iter().filter_map(|id| tasks.remove(id)));
    }

    /// Drops all tasks, which own what owns them.
    pub fn clear(&self) {
        // A future that is dropped may call back here.
        let (tasks, ended) = (self.tasks.take(), self.ended.take());
        drop((tasks, ended));
        self.timers.take();
    }

    /// Waits for so many milliseconds.
    pub fn sleep(self: &Rc<Self>, millis: u64) -> Sleep {
        Sleep { executor: self.clone(), at: self.now() + millis, timer: None }
    }

    /// Runs until nothing is left to do before `end`, and sets the clock to it.
    pub fn run_until(&self, end: u64) {
        loop {
            while let Some(task) = self.take_ready() {
                self.poll(task);
            }
            let mut timers = self.timers.borrow_mut();
            let Some(entry) = timers.first_entry() else { break };
            let at = entry.key().0;
            if at > end {
                break;
            }
            let timer = entry.remove();
            drop(timers);
            self.now.set(at.max(self.now()));
            match timer {
                Timer::Wake(waker) => waker.wake(),
                Timer::End(context) => self.end(context),
            }
        }
        self.now.set(end.max(self.now()));
    }

    fn take_ready(&self) -> Option<u64> {
        let mut ready = self.ready.lock().unwrap();
        if ready.is_empty() {
            return None;
        }
        let which = self.random.below(ready.len() as u64) as usize;
        Some(ready.swap_remove(which))
    }

    fn poll(&self, id: u64) {
        let Some(mut task) = self.tasks.borrow_mut().remove(&id) else { return };
        let waker = Waker::from(Arc::new(Ready { task: id, ready: self.ready.clone() }));
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.tasks.borrow_mut().insert(id, task);
        }
    }

    fn number(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }
}

/// A wait that ends at a time.
pub struct Sleep {
    executor: Rc<Executor>,
    at: u64,
    timer: Option<(u64, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let executor = self.executor.clone();
        let mut timers = executor.timers.borrow_mut();
        if let Some(timer) = self.timer.take() {
            timers.remove(&timer);
            if executor.now() >= self.at {
                return Poll::Ready(());
            }
        }
        // A wait of 0 ms lets the other tasks run first.
        let timer = (self.at, executor.number());
        timers.insert(timer, Timer::Wake(context.waker().clone()));
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

/// A value that one task sends to another, once.
pub struct Promise<T>(Rc<RefCell<(Option<T>, Option<Waker>)>>);

impl<T> Promise<T> {
    /// A promise, and the function that fulfils it.
    pub fn new() -> (Self, impl FnOnce(T)) {
        let shared = Rc::new(RefCell::new((None, None)));
        let promise = Self(shared.clone());
        let keep = move |value| {
            let mut shared = shared.borrow_mut();
            shared.0 = Some(value);
            if let Some(waker) = shared.1.take() {
                Waker::wake(waker);
            }
        };
        (promise, keep)
    }
}

impl<T> Future for Promise<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut shared = self.0.borrow_mut();
        match shared.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                shared.1 = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Signals that tasks wait for.
#[derive(Default)]
pub struct Signals {
    last: Cell<u32>,
    open: RefCell<BTreeMap<u32, Vec<Waker>>>,
}

impl Signals {
    pub fn open(&self) -> u32 {
        self.last.set(self.last.get() + 1);
        self.open.borrow_mut().insert(self.last.get(), Vec::new());
        self.last.get()
    }

    pub fn give(&self, signal: u32) {
        let waiting = self.open.borrow_mut().remove(&signal);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }

    pub async fn wait(&self, signal: u32) {
        std::future::poll_fn(|context| match self.open.borrow_mut().get_mut(&signal) {
            Some(waiting) => {
                waiting.push(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
    }
}
