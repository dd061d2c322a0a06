//! The text format of Prometheus, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use super::table::{Metric, MetricType};
use crate::decimal::thousandths;

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text in the format. Each metric is begun once; its samples follow.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// The text so far.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Begins a metric: its description and its type.
    pub fn begin(&mut self, metric: &Metric) {
        let Metric { name, kind, help, .. } = metric;
        self.push(&["# HELP ", name, " "]);
        self.push_escaped(help, false);
        self.push(&["\n# TYPE ", name, " ", kind.as_str(), "\n"]);
    }

    /// Adds a sample of a counter or a gauge, with a value for each label.
    pub fn sample(&mut self, metric: &Metric, labels: &[&str], value: u64) {
        self.fraction(metric, labels, value.saturating_mul(1_000));
    }

    /// The same for a value in thousandths, such as milliseconds for a metric in seconds.
    pub fn fraction(&mut self, metric: &Metric, labels: &[&str], value: u64) {
        debug_assert!(metric.kind != MetricType::Histogram, "{}", metric.name);
        self.line(metric, "", labels, None, value);
    }

    /// Adds a counter or a gauge that has one sample and no labels.
    pub fn single(&mut self, metric: &Metric, value: u64) {
        self.begin(metric);
        self.sample(metric, &[], value);
    }

    /// Adds the samples of a histogram in seconds. The bounds and the sum are in milliseconds. `counts` has one
    /// number for each bound and one for what is above the last; they are not cumulative.
    pub fn histogram(
        &mut self,
        metric: &Metric,
        labels: &[&str],
        bounds: &[u64],
        counts: &[u64],
        sum: u64,
    ) {
        let mut below = 0_u64;
        let mut counts = counts.iter();
        for bound in bounds {
            below = below.saturating_add(counts.next().copied().unwrap_or(0));
            self.line(
                metric,
                "_bucket",
                labels,
                Some(&thousandths(*bound)),
                below.saturating_mul(1_000),
            );
        }
        let all = counts.fold(below, |sum, count| sum.saturating_add(*count)).saturating_mul(1_000);
        self.line(metric, "_bucket", labels, Some("+Inf"), all);
        self.line(metric, "_sum", labels, None, sum);
        self.line(metric, "_count", labels, None, all);
    }

    /// A line with a sample, whose value is in thousandths.
    fn line(
        &mut self,
        metric: &Metric,
        suffix: &str,
        labels: &[&str],
        bound: Option<&str>,
        value: u64,
    ) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        self.push(&[metric.name, suffix]);
        let named = metric.labels.iter().copied().zip(labels.iter().copied());
        let mut separator = "{";
        for (name, value) in named.chain(bound.map(|bound| ("le", bound))) {
            self.push(&[separator, name, "=\""]);
            self.push_escaped(value, true);
            self.push(&["\""]);
            separator = ",";
        }
        let end = if separator == "," { "} " } else { " " };
        self.push(&[end, &thousandths(value), "\n"]);
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.text.push_str(part));
    }

    /// A backslash and a line feed are escaped everywhere, a double quote in the values of labels.
    fn push_escaped(&mut self, text: &str, is_label: bool) {
        for character in text.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '"' if is_label => self.text.push_str("\\\""),
                other => self.text.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COUNTER: Metric = Metric {
        name: "a_total",
        kind: MetricType::Counter,
        labels: &["x", "y"],
        help: "Back\\slash.",
    };
    const HISTOGRAM: Metric =
        Metric { name: "b_seconds", kind: MetricType::Histogram, labels: &["x"], help: "B." };

    #[test]
    fn counters_have_labels_and_whole_numbers() {
        let mut text = Exposition::default();
        text.begin(&COUNTER);
        text.sample(&COUNTER, &["1", "a\"b\\c\nd"], 5);
        text.fraction(&COUNTER, &["", "é"], 1_000_000_500);
        let expected = concat!(
            "# HELP a_total Back\\\\slash.\n",
            "# TYPE a_total counter\n",
            "a_total{x=\"1\",y=\"a\\\"b\\\\c\\nd\"} 5\n",
            "a_total{x=\"\",y=\"é\"} 1000000.5\n",
        );
        assert_eq!(text.into_text(), expected);
    }

    #[test]
    fn buckets_are_cumulative() {
        let mut text = Exposition::default();
        text.begin(&HISTOGRAM);
        text.histogram(&HISTOGRAM, &["1"], &[1, 500], &[2, 0, 3], 7_250);
        let expected = concat!(
            "# HELP b_seconds B.\n",
            "# TYPE b_seconds histogram\n",
            "b_seconds_bucket{x=\"1\",le=\"0.001\"} 2\n",
            "b_seconds_bucket{x=\"1\",le=\"0.5\"} 2\n",
            "b_seconds_bucket{x=\"1\",le=\"+Inf\"} 5\n",
            "b_seconds_sum{x=\"1\"} 7.25\n",
            "b_seconds_count{x=\"1\"} 5\n",
        );
        assert_eq!(text.into_text(), expected);
    }

    proptest! {
        /// Whatever clients choose as names: a sample is one line, and its labels can be read back.
        #[test]
        fn a_label_can_be_read_back(value in any::<String>(), other in any::<String>()) {
            let mut text = Exposition::default();
            text.sample(&COUNTER, &[&value, &other], 1);
            let text = text.into_text();
            prop_assert_eq!(text.matches('\n').count(), 1);
            let rest = text.strip_prefix("a_total{x=\"").unwrap();
            let (first, rest) = read_back(rest);
            let (second, rest) = read_back(rest.strip_prefix(",y=\"").unwrap());
            prop_assert_eq!((first, second, rest), (value, other, "} 1\n"));
        }
    }

    /// The value of a label, and what follows its closing quote.
    fn read_back(text: &str) -> (String, &str) {
        let (mut value, mut characters) = (String::new(), text.chars());
        loop {
            match characters.next().unwrap() {
                '"' => return (value, characters.as_str()),
                '\\' => value.push(match characters.next().unwrap() {
                    'n' => '\n',
                    other => other,
                }),
                other => value.push(other),
            }
        }
    }
}
