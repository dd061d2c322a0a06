//! Encodes a schema, with a version and a checksum.
//!
//! ```text
//! "EVS" version:u8 checksum:u64 table_bytes:u32 deflated(table)
//!
//! table  = names_bytes names types  type*  query mutation subscription
//! names  = each name followed by a line feed, in order
//! type   = name_gap flags max_age?  fields field*  links link_gap*
//! field  = name_gap flags max_age? type
//! ```
//!
//! The numbers of the header are little-endian. The checksum (XXH3) covers all bytes after it. The
//! numbers of the table are LEB128. A gap is the difference from the previous number in the same
//! list, which keeps sorted lists small and makes unsorted ones impossible. `max_age` is present if
//! the flags say so. `mutation` and `subscription` are 0 if absent, otherwise the type's number
//! plus one. Possible types are not stored, because they follow from the links.

use super::cache_hint::CacheHint;
use super::grouped_rows::GroupedRows;
use super::name_table::NameTable;
use super::table::{FieldInfo, FieldRow, Roots, Schema, TypeRow};
use super::type_id::{TypeId, TypeKind};
use crate::limits;

const MAGIC: &[u8; 3] = b"EVS";
const VERSION: u8 = 1;
/// A schema is written once and read by every isolate.
const DEFLATE_LEVEL: u8 = 6;

/// Flags of a field.
const LIST: u8 = 1;
const NONNULL: u8 = 2;
const NEEDS_ARGUMENTS: u8 = 4;
/// Flags of a type: its kind.
const KIND: u8 = 7;
/// Flags of both: their cache hint.
const PRIVATE: u8 = 8;
const INHERIT: u8 = 16;
const MAX_AGE: u8 = 32;

impl Schema {
    /// Encodes the schema.
    pub fn encode(&self) -> Vec<u8> {
        let table = write_table(self);
        let deflated = miniz_oxide::deflate::compress_to_vec(&table, DEFLATE_LEVEL);
        let mut checked = u32::try_from(table.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        checked.extend_from_slice(&deflated);
        let mut bytes = Vec::with_capacity(MAGIC.len() + 9 + checked.len());
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&checksum(&checked));
        bytes.extend_from_slice(&checked);
        bytes
    }

    /// Decodes a schema. `None` if the bytes are damaged, or of a version that this build does not
    /// know.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.strip_prefix(MAGIC)?.split_first()?;
        let (stored_checksum, checked) = rest.split_first_chunk::<8>()?;
        if *version != VERSION || *stored_checksum != checksum(checked) {
            return None;
        }
        let (table_bytes, deflated) = checked.split_first_chunk::<4>()?;
        let table_bytes = usize::try_from(u32::from_le_bytes(*table_bytes)).ok()?;
        if table_bytes > limits::SCHEMA_TABLE_BYTES {
            return None;
        }
        // The output grows as it is decompressed, to at most a thousand times the input.
        let table =
            miniz_oxide::inflate::decompress_to_vec_with_limit(deflated, table_bytes).ok()?;
        if table.len() != table_bytes {
            return None;
        }
        read_table(&table)
    }
}

fn checksum(checked: &[u8]) -> [u8; 8] {
    xxhash_rust::xxh3::xxh3_64_with_seed(checked, u64::from(VERSION)).to_le_bytes()
}

fn write_table(schema: &Schema) -> Vec<u8> {
    let mut writer = Writer(Vec::new());
    writer.count(schema.names.text().len());
    writer.0.extend_from_slice(schema.names.text().as_bytes());
    writer.count(schema.types.len());
    let mut type_name = 0;
    for (at, row) in schema.types.iter().enumerate() {
        writer.gap(&mut type_name, row.name);
        writer.hinted(kind_number(row.kind), row.hint);
        let fields = schema.fields.get(at);
        writer.count(fields.len());
        let mut field_name = 0;
        for FieldRow { name, info } in fields {
            writer.gap(&mut field_name, *name);
            let flag = |set: bool, flag: u8| if set { flag } else { 0 };
            let flags = flag(info.list, LIST)
                | flag(info.nonnull, NONNULL)
                | flag(info.needs_arguments, NEEDS_ARGUMENTS);
            writer.hinted(flags, info.hint);
            writer.number(number(info.type_id));
        }
        let links = schema.links.get(at);
        writer.count(links.len());
        let mut before = 0;
        for link in links {
            writer.gap(&mut before, number(*link));
        }
    }
    let Roots { query, mutation, subscription } = schema.roots;
    writer.number(number(query));
    for root in [mutation, subscription] {
        writer.number(root.map_or(0, |id| number(id).saturating_add(1)));
    }
    writer.0
}

/// Decodes the table. The checksum is correct, but the content is still untrusted.
fn read_table(bytes: &[u8]) -> Option<Schema> {
    let mut reader = Reader(bytes);
    let names_bytes = reader.count()?;
    let (text, rest) = reader.0.split_at_checked(names_bytes)?;
    let names = NameTable::from_text(std::str::from_utf8(text).ok()?)?;
    reader.0 = rest;
    let count = reader.count().filter(|count| *count <= limits::SCHEMA_TYPES)?;
    let mut types = Vec::new();
    let (mut fields, mut links) = (GroupedRows::new(), GroupedRows::new());
    let mut type_name = 0;
    for _ in 0..count {
        let name = reader.gap(&mut type_name)?;
        let (flags, hint) = reader.hinted()?;
        types.push(TypeRow { name, kind: kind_of(flags)?, hint });
        let mut field_name = 0;
        for _ in 0..reader.rows(fields.rows())? {
            let name = reader.gap(&mut field_name)?;
            let (flags, hint) = reader.hinted()?;
            let info = FieldInfo {
                type_id: reader.id()?,
                list: flags & LIST != 0,
                nonnull: flags & NONNULL != 0,
                needs_arguments: flags & NEEDS_ARGUMENTS != 0,
                hint,
            };
            fields.push(FieldRow { name, info });
        }
        fields.close();
        let mut before = 0;
        for _ in 0..reader.rows(links.rows())? {
            links.push(id(reader.gap(&mut before)?)?);
        }
        links.close();
    }
    let roots =
        Roots { query: reader.id()?, mutation: reader.root()?, subscription: reader.root()? };
    if !reader.0.is_empty() {
        return None;
    }
    types.shrink_to_fit();
    Schema::assemble(names, types, fields, links, roots)
}

fn kind_number(kind: TypeKind) -> u8 {
    match kind {
        TypeKind::Object => 0,
        TypeKind::Interface => 1,
        TypeKind::Union => 2,
        TypeKind::Leaf => 3,
        TypeKind::Input => 4,
    }
}

fn kind_of(number: u8) -> Option<TypeKind> {
    [TypeKind::Object, TypeKind::Interface, TypeKind::Union, TypeKind::Leaf, TypeKind::Input]
        .into_iter()
        .find(|kind| kind_number(*kind) == number)
}

fn number(id: TypeId) -> u32 {
    u32::try_from(id.index()).unwrap_or(u32::MAX)
}

fn id(number: u32) -> Option<TypeId> {
    usize::try_from(number).ok().and_then(TypeId::at)
}

struct Writer(Vec<u8>);

impl Writer {
    /// Writes LEB128: seven bits per byte, lowest first.
    fn number(&mut self, mut number: u32) {
        loop {
            let low = (number & 0x7F).to_le_bytes()[0];
            number >>= 7;
            if number == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }

    fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Writes a number of an ascending list as its difference from the previous one.
    fn gap(&mut self, before: &mut u32, number: u32) {
        self.number(number.saturating_sub(*before));
        *before = number;
    }

    fn hinted(&mut self, flags: u8, hint: CacheHint) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let of_hint = flag(hint.private, PRIVATE)
            | flag(hint.inherit, INHERIT)
            | flag(hint.max_age.is_some(), MAX_AGE);
        self.0.push(flags | of_hint);
        if let Some(max_age) = hint.max_age {
            self.number(max_age);
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u32> {
        let mut number = 0_u32;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7F);
            let placed = bits << shift;
            if placed >> shift != bits {
                return None;
            }
            number |= placed;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Reads a count of bytes or rows. Nothing may be allocated because of it.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// Reads a count of rows, up to the limit: in memory, rows take more than their bytes.
    fn rows(&mut self, there: usize) -> Option<usize> {
        self.count().filter(|count| there.saturating_add(*count) <= limits::SCHEMA_FIELDS)
    }

    fn gap(&mut self, before: &mut u32) -> Option<u32> {
        *before = before.checked_add(self.number()?)?;
        Some(*before)
    }

    /// Reads the flags without those of the hint, and the hint.
    fn hinted(&mut self) -> Option<(u8, CacheHint)> {
        let flags = self.byte()?;
        if flags & !(KIND | PRIVATE | INHERIT | MAX_AGE) != 0 {
            return None;
        }
        let max_age = if flags & MAX_AGE == 0 { None } else { Some(self.number()?) };
        let hint =
            CacheHint { max_age, private: flags & PRIVATE != 0, inherit: flags & INHERIT != 0 };
        Some((flags & KIND, hint))
    }

    fn id(&mut self) -> Option<TypeId> {
        id(self.number()?)
    }

    fn root(&mut self) -> Option<Option<TypeId>> {
        match self.number()?.checked_sub(1) {
            None => Some(None),
            Some(number) => Some(Some(id(number)?)),
        }
    }
}

#[cfg(test)]
mod tests;
