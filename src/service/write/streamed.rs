//! Writes whose responses are streamed: what the origin does until the body ends is purged when it has
//! ended.

use crate::purge::NewRecord;
use crate::service::purges::{Purges, WriteInProgress};
use crate::service::runtime::{BodyEnd, Runtime};
use futures_util::future::{Either, select};
use std::pin::pin;
use std::rc::Rc;

/// How often a write is purged while its response goes on and on.
const STREAM_MILLIS: u64 = 20_000;

/// Purges for writes whose responses are streamed.
pub struct StreamedWrites {
    purges: Purges,
}

impl StreamedWrites {
    /// Records in that log.
    pub fn new(purges: Purges) -> Rc<Self> {
        Rc::new(Self { purges })
    }

    /// Records `new` again when the response's body has ended, in the background. If the body breaks off
    /// or the client leaves, nobody knows when the write is over.
    ///
    /// With `wait` the client gets the end of the body after that is recorded.
    pub fn purge_at_end<R: Runtime>(
        self: &Rc<Self>,
        runtime: &R,
        handle: u32,
        (new, write): (NewRecord, Rc<WriteInProgress>),
        source: &'static str,
        wait: bool,
    ) {
        let passed = runtime.body_end(handle);
        let (this, background) = (self.clone(), runtime.clone());
        runtime.spawn(async move {
            let Purges { intents, recorder, .. } = &this.purges;
            let runtime = &background;
            let end = this.wait_for_end(runtime, passed, (&new, &write), source).await;
            if !wait {
                runtime.release_end(handle);
            }
            // What the log does not take is kept as pending.
            let _ = match end {
                BodyEnd::Whole => {
                    let closing = intents.closing(runtime, Some(new), || write.close());
                    recorder.record(runtime, closing.unwrap_or_default(), source).await
                }
                BodyEnd::Cut => recorder.record(runtime, new.with_unknown_outcome(), source).await,
            };
            runtime.release_end(handle);
        });
    }

    /// Waits for the end of a body. Until then it records from time to time what was written so far. If
    /// the client leaves, the runtime may end this without notice: what is written later is then purged
    /// by the write's intent.
    async fn wait_for_end<R: Runtime>(
        &self,
        runtime: &R,
        passed: impl Future<Output = BodyEnd>,
        (new, write): (&NewRecord, &Rc<WriteInProgress>),
        source: &'static str,
    ) -> BodyEnd {
        let Purges { intents, recorder, .. } = &self.purges;
        let ending = async {
            let mut passed = pin!(passed);
            loop {
                match select(passed.as_mut(), pin!(runtime.sleep(STREAM_MILLIS))).await {
                    Either::Left((end, _)) => return end,
                    Either::Right(_) => {
                        let _ = recorder.record(runtime, new.clone(), source).await;
                    }
                }
            }
        };
        intents.watch(runtime, write, || Some(new.record.clone()), ending).await
    }
}
