//! How the last call to a part of the service went, for all requests that want to know.
//!
//! Requests that ask at the same time make one probe: one calls the part, and the others wait for it. So
//! strangers who ask for the state of the service cause few calls.

use super::runtime::{Fault, Runtime};
use super::timeout::within;
use crate::time::Timestamp;
use std::cell::{Cell, RefCell};

/// How long a probe may take.
pub(super) const PROBE_MILLIS: u64 = 1_000;

/// How the last call to a part went.
#[derive(Debug, Default)]
pub(super) struct LastOutcome {
    /// When the call ended, and how.
    last: RefCell<Option<(Timestamp, Result<(), Fault>)>>,
    /// The signal that the probe under way is over, and when that began.
    under_way: Cell<Option<(u32, Timestamp)>>,
}

impl LastOutcome {
    /// A call has ended.
    pub fn note(&self, now: Timestamp, outcome: Result<(), Fault>) {
        self.last.replace(Some((now, outcome)));
    }

    /// The last outcome, if it is less than `millis` old. Otherwise that of a probe, which is noted. It must
    /// end within [`PROBE_MILLIS`].
    pub async fn or_probe<R: Runtime>(
        &self,
        runtime: &R,
        millis: u64,
        probe: impl Future<Output = Result<(), Fault>>,
    ) -> Result<(), Fault> {
        if let Some(recent) = self.recent(millis, runtime.now()) {
            return recent;
        }
        // The runtime may end the request that others wait for, so each waits once, and not for ever.
        if let Some(signal) = self.under_way(runtime.now()) {
            let waiting = async {
                runtime.wait_for_signal(signal).await;
                Ok(())
            };
            let _ = within(runtime, PROBE_MILLIS, waiting).await;
            if let Some(recent) = self.recent(millis, runtime.now()) {
                return recent;
            }
        }
        let signal = runtime.create_signal();
        self.under_way.set(Some((signal, runtime.now())));
        let outcome = probe.await;
        self.note(runtime.now(), outcome.clone());
        self.under_way.set(None);
        runtime.resolve_signal(signal);
        outcome
    }

    fn recent(&self, millis: u64, now: Timestamp) -> Option<Result<(), Fault>> {
        let last = self.last.borrow();
        let (at, outcome) = last.as_ref()?;
        now.is_within(millis, *at).then(|| outcome.clone())
    }

    fn under_way(&self, now: Timestamp) -> Option<u32> {
        let (signal, since) = self.under_way.get()?;
        now.is_within(PROBE_MILLIS, since).then_some(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::runtime::{Clock, Signals};
    use crate::service::testing::TestRuntime;
    use futures_util::future::join_all;

    const MILLIS: u64 = 5_000;

    /// A part that answers after 300 ms, and counts how often it is called.
    async fn called(runtime: &TestRuntime, calls: &Cell<u32>) -> Result<(), Fault> {
        calls.set(calls.get() + 1);
        runtime.sleep(300).await;
        Err(format!("call {}", calls.get()))
    }

    #[test]
    fn many_requests_make_one_call() {
        let (runtime, part, calls) = (TestRuntime::new(), LastOutcome::default(), Cell::new(0));
        let ask = || part.or_probe(&runtime, MILLIS, called(&runtime, &calls));
        let outcomes = runtime.run(join_all((0..100).map(|_| ask())));
        assert!(outcomes.iter().all(|outcome| *outcome == Err("call 1".to_owned())));
        runtime.advance(MILLIS - 1);
        assert_eq!((runtime.run(ask()), calls.get()), (Err("call 1".to_owned()), 1));
        runtime.advance(1);
        assert_eq!(runtime.run(ask()), Err("call 2".to_owned()));
        // Calls of other requests say it as well.
        part.note(runtime.at(), Ok(()));
        assert_eq!((runtime.run(ask()), calls.get()), (Ok(()), 2));
    }

    #[test]
    fn a_probe_that_the_runtime_has_ended_is_made_again() {
        let (runtime, part, calls) = (TestRuntime::new(), LastOutcome::default(), Cell::new(0));
        part.under_way.set(Some((runtime.create_signal(), runtime.at())));
        let asked = part.or_probe(&runtime, MILLIS, called(&runtime, &calls));
        assert_eq!(runtime.run(asked), Err("call 1".to_owned()));
        assert_eq!(part.under_way.get(), None);
    }
}
