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
