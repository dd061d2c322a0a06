//! What isolates and the statistics object say to each other, as JSON with a version.
//!
//! During a deploy both may be of different builds. The object refuses messages of another version, which is
//! like a failure: the isolate keeps its counts. Members that a build does not know are ignored, and missing
//! ones have a default, so that a version can be extended.

use super::ask::Ask;
use super::kv_content::KvAmount;
use super::leases::{WarmAsk, WarmReply, WarmRun};
use super::popular::PopularRequest;
use super::series::WindowSum;
use super::tally::Tally;
use crate::alerts::{AlertReport, PartNote};
use crate::record;
use crate::record::members;
use serde::Serialize;

/// The version of the messages.
const VERSION: u32 = 1;
/// How many bytes a message may have.
const MESSAGE_BYTES: usize = 4 << 20;
/// How many parts a report has at most.
pub(super) const PARTS: usize = 60;

/// What an isolate tells the object and asks it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Message {
    /// The version; [`Self::encode`] sets it.
    pub version: u32,
    /// A number that no other isolate has.
    pub isolate: u64,
    /// How many requests a day may be used (`stats.requests_per_day`).
    pub requests_per_day: u64,
    /// Whether it is the isolate's first report.
    pub is_first: bool,
    /// Whether it is sent because somebody asks, not because the isolate's slot has come. It gets no slot.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_question: bool,
    /// What was counted.
    pub parts: Vec<Part>,
    /// What is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    /// How many of the most frequent public reads are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub popular: Option<usize>,
    /// Which parts of the service fail, as the isolate sees it.
    #[serde(skip_serializing_if = "PartNote::is_good")]
    pub failing: PartNote,
    /// Whether the totals are asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub totals: bool,
    /// What the isolate knows of occasions to warm the cache, and what it has warmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm: Option<WarmAsk>,
}

members!(Message {
    version,
    isolate,
    requests_per_day,
    is_first,
    is_question,
    parts,
    ask,
    popular,
    failing,
    totals,
    warm,
});

/// Into how many parts an isolate puts what was not reported before. The object writes a row for each.
pub const NEW_PARTS: usize = 5;

/// What an isolate has counted in one minute, or since its last report.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Part {
    /// The isolate's parts have ascending numbers. The object counts each once.
    pub number: u64,
    /// The minute since 1970.
    pub minute: u64,
    /// The counts.
    pub tally: Tally,
}

members!(Part { number, minute, tally });

/// What the object says to a message.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Reply {
    /// The version; [`Self::encode`] sets it.
    pub version: u32,
    /// In how many milliseconds the isolate may report again. For a question it means nothing.
    pub wait_ms: u64,
    /// What was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<WindowSum>,
    /// The most frequent public reads, if they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub popular: Vec<PopularRequest>,
    /// Every alert.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertReport>,
    /// The totals, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Totals>,
    /// Whether the isolate warms the cache, if it has asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm: Option<WarmReply>,
    /// The run that warms the cache, or is to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<WarmRun>,
}

members!(Reply { version, wait_ms, answer, popular, alerts, totals, warm, run });

/// What was counted since the object began, for counters that only rise.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(default)]
pub struct Totals {
    /// The sums. Reasons are words, without the names behind them, and there are no paths.
    pub sum: Tally,
    /// What KV holds.
    pub kv: KvAmount,
}

members!(Totals { sum, kv });

/// Why a message or a reply cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFault {
    /// It is too long.
    TooLong,
    /// It is no JSON of the right form.
    Form,
    /// It is of another version.
    Version,
}

impl MessageFault {
    /// The reason as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "the message is too long",
            Self::Form => "the message cannot be read",
            Self::Version => "the message is of another version",
        }
    }
}

impl Message {
    /// As text.
    pub fn encode(&self) -> String {
        // Numbers and strings can always be serialized.
        serde_json::to_string(&Self { version: VERSION, ..self.clone() }).unwrap_or_default()
    }

    /// The message in a text.
    pub fn decode(text: &str) -> Result<Self, MessageFault> {
        if text.len() > MESSAGE_BYTES {
            return Err(MessageFault::TooLong);
        }
        let message: Self = record::read(text).ok_or(MessageFault::Form)?;
        match message.version == VERSION && message.parts.len() <= PARTS {
            true => Ok(message),
            false => Err(MessageFault::Version),
        }
    }
}

impl Reply {
    /// As text.
    pub fn encode(&self) -> String {
        serde_json::to_string(&Self { version: VERSION, ..self.clone() }).unwrap_or_default()
    }

    /// The reply in a text. A later version has what this one has.
    pub fn decode(text: &str) -> Result<Self, MessageFault> {
        let reply: Self = record::read(text).ok_or(MessageFault::Form)?;
        if reply.version < VERSION { Err(MessageFault::Version) } else { Ok(reply) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ask::By;
    use super::*;

    #[test]
    fn a_message_of_another_version_is_refused_and_an_extended_one_is_read() {
        let ask = Some(Ask { window: Some(60), by: Some(By::Type) });
        let message = Message { isolate: u64::MAX, ask, ..Message::default() };
        let text = message.encode();
        assert_eq!(Message::decode(&text).unwrap().ask, ask);
        assert_eq!(Message::decode(&text).unwrap().isolate, u64::MAX);
        let extended = text.replacen('{', r#"{"later":1,"#, 1);
        assert_eq!(Message::decode(&extended).unwrap().ask, ask);
        let other = text.replacen(r#""version":1"#, r#""version":2"#, 1);
        assert_eq!(Message::decode(&other), Err(MessageFault::Version));
        assert_eq!(Message::decode("{"), Err(MessageFault::Form));
        assert_eq!(Message::decode(&" ".repeat(MESSAGE_BYTES + 1)), Err(MessageFault::TooLong));
        assert_eq!(Reply::decode("{}"), Err(MessageFault::Version));
        let reply = Reply { wait_ms: 7, ..Reply::default() };
        let later = reply.encode().replacen(r#""version":1"#, r#""version":9"#, 1);
        assert_eq!(Reply::decode(&later).unwrap().wait_ms, 7);
    }
}
