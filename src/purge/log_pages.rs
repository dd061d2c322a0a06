//! The pages in which a log stores its state.
//!
//! Records are stored one by one, and are dropped once all pages include them. There are 128 pages
//! with tags, and one global page with everything that is not about single tags.
//!
//! ```text
//! tag page    = layout:u8 up_to floor  (tag:u64 last)*
//! global page = layout:u8 up_to floor  all:last  hard:latest soft:latest  patterns (pattern last)*
//!               in_force:u64 distrusted:u64  periods (began seq at)*  pause:u64?
//! ```
//!
//! The layout is 2. A global page has layout 3 and a `pause` while the cache is paused. Builds that read
//! only layout 2 then take it for missing, and do not pause.
//!
//! Numbers, `last` and `latest` are those of `purge/codec`. Tags are stored as bytes because they have
//! 64 bits, and a Durable Object's rows reach Rust as JavaScript numbers, which have 53. There are
//! many tags in a row because storage is billed by rows.

use super::append_times::{AppendPeriod, AppendTimes};
use super::codec::{Reader, Writer};
use super::mark::Seq;
use super::pause::Pause;
use super::schemas::Schemas;
use super::state::{LastPurges, PAGES, TaggedPurges};
use crate::key::Pattern;
use crate::time::Timestamp;

/// The number of the global page.
pub const GLOBAL_PAGE: usize = PAGES;
/// How many pages there are in all.
pub const ALL_PAGES: usize = PAGES + 1;
/// The layout of pages. A page of another layout counts as missing.
const LAYOUT: u8 = 2;
/// The layout of a global page with a pause.
const PAUSED_LAYOUT: u8 = 3;

/// A page of tags.
#[derive(Debug, Clone, PartialEq)]
pub struct TagPage {
    /// The last record that is included.
    pub up_to: Seq,
    /// Purges up to this one are left out.
    pub floor: Seq,
    /// The last purges of each tag.
    pub tags: Vec<(u64, LastPurges)>,
}

/// The page of everything that is not about single tags.
#[derive(Debug, Clone, PartialEq)]
pub struct GlobalPage {
    /// The last record that is included.
    pub up_to: Seq,
    /// The floor of the log.
    pub floor: Seq,
    /// The last purges of everything.
    pub all: LastPurges,
    /// The last purges by tags, whichever tags.
    pub tagged: TaggedPurges,
    /// The last purges of each pattern.
    pub patterns: Vec<(Pattern, LastPurges)>,
    /// The schemas.
    pub schemas: Schemas,
    /// Until when the cache is paused.
    pub pause: Pause,
    /// When records were appended.
    pub times: AppendTimes,
}

impl TagPage {
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = header(LAYOUT, self.up_to, self.floor);
        for (tag, last) in &self.tags {
            writer.fixed(*tag);
            writer.last(*last);
        }
        writer.0
    }

    /// The page in these bytes. `None` if they are invalid.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut reader, up_to, floor) = read_header(LAYOUT, bytes)?;
        let mut tags = Vec::with_capacity(bytes.len() / 11);
        while !reader.is_empty() {
            tags.push((reader.fixed()?, reader.last(up_to)?));
        }
        Some(Self { up_to, floor, tags })
    }
}

impl GlobalPage {
    pub fn encode(&self) -> Vec<u8> {
        let is_paused = self.pause != Pause::NONE;
        let layout = if is_paused { PAUSED_LAYOUT } else { LAYOUT };
        let mut writer = header(layout, self.up_to, self.floor);
        writer.last(self.all);
        writer.tagged(self.tagged);
        writer.count(self.patterns.len());
        for (pattern, last) in &self.patterns {
            writer.pattern(pattern);
            writer.last(*last);
        }
        writer.fixed(self.schemas.in_force.number());
        writer.fixed(self.schemas.distrusted.number());
        writer.count(self.times.periods().len());
        for period in self.times.periods() {
            writer.number(period.began.as_millis());
            writer.number(period.seq);
            writer.number(period.at.as_millis());
        }
        if is_paused {
            writer.fixed(self.pause.number());
        }
        writer.0
    }

    /// The page in these bytes. `None` if they are invalid.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let is_paused = bytes.first() == Some(&PAUSED_LAYOUT);
        let layout = if is_paused { PAUSED_LAYOUT } else { LAYOUT };
        let (mut reader, up_to, floor) = read_header(layout, bytes)?;
        let all = reader.last(up_to)?;
        let tagged = reader.tagged(up_to)?;
        let count = reader.count(4)?;
        let pattern = |_| Some((reader.pattern()?, reader.last(up_to)?));
        let patterns = (0..count).map(pattern).collect::<Option<_>>()?;
        let schemas = Schemas { in_force: reader.schema()?, distrusted: reader.schema()? };
        let count = reader.count(3)?;
        let period = |_| {
            let began = Timestamp::from_millis(reader.number()?);
            let seq = reader.seq()?;
            Some(AppendPeriod { began, seq, at: Timestamp::from_millis(reader.number()?) })
        };
        let periods = (0..count).map(period).collect::<Option<Vec<_>>>()?;
        let times = AppendTimes::from_periods(periods.into_iter());
        let pause = match is_paused {
            true => reader.pause().filter(|pause| *pause != Pause::NONE)?,
            false => Pause::NONE,
        };
        let is_whole = reader.is_empty();
        is_whole.then_some(Self { up_to, floor, all, tagged, patterns, schemas, pause, times })
    }
}

fn header(layout: u8, up_to: Seq, floor: Seq) -> Writer {
    let mut writer = Writer(vec![layout]);
    writer.number(up_to);
    writer.number(floor);
    writer
}

fn read_header(layout: u8, bytes: &[u8]) -> Option<(Reader<'_>, Seq, Seq)> {
    let mut reader = Reader::new(bytes.strip_prefix(&[layout])?);
    let up_to = reader.seq()?;
    let floor = reader.seq().filter(|floor| *floor <= up_to)?;
    Some((reader, up_to, floor))
}

#[cfg(test)]
mod tests;
