//! Time limits for calls to stores and to the purge log.

use super::runtime::{Clock, Fault};
use futures_util::future::{Either, select};
use std::pin::pin;

/// The outcome of `work`, or a fault if it takes longer than `millis`. Work that takes longer is dropped.
pub(super) async fn within<T>(
    clock: &impl Clock,
    millis: u64,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    match select(pin!(work), pin!(clock.sleep(millis))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(format!("no answer within {millis} ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::TestRuntime;

    #[test]
    fn work_has_its_time_and_no_more() {
        let runtime = TestRuntime::new();
        let work = |millis| async move { Ok::<u64, Fault>(millis) };
        assert_eq!(runtime.run(within(&runtime, 10, work(1))), Ok(1));
        let never = std::future::pending::<Result<(), Fault>>();
        assert_eq!(
            runtime.run(within(&runtime, 10, never)),
            Err("no answer within 10 ms".to_owned())
        );
    }
}
