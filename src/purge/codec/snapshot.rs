//! Snapshots as bytes: the state of a log, and a message that holds one.

use super::frame::{MessageError, SNAPSHOT, encode_message, payload_of};
use super::parts::{Reader, Writer};
use super::version::Version;
use crate::limits;
use crate::purge::mark::Mark;
use crate::purge::pause::Pause;
use crate::purge::schemas::Schemas;
use crate::purge::state::{Snapshot, TaggedPurges};

/// The snapshot as a message of its own, for readers of that version: 4 or later.
pub fn encode_snapshot(epoch: u64, snapshot: &Snapshot, version: Version) -> Vec<u8> {
    encode_message(version, SNAPSHOT, |writer| {
        // A tag takes 8 bytes, and most tags have only one of the two sequence numbers.
        writer.0.reserve_exact(1_000 + 13 * snapshot.tags.len());
        writer.fixed(epoch);
        write_state(writer, snapshot, version);
    })
}

/// The version and the mark of the snapshot in a message.
pub fn snapshot_head(bytes: &[u8]) -> Result<(Version, Mark), MessageError> {
    let (version, payload) = snapshot_payload(bytes)?;
    let mut reader = Reader::new(payload);
    let mark = (|| Some(Mark { epoch: reader.fixed()?, seq: reader.seq()? }))();
    mark.map(|mark| (version, mark)).ok_or(MessageError::Content)
}

/// The snapshot in a message.
pub fn decode_snapshot(bytes: &[u8]) -> Result<Snapshot, MessageError> {
    let (version, payload) = snapshot_payload(bytes)?;
    let mut reader = Reader::new(payload);
    let snapshot = (|| {
        reader.fixed()?;
        read_state(&mut reader, version)
    })();
    snapshot.filter(|_| reader.is_empty()).ok_or(MessageError::Content)
}

fn snapshot_payload(bytes: &[u8]) -> Result<(Version, &[u8]), MessageError> {
    let (version, payload) = payload_of(SNAPSHOT, bytes)?;
    if version >= Version::V4 { Ok((version, payload)) } else { Err(MessageError::Version) }
}

pub fn write_state(writer: &mut Writer, snapshot: &Snapshot, version: Version) {
    writer.number(snapshot.head);
    writer.number(snapshot.floor);
    if version >= Version::V4 {
        writer.last(snapshot.all);
        writer.tagged(snapshot.tagged);
    } else {
        // See `write_record`.
        let mut all = snapshot.all;
        all.join(snapshot.tagged.by_known_rules());
        writer.last(all);
    }
    writer.count(snapshot.tags.len());
    for (tag, last) in &snapshot.tags {
        writer.fixed(*tag);
        writer.last(*last);
    }
    writer.count(snapshot.patterns.len());
    for (pattern, last) in &snapshot.patterns {
        writer.pattern(pattern);
        writer.last(*last);
    }
    writer.fixed(snapshot.schemas.in_force.number());
    writer.fixed(snapshot.schemas.distrusted.number());
    if version >= Version::V5 {
        writer.fixed(snapshot.pause.number());
    }
}

pub fn read_state(reader: &mut Reader<'_>, version: Version) -> Option<Snapshot> {
    let head = reader.seq()?;
    let floor = reader.number().filter(|floor| *floor <= head)?;
    let all = reader.last(head)?;
    let tagged = match version >= Version::V4 {
        true => reader.tagged(head)?,
        // A log of an earlier version does not know the rules of its purges.
        false => TaggedPurges::unknown_up_to(head),
    };
    let count = reader.count(10).filter(|count| *count <= limits::LOG_TAGS)?;
    let tag = |_| Some((reader.fixed()?, reader.last(head)?));
    let tags = (0..count).map(tag).collect::<Option<Vec<_>>>()?;
    let count = reader.count(4).filter(|count| *count <= limits::LOG_PATTERNS)?;
    let pattern = |_| Some((reader.pattern()?, reader.last(head)?));
    let patterns = (0..count).map(pattern).collect::<Option<Vec<_>>>()?;
    let schemas = Schemas { in_force: reader.schema()?, distrusted: reader.schema()? };
    let pause = if version >= Version::V5 { reader.pause()? } else { Pause::NONE };
    Some(Snapshot { head, floor, all, tagged, tags, patterns, schemas, pause })
}
