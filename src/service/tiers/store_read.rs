//! Reading a store without letting it hold up a request: within a time limit, and not while its circuit
//! breaker is open.

use super::breaker::Breaker;
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::runtime::{Fault, Runtime};
use crate::service::timeout::within;

/// Awaits `reading` for at most `millis`, and notes the outcome for the breaker. `part` names the store in
/// log lines.
///
/// The time for which the read waits for one of the request's connections does not count: it says nothing
/// about the store.
pub async fn read_store<R: Runtime, T>(
    context: &Context<R>,
    (breaker, millis, part): (&Breaker, u64, &str),
    reading: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let runtime = &context.runtime;
    if !breaker.allows(runtime.now()) {
        return Err("its circuit breaker is open".to_owned());
    }
    let Some(slot) = context.store_reads.take().await else {
        return Err("earlier reads of this request do not end".to_owned());
    };
    let reading = async {
        let read = reading.await;
        slot.give_back();
        read
    };
    let read = within(runtime, millis, reading).await;
    match &read {
        Ok(_) => breaker.succeeded(),
        Err(fault) => {
            breaker.failed(runtime.now(), fault);
            report_failure(runtime, part, fault);
        }
    }
    read
}
