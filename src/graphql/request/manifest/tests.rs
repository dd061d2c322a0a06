use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(body: &str) -> Result<Manifest, ManifestError> {
    Manifest::read(body.as_bytes(), &Amounts::default_limits(), Timestamp::from_millis(7))
}

fn apollo(operations: Value) -> String {
    json!({ "format": APOLLO_FORMAT, "version": 1, "operations": operations }).to_string()
}

#[test]
fn both_formats_are_read() {
    let operation = json!({ "id": "a", "name": "A", "type": "query", "body": "query A { a }" });
    for body in [apollo(json!([operation, operation])), json!({ "a": "query A { a }" }).to_string()]
    {
        let manifest = read(&body).unwrap();
        assert_eq!((manifest.count(), manifest.bytes()), (1, 13), "{body}");
        assert_eq!(manifest.document("a").map(|text| &**text), Some("query A { a }"));
        assert_eq!(manifest.document("b"), None);
    }
    // An id may have the name of a member of the other format.
    assert_eq!(read("{\"operations\":\"{a}\",\"format\":\"{b}\"}").unwrap().count(), 2);
    assert_eq!(read("{}").unwrap().count(), 0);
}

#[test]
fn what_is_wrong_is_named() {
    let long = "x".repeat(limits::MANIFEST_ID_BYTES + 1);
    for (body, path) in [
        ("", ""),
        ("[]", ""),
        ("{\"a\":7}", "a"),
        ("{\"a\":\"{a}\",\"b\":\"hello {\"}", "b"),
        ("{\"a\":\"\"}", "a"),
        ("{\"a\":\"fragment F on T { a }\"}", "a"),
        ("{\"a\":\"type T { a: Int }\"}", "a"),
        ("{\"\":\"{a}\"}", ""),
        (&json!({ "operations": [] }).to_string(), "format"),
        (
            &json!({ "operations": [], "format": APOLLO_FORMAT, "version": 2 }).to_string(),
            "version",
        ),
        (&apollo(json!([{ "id": "a", "body": "{a}" }, { "id": "b" }])), "operations[1].body"),
        (&apollo(json!([{ "body": "{a}" }])), "operations[0].id"),
        (&apollo(json!([7])), "operations[0].id"),
        (&apollo(json!([{ "id": "a", "body": "{" }])), "operations[0]"),
        (&apollo(json!([{ "id": long, "body": "{a}" }])), "operations[0]"),
        (
            &apollo(json!([{ "id": "a", "body": "{a}" }, { "id": "a", "body": "{b}" }])),
            "operations[1]",
        ),
    ] {
        assert_eq!(read(body).unwrap_err().path, path, "{body}");
    }
}

#[test]
fn a_newer_text_wins_and_bounds_hold_for_all_together() {
    let manifest = |documents: &[(&str, &str)]| {
        let documents = documents.iter().map(|(id, text)| ((*id).to_owned(), (*text).into()));
        Manifest { made_at: Timestamp::from_millis(1), documents: documents.collect() }
    };
    let before = manifest(&[("a", "{a}"), ("b", "{b}")]);
    let (all, added) = before.with(&manifest(&[("b", "{c}"), ("d", "{d}"), ("a", "{a}")])).unwrap();
    assert_eq!((all, added), (manifest(&[("a", "{a}"), ("b", "{c}"), ("d", "{d}")]), 2));

    let half = "x".repeat(limits::MANIFEST_BYTES / 2 + 1);
    let large = |id| manifest(&[(id, &half)]);
    assert!(large("a").with(&large("a")).is_ok());
    assert!(large("a").with(&large("b")).is_err());
    let many: Vec<String> = (0..=limits::MANIFEST_DOCUMENTS).map(|n| n.to_string()).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|id| (id.as_str(), "{a}")).collect();
    assert!(manifest(&[]).with(&manifest(&many)).is_err());
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        documents in prop::collection::btree_map(".{1,20}", ".{0,200}", 0..20),
        millis in any::<u64>(),
    ) {
        let documents = documents.into_iter().map(|(id, text)| (id, text.into())).collect();
        let manifest = Manifest { made_at: Timestamp::from_millis(millis), documents };
        let bytes = manifest.encode();
        prop_assert_eq!(Manifest::made_at(&bytes), Some(manifest.made_at));
        prop_assert_eq!(Manifest::decode(&bytes), Ok(manifest));
    }

    #[test]
    fn any_one_changed_byte_is_refused(at in any::<prop::sample::Index>(), by in 1_u8..) {
        let mut bytes = read("{\"a\":\"{a}\",\"b\":\"{b}\"}").unwrap().encode();
        let at = at.index(bytes.len());
        bytes[at] = bytes[at].wrapping_add(by);
        prop_assert!(Manifest::decode(&bytes).is_err());
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Manifest::decode(&bytes).is_err());
    }
}
