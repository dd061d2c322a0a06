//! Reading a store: through its circuit breaker, in its turn and within its time.

use super::breaker::Breaker;
use super::context::Context;
use super::report::report_failure;
use super::runtime::{Fault, Runtime};
use super::slots::Slots;
use super::timeout::within;
use std::rc::Rc;

/// Reads a store, if its breaker allows it. The time limit starts when the read does, not while it waits
/// for a slot: a busy request says nothing about the store.
pub(super) async fn read_store<R: Runtime, T>(
    runtime: &R,
    slots: &Rc<Slots>,
    (breaker, millis, part): (&Breaker, u64, &str),
    reading: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    if !breaker.allows(runtime.now()) {
        return Err("its circuit breaker is open".to_owned());
    }
    let Some(slot) = slots.take().await else {
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

/// The same with a request's own slots.
pub(super) async fn read_store_for<R: Runtime, T>(
    context: &Context<R>,
    store: (&Breaker, u64, &str),
    reading: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    read_store(&context.runtime, &context.store_reads, store, reading).await
}
