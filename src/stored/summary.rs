//! What lists show of an entry without reading it: a short text next to its value in KV.
//!
//! ```text
//! "1" stored_at initial_age ttl swr sie bytes epoch seq tagging completeness hashes tag*
//! ```
//!
//! The parts are separated by spaces, which no tag contains. `completeness` is `c` if the text has all
//! tags, as texts or as hashes, and `p` if it has only a part of them. `hashes` are those of the tags
//! that do not fit as texts, as base64url, or `-`.

use super::entry::{Entry, Meta};
use crate::http::{from_base64url, to_base64url};
use crate::purge::Mark;
use crate::tag::{Tagging, hash_of};
use crate::time::{Timestamp, Ttl};

/// How long the text may be as JSON: as long as metadata in KV
/// (<https://developers.cloudflare.com/kv/platform/limits/>).
const MOST_BYTES: usize = 1_024;
/// How much of it tags take as texts if not all of them fit.
const SOME_TAGS_BYTES: usize = 320;
const FORM: &str = "1";

/// What is known of an entry without its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// When the response was complete.
    pub stored_at: Timestamp,
    /// Its age at that time in seconds.
    pub initial_age: u64,
    /// Its freshness lifetime.
    pub ttl: Ttl,
    /// How much longer it may be served stale while it is refreshed.
    pub swr: Ttl,
    /// How much longer it may be served stale while the origin fails.
    pub sie: Ttl,
    /// The length of its body.
    pub bytes: usize,
    /// The mark of the purge log before the origin was asked.
    pub mark: Mark,
    /// The fingerprint of the rules by which the tags were made.
    pub tagging: Tagging,
    /// Its tags as texts, as far as they fit.
    pub tags: Vec<String>,
    /// The hashes of its tags, those of `tags` included.
    pub hashes: Vec<u64>,
    /// Whether `hashes` are all of them.
    pub is_complete: bool,
}

impl Summary {
    /// The summary of an entry, with all of its tags.
    pub fn of(entry: &Entry) -> Self {
        let Meta { stored_at, initial_age, ttl, swr, sie, mark, tagging, .. } = entry.meta;
        let tags = entry.meta.tags.clone();
        let hashes = tags.iter().map(|tag| hash_of(tag)).collect();
        let bytes = entry.body.len();
        let is_complete = true;
        Self {
            stored_at,
            initial_age,
            ttl,
            swr,
            sie,
            bytes,
            mark,
            tagging,
            tags,
            hashes,
            is_complete,
        }
    }

    /// The entry's age in whole seconds.
    pub fn age(&self, now: Timestamp) -> u64 {
        self.initial_age.saturating_add(now.seconds_since(self.stored_at))
    }

    /// Whether it may not be served any more, however young it is.
    pub fn has_ended(&self) -> bool {
        [self.ttl, self.swr, self.sie].iter().all(|window| window.is_zero())
    }

    /// Whether it may not be served at that time, fresh or stale.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let longest = self.ttl.as_seconds() + self.swr.max(self.sie).as_seconds();
        self.age(now) >= longest
    }

    /// The text, which is at most 1,024 bytes long as JSON.
    pub fn encode(&self) -> String {
        let numbers = [
            self.stored_at.as_millis(),
            self.initial_age,
            self.ttl.as_seconds(),
            self.swr.as_seconds(),
            self.sie.as_seconds(),
            u64::try_from(self.bytes).unwrap_or(u64::MAX),
            self.mark.epoch,
            self.mark.seq,
            self.tagging.number(),
        ];
        let mut text = FORM.to_owned();
        for number in numbers {
            text.push(' ');
            text.push_str(&number.to_string());
        }
        // The quotes, the completeness, the hashes' dash, and spaces.
        let room = MOST_BYTES.saturating_sub(text.len() + 6);
        let all: usize = self.tags.iter().map(|tag| json_bytes(tag)).sum();
        let for_tags = if all <= room { room } else { SOME_TAGS_BYTES };
        let mut taken = 0;
        let fits = |tag: &&String| {
            taken += json_bytes(tag);
            taken <= for_tags
        };
        let shown: Vec<&str> = self.tags.iter().take_while(fits).map(String::as_str).collect();
        let used: usize = shown.iter().map(|tag| json_bytes(tag)).sum();
        let rest = self.hashes.get(shown.len()..).unwrap_or_default();
        // Four letters for three bytes, and eight bytes for a hash.
        let most = room.saturating_sub(used) * 3 / 4 / 8;
        let is_complete = self.is_complete && rest.len() <= most;
        let bytes: Vec<u8> = rest.iter().take(most).flat_map(|hash| hash.to_le_bytes()).collect();
        text.push_str(if is_complete { " c " } else { " p " });
        text.push_str(if bytes.is_empty() { "-" } else { "" });
        text.push_str(&to_base64url(&bytes));
        for tag in shown {
            text.push(' ');
            text.push_str(tag);
        }
        text
    }

    /// The summary in such a text. `None` if it is in another form.
    pub fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        if parts.next() != Some(FORM) {
            return None;
        }
        let mut number = || parts.next()?.parse::<u64>().ok();
        let stored_at = Timestamp::from_millis(number()?);
        let initial_age = number()?;
        let mut seconds = || number().map(Ttl::from_seconds);
        let (ttl, swr, sie) = (seconds()?, seconds()?, seconds()?);
        let bytes = usize::try_from(number()?).ok()?;
        let mark = Mark { epoch: number()?, seq: number()? };
        let tagging = Tagging::from_number(number()?);
        let is_complete = match parts.next()? {
            "c" => true,
            "p" => false,
            _ => return None,
        };
        let others = match parts.next()? {
            "-" => Vec::new(),
            text => from_base64url(text)?,
        };
        let tags: Vec<String> = parts.map(str::to_owned).collect();
        let mut hashes: Vec<u64> = tags.iter().map(|tag| hash_of(tag)).collect();
        let (others, []) = others.as_chunks::<8>() else { return None };
        hashes.extend(others.iter().map(|hash| u64::from_le_bytes(*hash)));
        Some(Self {
            stored_at,
            initial_age,
            ttl,
            swr,
            sie,
            bytes,
            mark,
            tagging,
            tags,
            hashes,
            is_complete,
        })
    }
}

/// How many bytes a tag takes with the space before it, in a string of JSON.
fn json_bytes(tag: &str) -> usize {
    let escaped = tag.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    1 + tag.len() + escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn summary(tags: Vec<String>) -> Summary {
        Summary {
            stored_at: Timestamp::from_millis(1_800_000_000_000),
            initial_age: 3,
            ttl: Ttl::from_seconds(7_200),
            swr: Ttl::from_seconds(60),
            sie: Ttl::from_seconds(86_400),
            bytes: 1_234,
            mark: Mark { epoch: u64::MAX, seq: 12 },
            tagging: Tagging::from_number(u64::MAX),
            hashes: tags.iter().map(|tag| hash_of(tag)).collect(),
            tags,
            is_complete: true,
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_as_far_as_it_fits(
            tags in prop::collection::vec("[!-+.-~]{1,60}", 0..90),
        ) {
            let whole = summary(tags);
            let text = whole.encode();
            let json = serde_json::to_string(&text).unwrap();
            prop_assert!(json.len() <= MOST_BYTES, "{} bytes", json.len());
            let read = Summary::decode(&text).unwrap();
            prop_assert!(whole.hashes.starts_with(&read.hashes), "those that fit, in their order");
            prop_assert!(whole.tags.starts_with(&read.tags));
            prop_assert_eq!(read.is_complete, read.hashes.len() == whole.hashes.len());
            prop_assert_eq!(Summary { tags: vec![], hashes: vec![], is_complete: true, ..read },
                Summary { tags: vec![], hashes: vec![], ..whole });
        }

        #[test]
        fn any_text_is_read_or_is_none(text in ".*") {
            Summary::decode(&text);
        }
    }

    #[test]
    fn few_tags_are_texts_and_of_many_most_are_hashes() {
        let tags = |count: usize| (0..count).map(|n| format!("Product:{n:04}")).collect();
        let few = Summary::decode(&summary(tags(60)).encode()).unwrap();
        assert_eq!((few.tags.len(), few.hashes.len(), few.is_complete), (60, 60, true));
        let many = Summary::decode(&summary(tags(76)).encode()).unwrap();
        assert_eq!((many.tags.len(), many.hashes.len(), many.is_complete), (24, 76, true));
        let too_many = Summary::decode(&summary(tags(700)).encode()).unwrap();
        assert!(!too_many.is_complete && too_many.hashes.len() > 60);
    }

    #[test]
    fn another_form_is_none() {
        let text = summary(vec!["Product".to_owned()]).encode();
        assert!(Summary::decode(&text).is_some());
        for bad in ["", "2", "1 2", &text.replacen('1', "2", 1), &text.replace(" c ", " x ")] {
            assert_eq!(Summary::decode(bad), None, "{bad}");
        }
    }
}
