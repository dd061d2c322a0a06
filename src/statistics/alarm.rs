//! When the object is woken to send messages about alerts.

use crate::time::Timestamp;
use std::cell::Cell;

/// The one alarm of the object. Nothing else uses it.
#[derive(Debug, Default)]
pub struct Alarm {
    /// When it goes off, if this object has set it or is setting it.
    at: Cell<Option<Timestamp>>,
}

impl Alarm {
    /// It went off.
    pub fn went_off(&self) {
        self.at.set(None);
    }

    /// Sets it by `setting`, unless it is set for `due` or earlier. What failed is tried again the next time.
    pub async fn set<F>(
        &self,
        due: Timestamp,
        setting: impl AsyncFnOnce() -> Result<(), F>,
    ) -> Result<(), F> {
        if self.at.get().is_some_and(|at| at <= due) {
            return Ok(());
        }
        // Before the call: a later time must not replace this one meanwhile.
        self.at.set(Some(due));
        setting().await.inspect_err(|_| self.went_off())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::FutureExt;

    #[test]
    fn an_alarm_that_could_not_be_set_is_set_the_next_time() {
        let alarm = Alarm::default();
        let at = Timestamp::from_millis;
        let calls = Cell::new(0);
        let set = |due, result: Result<(), &'static str>| {
            let setting = async || {
                calls.set(calls.get() + 1);
                result
            };
            alarm.set(at(due), setting).now_or_never().unwrap()
        };
        assert_eq!(set(100, Err("storage")), Err("storage"));
        assert_eq!((set(100, Ok(())), calls.get()), (Ok(()), 2));
        assert_eq!((set(200, Ok(())), calls.get()), (Ok(()), 2), "it goes off before");
        assert_eq!((set(50, Ok(())), calls.get()), (Ok(()), 3));
        alarm.went_off();
        assert_eq!((set(200, Ok(())), calls.get()), (Ok(()), 4));
    }
}
