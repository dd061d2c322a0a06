//! Deltas as bytes.

use crate::limits;
use crate::purge::codec::{
    Reader, Version, Writer, read_record, read_state, write_record, write_state,
};
use crate::purge::delta::Delta;
use crate::purge::mark::Seq;
use crate::purge::record::Record;

/// A delta as it stands in a payload.
pub enum ReadDelta {
    /// The whole delta.
    Whole(Delta),
    /// The records after a snapshot, which follows the payload.
    AfterSnapshot { floor: Seq, records: Vec<Record> },
}

pub fn write_delta(writer: &mut Writer, delta: &Delta, version: Version) {
    match delta {
        Delta::Records { epoch, floor, after, records } => {
            writer.byte(0);
            writer.fixed(*epoch);
            writer.number(*floor);
            writer.number(*after);
            write_records(writer, records, version);
        }
        Delta::Snapshot { epoch, snapshot } => {
            writer.byte(1);
            writer.fixed(*epoch);
            write_state(writer, snapshot, version);
        }
        Delta::EncodedSnapshot { floor, records, .. } => {
            writer.byte(2);
            writer.number(*floor);
            write_records(writer, records, version);
        }
    }
}

fn write_records(writer: &mut Writer, records: &[Record], version: Version) {
    writer.count(records.len());
    records.iter().for_each(|record| write_record(writer, record, version));
}

pub fn read_delta(reader: &mut Reader<'_>, version: Version) -> Option<ReadDelta> {
    match reader.byte()? {
        0 => {
            let epoch = reader.fixed()?;
            let (floor, after) = (reader.seq()?, reader.seq()?);
            let records = read_records(reader, version)?;
            let head = after.checked_add(u64::try_from(records.len()).ok()?)?;
            let delta = Delta::Records { epoch, floor, after, records };
            (floor <= head).then_some(ReadDelta::Whole(delta))
        }
        1 => {
            let epoch = reader.fixed()?;
            let snapshot = read_state(reader, version)?;
            Some(ReadDelta::Whole(Delta::Snapshot { epoch, snapshot }))
        }
        2 if version >= Version::V4 => {
            let floor = reader.seq()?;
            let records = read_records(reader, version)?;
            Some(ReadDelta::AfterSnapshot { floor, records })
        }
        _ => None,
    }
}

fn read_records(reader: &mut Reader<'_>, version: Version) -> Option<Vec<Record>> {
    let count = reader.count(3).filter(|count| *count <= limits::DELTA_RECORDS)?;
    (0..count).map(|_| read_record(reader, version)).collect()
}
