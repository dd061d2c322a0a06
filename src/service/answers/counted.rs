//! How a hit that JavaScript gives is counted: a line of text, which JavaScript keeps and hands back with
//! the number of such hits.

use crate::service::stats::{Answered, Response, Stats};
use crate::time::Timestamp;

/// What is counted of a hit besides its time, which is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountedHit {
    /// The cache type; for a batch `None`.
    pub type_name: Option<String>,
    /// The name of the GraphQL operation; for REST `None`, and for a batch what it is counted by.
    pub operation: Option<String>,
    /// The path of the request.
    pub path: String,
    /// The bytes of the body.
    pub bytes: usize,
    /// How long the origin had taken.
    pub saved_millis: u64,
}

impl CountedHit {
    /// The line, without its end. None of the texts can contain a tab or a line break: they come from a URL,
    /// a GraphQL document, or the configuration.
    pub fn to_line(&self) -> String {
        let Self { type_name, operation, path, bytes, saved_millis } = self;
        let type_name = type_name.as_deref().unwrap_or_default();
        let name = operation.as_deref().unwrap_or_default();
        format!("{bytes}\t{saved_millis}\t{type_name}\t{name}\t{path}")
    }
}

impl Stats {
    /// Counts the hits that JavaScript has given: lines of a number, a tab and the line of a hit.
    pub fn repeated(&self, now: Timestamp, lines: &str) {
        lines.lines().for_each(|line| {
            let _ = self.repeated_line(now, line);
        });
    }

    fn repeated_line(&self, now: Timestamp, line: &str) -> Option<()> {
        let mut parts = line.splitn(6, '\t');
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (times, bytes, saved_millis) = (number()?, number()?, number()?);
        let (type_name, name, path) = (parts.next()?, parts.next()?, parts.next()?);
        let given = |text| Some(text).filter(|text: &&str| !text.is_empty());
        let type_name = given(type_name);
        let response = Response {
            how: Answered::Hit,
            // The responses of a batch may be of several tiers, and are not counted by them.
            tier: type_name.map(|_| "memory"),
            millis: 0,
            bytes: usize::try_from(bytes).ok()?,
            saved_millis,
            type_name,
            operation: given(name),
            path,
            reason: None,
            // Noted when Wasm answered.
            matched: &[],
        };
        self.answered_often(now, &response, times);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Counter;

    #[test]
    fn hits_are_counted_as_if_wasm_had_given_them() {
        let hit = CountedHit {
            type_name: Some("product".to_owned()),
            operation: Some("Catalog".to_owned()),
            path: "/graphql".to_owned(),
            bytes: 100,
            saved_millis: 20,
        };
        let rest = CountedHit { operation: None, path: "/a/b".to_owned(), ..hit.clone() };
        let batch = CountedHit { type_name: None, operation: None, saved_millis: 0, ..hit.clone() };
        let (now, stats) = (Timestamp::from_millis(1), Stats::default());
        let lines = [(3, &hit), (2, &rest), (4, &batch)];
        let text = lines.map(|(times, hit)| format!("{times}\t{}\n", hit.to_line())).concat();
        stats.repeated(now, &format!("{text}nonsense\n"));
        let own = Stats::default();
        for (times, hit) in lines {
            let response = Response {
                how: Answered::Hit,
                tier: hit.type_name.as_ref().map(|_| "memory"),
                millis: 0,
                bytes: hit.bytes,
                saved_millis: hit.saved_millis,
                type_name: hit.type_name.as_deref(),
                operation: hit.operation.as_deref(),
                path: &hit.path,
                reason: None,
                matched: &[],
            };
            (0..times).for_each(|_| own.answered(now, &response));
        }
        assert_eq!(stats.totals(), own.totals());
        assert_eq!(stats.totals().total.of(Counter::Hits), 9);
    }
}
