//! Calls to the statistics object, and data points for Workers Analytics Engine.

use super::request_runtime::{WorkersRuntime, fault, text_of};
use crate::service::{Fault, StatisticsSink};
use js_sys::Reflect;
use std::cell::Cell;
use wasm_bindgen::JsValue;

/// The binding of the statistics object.
const STATS: &str = "STATS";
/// The binding of the data set.
const ANALYTICS: &str = "ANALYTICS";

thread_local! {
    /// The number of this isolate.
    static ISOLATE_NUMBER: Cell<u64> = const { Cell::new(0) };
}

impl StatisticsSink for WorkersRuntime {
    fn statistics_bound(&self) -> bool {
        self.is_bound(STATS)
    }

    /// 53 random bits: an isolate reports to one object, which knows at most some thousands.
    fn isolate_number(&self) -> u64 {
        ISOLATE_NUMBER.with(|number| {
            if number.get() == 0 {
                number.set(1 + (js_sys::Math::random() * 9_007_199_254_740_991.0) as u64);
            }
            number.get()
        })
    }

    async fn statistics_call(&self, message: String) -> Result<String, Fault> {
        let namespace = self.env().durable_object(STATS).map_err(fault)?;
        let call = self.0.exchange.call_statistics(namespace.as_ref(), &self.0.log_name, message);
        let reply = call.await.map_err(|error| text_of(&error))?;
        reply.as_string().ok_or_else(|| "the reply is no text".to_owned())
    }

    fn analytics_bound(&self) -> bool {
        self.is_bound(ANALYTICS)
    }

    fn write_data_point(&self, index: &str, doubles: &[f64]) -> Result<(), Fault> {
        let data_set = Reflect::get(self.env(), &JsValue::from_str(ANALYTICS));
        let data_set = data_set.map_err(|error| text_of(&error))?;
        let written = self.0.exchange.write_data_point(&data_set, index, doubles);
        written.map_err(|error| text_of(&error))
    }
}
