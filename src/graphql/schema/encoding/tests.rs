use super::*;
use crate::graphql::OperationKind;
use proptest::prelude::*;

/// Schemas with every kind of type, and with names that do or do not collide.
fn schemas() -> impl Strategy<Value = Schema> {
    let name = "[A-D][a-z]{0,2}";
    let hint = prop_oneof![
        3 => Just(String::new()),
        1 => any::<u32>().prop_map(|seconds| format!(" @cacheControl(maxAge: {seconds})")),
        1 => Just(" @cacheControl(scope: PRIVATE, inheritMaxAge: true)".to_owned()),
    ];
    let of = prop::sample::select(vec!["Int", "[Int]", "T0!", "[[U]!]!", "I", "[Unknown]"]);
    let arguments = prop::sample::select(vec!["", "(a: Int!)", "(a: Int! = 1)"]);
    let field = (arguments, of, hint.clone())
        .prop_map(|(arguments, of, hint)| format!("{arguments}: {of}{hint}"));
    let fields = || {
        prop::collection::btree_map(name, field.clone(), 0..6).prop_map(|fields| {
            let fields = fields.into_iter().map(|(name, rest)| format!("{name}{rest} "));
            format!("{{ {}}} ", fields.collect::<String>())
        })
    };
    let kinds = vec![
        "type T# implements I",
        "type T#",
        "interface T# implements I",
        "scalar T#",
        "input T#",
        "enum T#",
        "union T#",
    ];
    let one = (prop::sample::select(kinds), hint, fields());
    (prop::collection::vec(one, 0..12), any::<bool>()).prop_map(|(all, mutates)| {
        let mut source = String::from("type Query { a: I } interface I union U = Query ");
        for (at, (head, hint, fields)) in all.into_iter().enumerate() {
            let body = if head.starts_with("union") { "= Query " } else { fields.as_str() };
            source.push_str(&format!("{}{hint} {body}", head.replace('#', &(at + 1).to_string())));
        }
        if mutates {
            source.push_str("type Mutation");
        }
        Schema::from_sdl(&source).unwrap_or_else(|fault| panic!("{fault}: {source}"))
    })
}

/// A table's bytes behind the right header.
fn sealed(table: &[u8]) -> Vec<u8> {
    sealed_as(table, table.len())
}

/// A table's bytes behind a header that states this length.
fn sealed_as(table: &[u8], bytes: usize) -> Vec<u8> {
    let mut checked = u32::try_from(bytes).unwrap().to_le_bytes().to_vec();
    checked.extend(miniz_oxide::deflate::compress_to_vec(table, 1));
    [MAGIC.as_slice(), &[VERSION], &checksum(&checked), &checked].concat()
}

/// Looks up everything in a schema.
fn look_up_all(schema: &Schema) {
    for id in schema.types() {
        assert_eq!(schema.type_named(schema.name(id)), Some(id));
        for (name, info) in schema.fields(id) {
            assert_eq!(schema.field(id, name), Some(info));
            assert!(schema.type_named(schema.name(info.type_id)).is_some());
        }
        for object in schema.possible_types(id) {
            assert!(schema.is_possible_type(id, schema.name(object)));
        }
    }
    assert!(schema.root(OperationKind::Query).is_some());
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(schema in schemas()) {
        look_up_all(&schema);
        prop_assert_eq!(Schema::decode(&schema.encode()), Some(schema));
    }

    #[test]
    fn any_one_changed_byte_is_refused(
        schema in schemas(), at in any::<prop::sample::Index>(), by in 1_u8..,
    ) {
        let mut bytes = schema.encode();
        let at = at.index(bytes.len());
        bytes[at] = bytes[at].wrapping_add(by);
        prop_assert_eq!(Schema::decode(&bytes), None);
    }

    #[test]
    fn whatever_is_cut_off_or_added_is_refused(
        schema in schemas(), at in any::<prop::sample::Index>(), more in any::<u8>(),
    ) {
        let mut bytes = schema.encode();
        prop_assert_eq!(Schema::decode(&bytes[..at.index(bytes.len())]), None);
        bytes.push(more);
        prop_assert_eq!(Schema::decode(&bytes), None);
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Schema::decode(&bytes), None);
        let _ = Schema::decode(&sealed(&bytes));
    }

    /// The checksum does not prove who wrote the bytes, so the content is checked as well.
    #[test]
    fn a_wrong_table_with_a_right_checksum_is_refused_or_a_schema(
        schema in schemas(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut table = write_table(&schema);
        for (at, byte) in changes {
            let at = at.index(table.len());
            table[at] = byte;
        }
        if let Some(other) = Schema::decode(&sealed(&table)) {
            look_up_all(&other);
            prop_assert_eq!(Schema::decode(&other.encode()), Some(other));
        }
    }
}

#[test]
fn another_version_is_refused() {
    let schema = Schema::from_sdl("type Query").unwrap();
    let mut bytes = schema.encode();
    assert_eq!(bytes[3], VERSION);
    for version in (0..=u8::MAX).filter(|version| *version != VERSION) {
        bytes[3] = version;
        assert_eq!(Schema::decode(&bytes), None);
    }
}

#[test]
fn few_bytes_cannot_claim_to_be_many() {
    // Claims of 4 GB of names, of types, and of the table.
    for table in [&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F][..], &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]] {
        assert_eq!(Schema::decode(&sealed(table)), None);
    }
    let mut checked = u32::MAX.to_le_bytes().to_vec();
    checked.push(0);
    let bytes = [MAGIC.as_slice(), &[VERSION], &checksum(&checked), &checked].concat();
    assert_eq!(Schema::decode(&bytes), None);
}

/// `scalar A interface B type Q implements B { a: A b: A }`, encoded by hand.
const TABLE: &[u8] = b"\x0AA\nB\nQ\na\nb\n\x03\
    \x00\x03\x00\x00\
    \x01\x01\x00\x00\
    \x01\x00\x02\x03\x00\x00\x01\x00\x00\x01\x01\
    \x02\x00\x00";

#[test]
fn the_format_is_as_documented() {
    let schema =
        Schema::from_sdl("schema { query: Q } interface B type Q implements B { a: A b: A }");
    let schema = schema.unwrap();
    // The schema also has the built-in scalars, which the table encoded by hand lacks.
    assert_eq!(changed(&schema), Vec::<String>::new());
    assert_eq!(read_table(&write_table(&schema)), Some(schema));
}

fn changed(schema: &Schema) -> Vec<String> {
    let by_hand = Schema::decode(&sealed(TABLE)).unwrap();
    crate::graphql::changed_types(&by_hand, schema).into_iter().collect()
}

#[test]
fn a_table_whose_parts_do_not_fit_is_refused() {
    let first_type = 12;
    for (what, at, byte) in [
        ("a type of no name", first_type + 8, 5),
        ("two types of one name", first_type + 4, 0),
        ("a kind that is none", first_type + 1, 5),
        ("a flag that is none", first_type + 1, 3 | 64),
        ("a leaf with fields", first_type + 9, 3),
        ("two fields of one name", first_type + 14, 0),
        ("a field of no name", first_type + 14, 2),
        ("a field of no type", first_type + 13, 3),
        ("more fields than there are", first_type + 10, 3),
        ("a leaf that is implemented", first_type + 18, 0),
        ("an object that is implemented", first_type + 18, 2),
        ("what is not there, implemented", first_type + 18, 3),
        ("a root that is a leaf", first_type + 19, 0),
        ("a root that is an interface", first_type + 20, 2),
        ("a root that is not there", first_type + 21, 4),
    ] {
        let mut table = TABLE.to_vec();
        assert_ne!(std::mem::replace(&mut table[at], byte), byte, "{what}");
        assert_eq!(Schema::decode(&sealed(&table)), None, "{what}");
    }
    assert_eq!(Schema::decode(&sealed(&[TABLE, &[0]].concat())), None, "more than a table");
    assert_eq!(Schema::decode(&sealed_as(TABLE, TABLE.len() + 1)), None, "another length");
}

#[test]
fn a_table_over_the_limits_is_refused() {
    let with_names = |bytes: usize| {
        let mut writer = Writer(Vec::new());
        writer.count("Q\n\n".len() + bytes);
        writer.0.extend_from_slice(b"Q\n");
        writer.0.extend(std::iter::repeat_n(b'a', bytes));
        writer.0.extend_from_slice(b"\n\x01\x00\x00\x00\x00\x00\x00\x00");
        sealed(&writer.0)
    };
    assert!(Schema::decode(&with_names(1000)).is_some());
    assert_eq!(Schema::decode(&with_names(limits::SCHEMA_TABLE_BYTES)), None);

    let rows = |there: usize| Reader(&[10]).rows(there);
    assert_eq!(rows(limits::SCHEMA_FIELDS - 10), Some(10));
    assert_eq!(rows(limits::SCHEMA_FIELDS - 9), None);
}

#[test]
fn numbers_of_every_length_are_read_as_written() {
    for number in [0, 1, 127, 128, 16_383, 16_384, u32::MAX - 1, u32::MAX] {
        let mut writer = Writer(Vec::new());
        writer.number(number);
        let mut reader = Reader(&writer.0);
        assert_eq!((reader.number(), reader.0.len()), (Some(number), 0));
    }
    for bad in [&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F][..], &[0x80; 6], &[0x80], &[]] {
        assert_eq!(Reader(bad).number(), None);
    }
}

#[test]
fn a_real_size_is_small() {
    let types = (0..1000).map(|at| format!("type Product{at} {{ id: ID! name: String }} "));
    let source = format!("type Query {}", types.collect::<String>());
    let bytes = Schema::from_sdl(&source).unwrap().encode();
    assert!(bytes.len() * 4 < source.len(), "{} of {}", bytes.len(), source.len());
}
