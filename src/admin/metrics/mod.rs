//! What `GET metrics` says, in the text format of Prometheus.
//!
//! | file | contains |
//! |---|---|
//! | `table.rs` | the metrics: name, type, labels and description |
//! | `exposition.rs` | the text format |
//! | `report.rs` | the numbers of a service as metrics |
//!
//! In scope: names, labels and the format. Not in scope: counting (`statistics`), and asking the parts of the
//! service (`service/admin/parts.rs`).

mod exposition;
mod report;
mod table;

#[cfg(test)]
mod tests;

pub use exposition::CONTENT_TYPE;
pub use report::MetricsReport;
pub use table::{METRICS, Metric, MetricType};
